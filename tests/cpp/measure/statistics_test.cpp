#include "measure/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace lightmeter::measure {
namespace {

TEST(Statistics, MeanAndPopulationStddev) {
  Histogram histogram(kBins);
  for (const std::size_t sample : {2, 4, 4, 4, 5, 5, 7, 9}) ++histogram[sample];
  EXPECT_DOUBLE_EQ(sample_statistics(histogram).mean, 5);
  EXPECT_DOUBLE_EQ(sample_statistics(histogram).stddev, 2);
}

TEST(Statistics, NoBinBeyondTheSpanIsRead) {
  const Histogram histogram(kBins + 3, 1);
  const auto statistics = sample_statistics(std::span(histogram).last(3));
  EXPECT_DOUBLE_EQ(statistics.mean, 1);
  EXPECT_DOUBLE_EQ(statistics.stddev, std::sqrt(2.0 / 3));
}

TEST(Statistics, OneValueHasNoSpread) {
  Histogram histogram(kBins);
  histogram[251] = 12'345'678;
  EXPECT_EQ(sample_statistics(histogram).mean, 251);
  EXPECT_EQ(sample_statistics(histogram).stddev, 0);
}

TEST(Statistics, NothingCancelsInTheVariance) {
  Histogram histogram(kBins);
  const std::uint64_t many = std::uint64_t{1} << 40;
  histogram[255] = many;
  histogram[254] = 1;
  const double n = static_cast<double>(many) + 1;
  EXPECT_DOUBLE_EQ(sample_statistics(histogram).stddev, std::sqrt(static_cast<double>(many)) / n);
}

TEST(Statistics, EntropyIsOverTheConcatenatedChannels) {
  ImageCounts counts;
  counts.width = 4;
  counts.height = 2;
  counts.channels = 1;
  counts.channel[0][7] = 8;
  EXPECT_EQ(entropy(counts), 0);

  counts.channels = 3;
  counts.channel[1][7] = 8;
  counts.channel[2][1] = 8;
  EXPECT_DOUBLE_EQ(entropy(counts), std::log2(3));

  for (auto& channel : counts.channel) {
    channel.assign(kBins, 0);
    for (std::size_t i = 0; i < 8; ++i) channel[31 * i] = 1;
  }
  EXPECT_DOUBLE_EQ(entropy(counts), std::log2(24));
}

TEST(Statistics, HueIsAnAngleWeightedByChroma) {
  ImageCounts counts;
  counts.hue_chroma[42] = 1000;
  EXPECT_NEAR(circular_hue(counts).mean, 42, 1e-9);
  EXPECT_NEAR(circular_hue(counts).concentration, 1, 1e-12);

  counts.hue_chroma[42] = 0;
  counts.hue_chroma[254] = 300;
  counts.hue_chroma[1] = 300;  // three steps of the 255-step circle further on
  EXPECT_NEAR(circular_hue(counts).mean, 0, 1e-9);
  EXPECT_NEAR(circular_hue(counts).concentration, std::cos(2 * std::numbers::pi / 255), 1e-12);

  counts.hue_chroma[0] = 5'000'000;
  EXPECT_GE(circular_hue(counts).mean, 0);
  EXPECT_LT(circular_hue(counts).mean, 255);
}

TEST(Statistics, OppositeHuesCancel) {
  ImageCounts counts;
  for (std::size_t hue = 0; hue < 255; ++hue) counts.hue_chroma[hue] = 77;
  EXPECT_NEAR(circular_hue(counts).concentration, 0, 1e-12);
}

TEST(Statistics, NothingCountedIsNotANumber) {
  EXPECT_TRUE(std::isnan(sample_statistics({}).mean));
  EXPECT_TRUE(std::isnan(sample_statistics({}).stddev));
  EXPECT_TRUE(std::isnan(entropy({})));
  EXPECT_TRUE(std::isnan(circular_hue({}).mean));
  EXPECT_TRUE(std::isnan(circular_hue({}).concentration));
}

}  // namespace
}  // namespace lightmeter::measure
