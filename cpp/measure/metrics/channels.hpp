#pragma once

#include "measure/metric.hpp"
#include "measure/statistics.hpp"

namespace lightmeter::measure {

// Mean and population standard deviation of red, green and blue, 0 to 255 and 0 to 127.5; and the
// share of each in R + G + B, 0 to 1, which is a third each in an image without a colour cast. A
// gray image has three equal channels; the shares of a black image are undefined. Shares cannot
// distinguish a cast from a coloured scene.
struct Channels {
  static constexpr Set kSet = Set::kDefault;
  static constexpr std::array kNumbers{
      Number{"Red.mean", Scale::kSample, Group::kColour, "the mean red"},
      Number{"Red.stddev", Scale::kSample, Group::kColour, "the standard deviation of the red"},
      Number{"Red.share", Scale::kShare, Group::kColour,
             "the share of red in red, green and blue: higher is redder"},
      Number{"Green.mean", Scale::kSample, Group::kColour, "the mean green"},
      Number{"Green.stddev", Scale::kSample, Group::kColour, "the standard deviation of the green"},
      Number{"Green.share", Scale::kShare, Group::kColour,
             "the share of green in red, green and blue: higher is greener"},
      Number{"Blue.mean", Scale::kSample, Group::kColour, "the mean blue"},
      Number{"Blue.stddev", Scale::kSample, Group::kColour, "the standard deviation of the blue"},
      Number{"Blue.share", Scale::kShare, Group::kColour,
             "the share of blue in red, green and blue: higher is bluer"},
  };

  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    std::array<SampleStatistics, 3> statistics;
    double all = 0;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const bool gray = image.counts.channels == 1;
      statistics[channel] = sample_statistics(image.counts.channel[gray ? 0 : channel]);
      all += static_cast<double>(statistics[channel].sum);
    }
    for (std::size_t channel = 0; channel < 3; ++channel) {
      out[3 * channel] = statistics[channel].mean;
      out[3 * channel + 1] = statistics[channel].stddev;
      out[3 * channel + 2] = all > 0 ? static_cast<double>(statistics[channel].sum) / all : kNan;
    }
  }
};

}  // namespace lightmeter::measure
