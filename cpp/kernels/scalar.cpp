#include <cmath>
#include <cstdlib>

#include "kernels/read_out.hpp"
#include "kernels/tier.hpp"

namespace lightmeter::kernels {
namespace {

template <std::size_t kStride>
void split(const std::uint8_t* pixels, std::size_t n, std::uint8_t* first, std::uint8_t* second,
           std::uint8_t* third) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    first[i] = pixels[kStride * i];
    second[i] = pixels[kStride * i + 1];
    third[i] = pixels[kStride * i + 2];
  }
}

void colour_keys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                 std::size_t n, std::uint32_t* value_min, std::uint32_t* chroma_x,
                 std::uint16_t* middle) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const ColourKeys keys = kernels::colour_keys(red[i], green[i], blue[i]);
    value_min[i] = keys.value_min;
    chroma_x[i] = keys.chroma_x;
    middle[i] = keys.middle;
  }
}

void luma(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
          std::size_t n, std::uint8_t* luma) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    luma[i] = static_cast<std::uint8_t>(luma_of(red[i], green[i], blue[i]));
  }
}

void colour_cells(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                  std::size_t n, std::uint32_t* cells) noexcept {
  for (std::size_t i = 0; i < n; ++i) cells[i] = cell_of(red[i], green[i], blue[i]);
}

bool is_empty_run(const std::uint8_t* cells) noexcept {
  return std::count(cells, cells + kRunCells, kNoneCounted) == kRunCells;
}

void read_page(const std::uint8_t* cells, std::size_t page, CellSums& sums) noexcept {
  kernels::read_page<is_empty_run>(cells, page, sums);
}

template <class T>
void sort(T* values, T* sorted, std::size_t n) noexcept {
  std::copy(values, values + n, sorted);
  std::sort(sorted, sorted + n);
}

template <class T>
bool scan(const T* values, T* copy, std::size_t n, T* least, T* greatest) noexcept {
  bool finite = true;
  *least = *greatest = values[0] + T{0};
  for (std::size_t i = 0; i < n; ++i) {
    finite = finite && std::isfinite(values[i]);
    copy[i] = values[i] + T{0};
    *least = std::min(*least, copy[i]);
    *greatest = std::max(*greatest, copy[i]);
  }
  return finite;
}

// The predictors of ISO/IEC 15948, 9.2 and 9.4.
int zero_of(int, int, int) noexcept { return 0; }
int left_of(int left, int, int) noexcept { return left; }
int up_of(int, int up, int) noexcept { return up; }
int average_of(int left, int up, int) noexcept { return (left + up) / 2; }
int paeth_of(int left, int up, int up_left) noexcept {
  const int estimate = left + up - up_left;
  const int by_left = std::abs(estimate - left);
  const int by_up = std::abs(estimate - up);
  const int by_up_left = std::abs(estimate - up_left);
  if (by_left <= by_up && by_left <= by_up_left) return left;
  return by_up <= by_up_left ? up : up_left;
}

template <auto kPredict>
void unfilter(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
              std::size_t n, std::size_t pixel) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const int left = i < pixel ? 0 : row[i - pixel];
    const int up_left = i < pixel ? 0 : above[i - pixel];
    row[i] = static_cast<std::uint8_t>(coded[i] + kPredict(left, above[i], up_left));
  }
}

template <class T>
constexpr SortKernels<T> kSort = {sort<T>, scan<T>};
constexpr Unfilters kUnfilter = {unfilter<zero_of>, unfilter<left_of>, unfilter<up_of>,
                                 unfilter<average_of>, unfilter<paeth_of>};

}  // namespace

constinit const Tier kScalar = {"scalar",     false,         split<3>,     split<4>,
                                colour_keys,  luma,          colour_cells, read_page,
                                kSort<float>, kSort<double>, kUnfilter};

}  // namespace lightmeter::kernels
