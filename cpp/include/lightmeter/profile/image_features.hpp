#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "lightmeter/measure/image_counts.hpp"
#include "lightmeter/measure/statistics.hpp"
#include "lightmeter/profile/profile.hpp"

namespace lightmeter::profile {

// What an amount of a number is.
enum class Scale : std::uint8_t {
  kSample,  // steps of an 8-bit sample, 0..255
  kBits,
  kShare,   // 0..1
  kLength,  // in pixels
};

// What the numbers of one image are read from.
struct ImageStatistics {
  explicit ImageStatistics(const measure::ImageCounts& counts);

  measure::SampleStatistics hue;
  measure::SampleStatistics saturation;
  measure::SampleStatistics brightness;
  measure::CircularHue circle;
  double entropy;
  double width;
  double height;
};

// A number of one image. `says` is one sentence.
struct Number {
  std::string_view name;
  Role role;
  Scale scale;
  bool integral;
  std::string_view says;
  double (*read)(const ImageStatistics&);  // NaN where it is not defined
};

// Every number of an image. The one place that names them and says what they mean.
[[nodiscard]] std::span<const Number> image_numbers() noexcept;

// The numbers of one image by name ("Hue.mean", ...); those that are not defined are left out.
[[nodiscard]] std::vector<std::pair<std::string_view, double>> measurement(
    const measure::ImageCounts& counts);

// What a measured image adds to a profile, worked out apart from it: of a deep image that takes as
// long as counting some hundred thousand pixels.
struct ImageFeatures {
  explicit ImageFeatures(const measure::ImageCounts& counts);

  ImageStatistics statistics;
  std::vector<Column> pixels;  // the distributions
};

// Adds one measured image, and the mode it was stored in.
void log_image(Profile& profile, std::string_view prefix, const ImageFeatures& image,
               std::string_view mode);

// Adds a picture of a measured image to the exemplars, with all of its numbers.
void log_exemplar(Profile& profile, std::string_view prefix, const measure::ImageCounts& counts,
                  std::uint64_t hash, Exemplars::Picture picture);

// Adds an image that could not be measured: counted by its reason, and listed.
void log_failure(Profile& profile, std::string_view prefix, Failure failure);

}  // namespace lightmeter::profile
