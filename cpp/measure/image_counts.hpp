#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace lightmeter::measure {

// How many pixels have each sample value: 256 of them, or 65 536 of a deep image.
using Histogram = std::vector<std::uint64_t>;
inline constexpr std::size_t kBins = 256;
inline constexpr std::size_t kDeepBins = 65'536;
// No image has more: every sum of a statistic then fits the integers that it is kept in.
inline constexpr std::int64_t kMaxPixels = (std::int64_t{1} << 47) - 1;

// The exact counts of one image; every statistic of it follows from these integers, so that no
// result depends on the kernel tier, the number of threads or how the image was cut into strips.
//
// An image is deep if its samples have more than 8 bits. They are put on the grid 0..65535, black
// to white; what is 255 at 8 bits is 65535 = 255 * 257 there.
struct ImageCounts {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 0;                  // 1 or 3; 0 before the first strip
  std::array<Histogram, 3> channel;  // red, green, blue; a gray image fills [0] only
  Histogram hue;                     // Pillow's HSV: hue 0..254 on a 255-step circle, or 0..65534
  Histogram saturation;
  Histogram value;
  Histogram hue_chroma;  // sum of max - min over the pixels of each hue

  // Before the first strip of an image of 8-bit samples.
  ImageCounts();
  // Before the first strip of a deep image. One in gray has 256 bins of hue and saturation, which
  // are all zero, and none in channels it does not have.
  [[nodiscard]] static ImageCounts deep(int channels);
  [[nodiscard]] bool is_deep() const noexcept { return channel[0].size() == kDeepBins; }

  // Adds the histograms of a strip of the same image; the size stays as it is.
  void add(const ImageCounts& strip);

  // Those counted, which leaves out the ignored ones.
  [[nodiscard]] std::uint64_t pixels() const noexcept {
    return std::accumulate(channel[0].begin(), channel[0].end(), std::uint64_t{0});
  }
  friend bool operator==(const ImageCounts&, const ImageCounts&) = default;
};

// Calls use(name, histogram of counts...) for each histogram of counts of one kind of image.
template <class Use, class... Counts>
void for_each_histogram(Use&& use, Counts&... counts) {
  use("red", counts.channel[0]...);
  use("green", counts.channel[1]...);
  use("blue", counts.channel[2]...);
  use("hue", counts.hue...);
  use("saturation", counts.saturation...);
  use("value", counts.value...);
  use("hue_chroma", counts.hue_chroma...);
}

}  // namespace lightmeter::measure
