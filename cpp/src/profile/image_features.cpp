#include "lightmeter/profile/image_features.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "lightmeter/measure/statistics.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

namespace {

std::string feature(std::string_view prefix, std::string_view name) {
  std::string full;
  full.reserve(prefix.size() + 1 + name.size());
  return full.append(prefix).append(".").append(name);
}

using Counts = measure::ImageCounts;
using Image = ImageStatistics;

constexpr Number kNumbers[] = {
    {"Hue.mean", Role::kLinearAngle, Scale::kSample, false,
     "the mean hue, as though 0 and 254 lay far apart",
     [](const Image& image) { return image.hue.mean; }},
    {"Hue.stddev", Role::kAngleSpread, Scale::kSample, false,
     "the standard deviation of the hue, as though 0 and 254 lay far apart",
     [](const Image& image) { return image.hue.stddev; }},
    {"Saturation.mean", Role::kPlain, Scale::kSample, false, "the mean saturation",
     [](const Image& image) { return image.saturation.mean; }},
    {"Saturation.stddev", Role::kPlain, Scale::kSample, false,
     "the standard deviation of the saturation",
     [](const Image& image) { return image.saturation.stddev; }},
    {"Brightness.mean", Role::kPlain, Scale::kSample, false,
     "the mean brightness, which is the largest of red, green and blue",
     [](const Image& image) { return image.brightness.mean; }},
    {"Brightness.stddev", Role::kPlain, Scale::kSample, false,
     "the standard deviation of the brightness",
     [](const Image& image) { return image.brightness.stddev; }},
    {"entropy", Role::kPlain, Scale::kBits, false,
     "the entropy of the histograms of red, green and blue together",
     [](const Image& image) { return image.entropy; }},
    {"ImagePixelWidth", Role::kPlain, Scale::kLength, true, "the width",
     [](const Image& image) { return image.width; }},
    {"ImagePixelHeight", Role::kPlain, Scale::kLength, true, "the height",
     [](const Image& image) { return image.height; }},
    {"Hue.circular_mean", Role::kAngle, Scale::kSample, false,
     "the direction of the mean hue, each pixel weighing as much as it is colourful",
     [](const Image& image) { return image.circle.mean; }},
    {"Hue.concentration", Role::kPlain, Scale::kShare, false,
     "how much the hues agree: 0 where they cancel out, 1 where there is one",
     [](const Image& image) { return image.circle.concentration; }},
};

// The values of all pixels.
struct Distribution {
  std::string_view name;
  Role role;
  measure::Histogram Counts::* histogram;
};
constexpr Distribution kDistributions[] = {
    {"Hue.pixels", Role::kAnglePixels, &Counts::hue},
    {"Saturation.pixels", Role::kPixels, &Counts::saturation},
    {"Brightness.pixels", Role::kPixels, &Counts::value},
};

}  // namespace

ImageStatistics::ImageStatistics(const measure::ImageCounts& counts)
    : hue(measure::sample_statistics(counts.hue)),
      saturation(measure::sample_statistics(counts.saturation)),
      brightness(measure::sample_statistics(counts.value)),
      circle(measure::circular_hue(counts)),
      entropy(measure::entropy(counts)),
      width(static_cast<double>(counts.width)),
      height(static_cast<double>(counts.height)) {}

std::span<const Number> image_numbers() noexcept { return kNumbers; }

std::vector<std::pair<std::string_view, double>> measurement(const measure::ImageCounts& counts) {
  const ImageStatistics image(counts);
  std::vector<std::pair<std::string_view, double>> numbers;
  for (const Number& number : kNumbers) {
    const double value = number.read(image);
    if (!std::isnan(value)) numbers.emplace_back(number.name, value);
  }
  return numbers;
}

ImageFeatures::ImageFeatures(const measure::ImageCounts& counts) : statistics(counts) {
  for (const Distribution& distribution : kDistributions) {
    const measure::Histogram& bins = counts.*distribution.histogram;
    pixels.push_back(Column::of_counts(bins, measure::bins_per_step(bins)));
  }
}

void log_image(Profile& profile, std::string_view prefix, const ImageFeatures& image,
               std::string_view mode) {
  wire::check_text(mode);
  const auto column = [&](std::string_view name, Role role) -> Column& {
    return profile.column(feature(prefix, name), {role, Origin::kImage});
  };
  for (const Number& number : kNumbers) {
    Column& numbers = column(number.name, number.role);
    const double value = number.read(image.statistics);
    if (std::isnan(value)) {
      numbers.update_null();
    } else if (number.integral) {
      numbers.update(static_cast<std::int64_t>(value));
    } else {
      numbers.update(value);
    }
  }
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    column(kDistributions[i].name, kDistributions[i].role).merge(image.pixels[i]);
  }
  column("Colorspace", Role::kCategory).update(mode);
  column("Failure", Role::kFailure);
  profile.count_image(prefix);
}

void log_exemplar(Profile& profile, std::string_view prefix, const measure::ImageCounts& counts,
                  std::uint64_t hash, Exemplars::Picture picture) {
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, value] : measurement(counts)) {
    values.emplace_back(feature(prefix, name), value);
  }
  profile.exemplars.add(values, hash, std::move(picture));
}

void log_failure(Profile& profile, std::string_view prefix, Failure failure) {
  profile.failures.add(failure);
  profile.column(feature(prefix, "Failure"), {Role::kFailure, Origin::kImage})
      .update(std::string_view(failure.reason));
  profile.add_group(prefix);
}

}  // namespace lightmeter::profile
