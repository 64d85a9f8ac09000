#include "lightmeter/measure/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace lightmeter::measure {
namespace {

TEST(Statistics, MeanAndPopulationStddev) {
  Histogram histogram(kBins);
  for (const std::size_t sample : {2, 4, 4, 4, 5, 5, 7, 9}) ++histogram[sample];
  EXPECT_DOUBLE_EQ(mean(histogram), 5);
  EXPECT_DOUBLE_EQ(stddev(histogram), 2);
}

TEST(Statistics, OneValueHasNoSpread) {
  Histogram histogram(kBins);
  histogram[251] = 12'345'678;
  EXPECT_EQ(mean(histogram), 251);
  EXPECT_EQ(stddev(histogram), 0);
}

TEST(Statistics, NothingCancelsInTheVariance) {
  Histogram histogram(kBins);
  const std::uint64_t many = std::uint64_t{1} << 40;
  histogram[255] = many;
  histogram[254] = 1;
  const double n = static_cast<double>(many) + 1;
  EXPECT_DOUBLE_EQ(stddev(histogram), std::sqrt(static_cast<double>(many)) / n);
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
  EXPECT_NEAR(circular_mean_hue(counts), 42, 1e-9);
  EXPECT_NEAR(hue_concentration(counts), 1, 1e-12);

  counts.hue_chroma[42] = 0;
  counts.hue_chroma[254] = 300;
  counts.hue_chroma[1] = 300;  // three steps of the 255-step circle further on
  EXPECT_NEAR(circular_mean_hue(counts), 0, 1e-9);
  EXPECT_NEAR(hue_concentration(counts), std::cos(2 * std::numbers::pi / 255), 1e-12);

  counts.hue_chroma[0] = 5'000'000;
  EXPECT_GE(circular_mean_hue(counts), 0);
  EXPECT_LT(circular_mean_hue(counts), 255);
}

TEST(Statistics, OppositeHuesCancel) {
  ImageCounts counts;
  for (std::size_t hue = 0; hue < 255; ++hue) counts.hue_chroma[hue] = 77;
  EXPECT_NEAR(hue_concentration(counts), 0, 1e-12);
}

TEST(Statistics, NothingCountedIsNotANumber) {
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_TRUE(std::isnan(stddev({})));
  EXPECT_TRUE(std::isnan(entropy({})));
  EXPECT_TRUE(std::isnan(circular_mean_hue({})));
  EXPECT_TRUE(std::isnan(hue_concentration({})));
}

}  // namespace
}  // namespace lightmeter::measure
