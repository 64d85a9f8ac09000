#include "kernels/vector.hpp"

#if defined(__x86_64__) || defined(__aarch64__)

LIGHTMETER_OPEN_VECTORS

namespace lightmeter::kernels::vector {
namespace {

struct Sub {
  Pixel left{};
  Pixel operator()(Pixel coded, Pixel) noexcept { return left = add(coded, left); }
};

// Where there is room, pixels of 3 and 6 bytes are moved as 4 and 8 bytes; the next pixel takes the
// place of what was too much.
template <class Step, std::size_t kPixel>
inline void walk_pixels(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
                        std::size_t n) noexcept {
  constexpr std::size_t kMoved = kPixel == 3 ? 4 : kPixel == 6 ? 8 : kPixel;
  Step step;
  std::size_t i = 0;
  for (; i + kMoved <= n; i += kPixel) {
    const Pixel pixel = step(read_pixel<kMoved>(coded + i), read_pixel<kMoved>(above + i));
    std::memcpy(row + i, &pixel, kMoved);
  }
  for (; i < n; i += kPixel) {
    const Pixel pixel = step(read_pixel<kPixel>(coded + i), read_pixel<kPixel>(above + i));
    std::memcpy(row + i, &pixel, kPixel);
  }
}

template <class Step>
void walk(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row, std::size_t n,
          std::size_t pixel) noexcept {
  if (pixel == 1) return walk_pixels<Step, 1>(coded, above, row, n);
  if (pixel == 2) return walk_pixels<Step, 2>(coded, above, row, n);
  if (pixel == 3) return walk_pixels<Step, 3>(coded, above, row, n);
  if (pixel == 4) return walk_pixels<Step, 4>(coded, above, row, n);
  if (pixel == 6) return walk_pixels<Step, 6>(coded, above, row, n);
  return walk_pixels<Step, 8>(coded, above, row, n);
}

void none(const std::uint8_t* coded, const std::uint8_t*, std::uint8_t* row, std::size_t n,
          std::size_t) noexcept {
  std::memcpy(row, coded, n);
}

void up(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row, std::size_t n,
        std::size_t) noexcept {
  for (std::size_t i = 0; i < n; ++i) row[i] = static_cast<std::uint8_t>(coded[i] + above[i]);
}

}  // namespace

const Unfilters kUnfilter = {none, walk<Sub>, up, walk<Average>, walk<Paeth>};

}  // namespace lightmeter::kernels::vector

LIGHTMETER_CLOSE_VECTORS

#endif
