#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measure/image_meter.hpp"
#include "profile/profile.hpp"

namespace lightmeter::profile {

// What a measured image adds to a profile, worked out apart from it: of a deep image that takes as
// long as counting some hundred thousand pixels.
struct ImageFeatures {
  explicit ImageFeatures(measure::ImageMeter& meter);

  std::vector<measure::Value> values;
  std::vector<Column> pixels;  // the distributions, from the default set on
};

// Adds one measured image, the mode it was stored in, the path that it was read from, if any, and how
// it was read.
void log_image(Profile& profile, std::string_view prefix, const ImageFeatures& image,
               std::string_view mode, std::string_view path = {}, std::string_view reading = {});

// The name that a number of a gray picture has of a band; nothing for one of colour. The size is of
// no one band.
[[nodiscard]] std::optional<std::string_view> band_number(std::string_view name,
                                                          measure::Group group) noexcept;

// Adds one measured image of several bands, each measured as a gray picture, by their names.
void log_bands(Profile& profile, std::string_view prefix,
               std::span<const std::pair<std::string, ImageFeatures>> bands, std::string_view mode,
               std::string_view path, std::string_view reading);

// Adds a picture of a measured image to the exemplars, with all of its numbers.
void log_exemplar(Profile& profile, std::string_view prefix, measure::ImageMeter& meter,
                  std::uint64_t hash, Exemplars::Picture picture);

// Adds an image that could not be measured: counted by its reason, and listed.
void log_failure(Profile& profile, std::string_view prefix, Failure failure);

}  // namespace lightmeter::profile
