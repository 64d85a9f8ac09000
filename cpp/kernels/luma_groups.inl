// The luma of groups of kPixels pixels, by the tier's kLumaGroup. Included inside the region and
// namespace of each tier.

template <std::size_t kPixels, auto kLumaGroup>
void luma(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
          std::size_t n, std::uint8_t* luma) noexcept {
  std::size_t i = 0;
  for (; i + kPixels <= n; i += kPixels) kLumaGroup(red + i, green + i, blue + i, luma + i);
  if (i == n) return;
  if (n >= kPixels) {  // the last group overlaps the one before
    i = n - kPixels;
    kLumaGroup(red + i, green + i, blue + i, luma + i);
    return;
  }
  for (; i < n; ++i) luma[i] = static_cast<std::uint8_t>(luma_of(red[i], green[i], blue[i]));
}
