#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "lightmeter/measure/image_counts.hpp"
#include "lightmeter/profile/profile.hpp"

namespace lightmeter::profile {

// A number of one image by feature name ("Hue.mean", ...). NaN where the image has none, as a gray
// one has no circular hue.
struct ImageNumber {
  std::string_view name;
  double value;
  bool integral = false;
};

// All on the 0..255 scale but entropy (bits), Hue.concentration (0..1) and the sizes (pixels).
[[nodiscard]] std::vector<ImageNumber> measurement(const measure::ImageCounts& counts);

// What a measured image adds to a profile, worked out apart from it: of a deep image that takes as
// long as counting some hundred thousand pixels.
struct ImageFeatures {
  explicit ImageFeatures(const measure::ImageCounts& counts);

  std::vector<ImageNumber> numbers;
  std::vector<std::pair<std::string_view, Column>> pixels;  // distributions
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
