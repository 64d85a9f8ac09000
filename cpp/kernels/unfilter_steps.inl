// The loops of a tier, which has defined `Bytes`, `read` and `write` of 1 to 8 of them, `add`, and the
// steps `Average` and `Paeth`. A step is shown the pixels of a row in order, each with the one above it,
// and returns what they stand for.

struct Sub {
  Bytes left{};
  Bytes operator()(Bytes coded, Bytes) noexcept { return left = add(coded, left); }
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
    write<kMoved>(row + i, step(read<kMoved>(coded + i), read<kMoved>(above + i)));
  }
  for (; i < n; i += kPixel) {
    write<kPixel>(row + i, step(read<kPixel>(coded + i), read<kPixel>(above + i)));
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

void sub(const std::uint8_t* coded, std::uint8_t* row, std::size_t n, std::size_t pixel) noexcept {
  walk<Sub>(coded, coded, row, n, pixel);
}

void up(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
        std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) row[i] = static_cast<std::uint8_t>(coded[i] + above[i]);
}
