#pragma once

#include <numeric>

#include "measure/metric.hpp"
#include "measure/statistics.hpp"

namespace lightmeter::measure {

// Mean and population standard deviation of red, green and blue, 0..255 and 0..127.5, and the share
// of each in R + G + B, 0..1: a third each of a picture without a colour cast. A gray picture has
// three equal channels; a black one has no shares. Shares cannot tell a cast from a coloured scene.
struct Channels {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Red.mean", Role::kPlain, Scale::kSample, Group::kColour, false, "the mean red"},
      Number{"Red.stddev", Role::kPlain, Scale::kSample, Group::kColour, false,
             "the standard deviation of the red"},
      Number{"Red.share", Role::kPlain, Scale::kShare, Group::kColour, false,
             "the share of red in red, green and blue: higher is redder"},
      Number{"Green.mean", Role::kPlain, Scale::kSample, Group::kColour, false, "the mean green"},
      Number{"Green.stddev", Role::kPlain, Scale::kSample, Group::kColour, false,
             "the standard deviation of the green"},
      Number{"Green.share", Role::kPlain, Scale::kShare, Group::kColour, false,
             "the share of green in red, green and blue: higher is greener"},
      Number{"Blue.mean", Role::kPlain, Scale::kSample, Group::kColour, false, "the mean blue"},
      Number{"Blue.stddev", Role::kPlain, Scale::kSample, Group::kColour, false,
             "the standard deviation of the blue"},
      Number{"Blue.share", Role::kPlain, Scale::kShare, Group::kColour, false,
             "the share of blue in red, green and blue: higher is bluer"},
  };

  void read(const ImageFacts& image, std::span<double> out) const noexcept {
    const std::size_t channels = image.counts.channels == 1 ? 1 : 3;
    std::array<SampleStatistics, 3> statistics;
    std::array<double, 3> sums;
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const Histogram& histogram = image.counts.channel[channel];
      statistics[channel] = sample_statistics(histogram);
      std::uint64_t sum = 0;  // below 2^63: of fewer than 2^47 samples, each below 2^16
      for (std::uint64_t i = 0; i < histogram.size(); ++i) sum += histogram[i] * i;
      sums[channel] = static_cast<double>(sum);
    }
    for (std::size_t channel = channels; channel < 3; ++channel) {
      statistics[channel] = statistics[0];
      sums[channel] = sums[0];
    }
    const double all = sums[0] + sums[1] + sums[2];
    for (std::size_t channel = 0; channel < 3; ++channel) {
      out[3 * channel] = statistics[channel].mean;
      out[3 * channel + 1] = statistics[channel].stddev;
      out[3 * channel + 2] = all > 0 ? sums[channel] / all : kNan;
    }
  }

  friend bool operator==(const Channels&, const Channels&) = default;
};

}  // namespace lightmeter::measure
