#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "error.hpp"
#include "kernels/colour.hpp"
#include "measure/image_meter.hpp"
#include "measure/statistics.hpp"

namespace lightmeter::measure {
namespace {

template <class T>
Pixels view_of(const std::vector<T>& samples, std::ptrdiff_t width, int channels, SampleType type,
               double low, double high) {
  const std::ptrdiff_t pixel = channels * static_cast<std::ptrdiff_t>(sizeof(T));
  return {.data = reinterpret_cast<const std::uint8_t*>(samples.data()),
          .width = width,
          .height = static_cast<std::ptrdiff_t>(samples.size()) / width / channels,
          .channels = channels,
          .row_stride = width * pixel,
          .pixel_stride = pixel,
          .channel_stride = sizeof(T),
          .type = type,
          .low = low,
          .high = high};
}

Pixels view_of(const std::vector<std::uint16_t>& samples, std::ptrdiff_t width, int channels) {
  return view_of(samples, width, channels, SampleType::kUint16, 0, 65535);
}

ImageCounts measure(const Pixels& view, int threads = 1) {
  ImageMeter meter;
  meter.update(view, threads);
  return meter.counts();
}

void expect_exact(std::uint64_t red, std::uint64_t green, std::uint64_t blue) {
  const auto colour =
      kernels::hexcone(static_cast<std::uint32_t>(red), static_cast<std::uint32_t>(green),
                       static_cast<std::uint32_t>(blue));
  const std::uint64_t chroma = colour.max - colour.min;
  const auto hsv =
      kernels::deep_hsv(static_cast<std::uint32_t>(red), static_cast<std::uint32_t>(green),
                        static_cast<std::uint32_t>(blue));
  const std::uint64_t hue =
      chroma == 0 ? 0 : 21845 * (colour.sector * chroma + colour.x) / (2 * chroma);
  ASSERT_EQ(hsv.hue, hue) << red << ' ' << green << ' ' << blue;
  ASSERT_LT(hsv.hue, 65535);
  ASSERT_EQ(hsv.saturation, colour.max == 0 ? 0 : 65535 * chroma / colour.max);
  ASSERT_EQ(hsv.value, colour.max);
  ASSERT_EQ(hsv.chroma, chroma);
}

TEST(DeepHsv, DivisionOfDoublesIsThatOfIntegers) {
  std::mt19937 random(1);
  const auto any = [&] { return random() & 0xffff; };
  for (int trial = 0; trial < 1'000'000; ++trial) expect_exact(any(), any(), any());
  constexpr std::uint64_t kEdges[] = {0, 1, 2, 3, 127, 255, 256, 257, 21845, 32767, 65534, 65535};
  for (const auto red : kEdges) {
    for (const auto green : kEdges) {
      for (const auto blue : kEdges) expect_exact(red, green, blue);
    }
  }
  // Chroma close to the maximum and x close to chroma: the quotients nearest below an integer.
  for (std::uint64_t max = 1; max < 65536; max += 7) {
    for (const std::uint64_t below : {std::uint64_t{0}, std::uint64_t{1}, max / 2, max - 1}) {
      expect_exact(max, max - below, 0);
      expect_exact(max - below, 0, max);
      expect_exact(below, max, max - 1);
    }
  }
}

TEST(DeepPixels, EverySampleTypeAndByteOrderGivesTheSameCounts) {
  std::mt19937 random(2);
  std::vector<std::uint16_t> grid(3 * 37 * 41);
  for (auto& sample : grid) sample = static_cast<std::uint16_t>(random());
  const ImageCounts want = measure(view_of(grid, 37, 3));

  std::vector<std::uint16_t> swapped(grid.size());
  std::vector<std::int32_t> integers(grid.begin(), grid.end());
  std::vector<float> floats(grid.size());
  std::vector<double> doubles(grid.size());
  for (std::size_t i = 0; i < grid.size(); ++i) {
    swapped[i] = static_cast<std::uint16_t>(grid[i] << 8 | grid[i] >> 8);
    floats[i] = static_cast<float>(grid[i] / 65535.0);
    doubles[i] = grid[i] / 65535.0 * 8 - 5;
  }
  Pixels view = view_of(swapped, 37, 3);
  view.swapped = true;
  EXPECT_TRUE(measure(view) == want);
  EXPECT_TRUE(measure(view_of(integers, 37, 3, SampleType::kInt32, 0, 65535)) == want);
  EXPECT_TRUE(measure(view_of(floats, 37, 3, SampleType::kFloat32, 0, 1)) == want);
  EXPECT_TRUE(measure(view_of(doubles, 37, 3, SampleType::kFloat64, -5, 3)) == want);
}

TEST(DeepPixels, RoundingIsToTheNearestAndToTheEvenOfTwo) {
  const std::vector<double> samples = {0, 0.49, 0.5, 0.51, 1.5, 2.5, 65534.5, 65534.51, 65535};
  const auto counts = measure(view_of(samples, 9, 1, SampleType::kFloat64, 0, 65535));
  const Histogram& gray = counts.channel[0];
  EXPECT_EQ(gray[0], 3U);
  EXPECT_EQ(gray[1], 1U);
  EXPECT_EQ(gray[2], 2U);
  EXPECT_EQ(gray[65534], 1U);
  EXPECT_EQ(gray[65535], 2U);
  EXPECT_EQ(std::accumulate(gray.begin(), gray.end(), 0U), samples.size());
  EXPECT_TRUE(counts.value == gray);
  EXPECT_EQ(counts.hue[0], samples.size());
  EXPECT_EQ(counts.saturation[0], samples.size());
}

TEST(DeepPixels, ASampleOutsideTheRangeChangesNothing) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> samples(3 * 900 * 700, 0.5);
  ImageMeter meter;
  meter.update(view_of(samples, 900, 3, SampleType::kFloat64, 0, 1));
  const ImageCounts before = meter.counts();
  for (const double bad : {-kInfinity, -0.25, 1.5, kInfinity, std::nan("")}) {
    for (const std::size_t at : {std::size_t{0}, samples.size() / 2, samples.size() - 1}) {
      samples[at] = bad;
      const Pixels view = view_of(samples, 900, 3, SampleType::kFloat64, 0, 1);
      for (const int threads : {1, 2}) EXPECT_THROW(meter.update(view, threads), OutOfRangeError);
      samples[at] = 0.5;
    }
  }
  EXPECT_TRUE(meter.counts() == before);
  meter.update(view_of(samples, 900, 3, SampleType::kFloat64, 0, 1));
  EXPECT_EQ(meter.counts().value[32768], 2 * before.value[32768]);
}

TEST(DeepPixels, AreNoStripsOfAn8BitImage) {
  const std::vector<std::uint16_t> deep(4);
  Pixels shallow = view_of(deep, 2, 1);
  shallow.type = SampleType::kUint8;
  ImageMeter one, other;
  one.update(view_of(deep, 2, 1));
  other.update(shallow);
  EXPECT_THROW(one.update(shallow), IncompatibleError);
  EXPECT_THROW(other.add(one), IncompatibleError);
}

// Exact to the last bit where the scale divides the sums, and near the limits of 64 bits.
TEST(DeepStatistics, TheScaleIsDividedOut) {
  std::mt19937 random(3);
  Histogram shallow(kBins), deep(kDeepBins);
  for (std::size_t i = 0; i < kBins; ++i) deep[257 * i] = shallow[i] = random();
  EXPECT_EQ(sample_statistics(deep).mean, sample_statistics(shallow).mean);
  EXPECT_EQ(sample_statistics(deep).stddev, sample_statistics(shallow).stddev);

  Histogram many(kDeepBins);
  many[0] = many[65535] = std::uint64_t{1} << 46;
  EXPECT_EQ(sample_statistics(many).mean, 127.5);
  EXPECT_EQ(sample_statistics(many).stddev, 127.5);
}

}  // namespace
}  // namespace lightmeter::measure
