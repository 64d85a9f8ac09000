#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "measure/image_counts.hpp"

namespace lightmeter::measure {

// Counts colours of 16-bit samples. Half the size of the histograms, so that more of it stays in the
// cache.
class DeepTables {
 public:
  // A word of hue is count * kOne + sum of chroma; neither overflows within so many pixels.
  static constexpr std::int64_t kMost = (std::int64_t{1} << 24) - 1;

  // Those of this thread, kept for its life as fresh memory is slow; empty between tiles.
  [[nodiscard]] static DeepTables& of_thread();

  // Counts n pixels, at most kBlockPixels, here or, where a number could overflow, in `counts`.
  void add(const std::uint16_t* red, const std::uint16_t* green, const std::uint16_t* blue,
           std::size_t n, ImageCounts& counts) noexcept;
  // Moves all counts to `counts`.
  void drain(ImageCounts& counts) noexcept;
  void clear() noexcept;

 private:
  using Table = std::array<std::uint32_t, kDeepBins>;
  static constexpr std::uint64_t kOne = std::uint64_t{1} << 40;

  Table red_{}, green_{}, blue_{}, value_{}, saturation_{};
  std::array<std::uint64_t, kDeepBins> hue_{};
  std::int64_t in_tables_ = 0;
};

}  // namespace lightmeter::measure
