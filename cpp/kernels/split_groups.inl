// Splits groups of pixels with the tier's kSplitGroup, which reads them whole. Included inside the
// region and namespace of each tier.

template <std::size_t kStride, auto kSplitGroup>
void split(const std::uint8_t* pixels, std::size_t n, std::uint8_t* first, std::uint8_t* second,
           std::uint8_t* third) noexcept {
  const std::size_t whole = kStride == 3 || n == 0 ? n : n - 1;  // the last has no padding
  std::size_t i = 0;
  for (; i + kGroup <= whole; i += kGroup) {
    kSplitGroup(pixels + kStride * i, first + i, second + i, third + i);
  }
  if (i < whole && whole >= kGroup) {  // the last group overlaps the one before
    i = whole - kGroup;
    kSplitGroup(pixels + kStride * i, first + i, second + i, third + i);
    i = whole;
  }
  for (; i < n; ++i) {
    first[i] = pixels[kStride * i];
    second[i] = pixels[kStride * i + 1];
    third[i] = pixels[kStride * i + 2];
  }
}
