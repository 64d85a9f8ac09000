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

}  // namespace

std::vector<ImageNumber> measurement(const measure::ImageCounts& counts) {
  const auto hue = measure::sample_statistics(counts.hue);
  const auto saturation = measure::sample_statistics(counts.saturation);
  const auto brightness = measure::sample_statistics(counts.value);
  const auto circle = measure::circular_hue(counts);
  return {
      {"Hue.mean", hue.mean},
      {"Hue.stddev", hue.stddev},
      {"Saturation.mean", saturation.mean},
      {"Saturation.stddev", saturation.stddev},
      {"Brightness.mean", brightness.mean},
      {"Brightness.stddev", brightness.stddev},
      {"entropy", measure::entropy(counts)},
      {"ImagePixelWidth", static_cast<double>(counts.width), true},
      {"ImagePixelHeight", static_cast<double>(counts.height), true},
      {"Hue.circular_mean", circle.mean},
      {"Hue.concentration", circle.concentration},
  };
}

ImageFeatures::ImageFeatures(const measure::ImageCounts& counts) : numbers(measurement(counts)) {
  const auto column_of = [](const measure::Histogram& histogram) {
    return Column::of_counts(histogram, measure::bins_per_step(histogram));
  };
  pixels.emplace_back("Hue.pixels", column_of(counts.hue));
  pixels.emplace_back("Saturation.pixels", column_of(counts.saturation));
  pixels.emplace_back("Brightness.pixels", column_of(counts.value));
}

void log_image(Profile& profile, std::string_view prefix, const ImageFeatures& image,
               std::string_view mode) {
  wire::check_text(mode);
  const auto column = [&](std::string_view name) -> Column& {
    return profile.column(feature(prefix, name));
  };
  for (const auto& [name, value, integral] : image.numbers) {
    if (std::isnan(value)) {
      column(name).update_null();
    } else if (integral) {
      column(name).update(static_cast<std::int64_t>(value));
    } else {
      column(name).update(value);
    }
  }
  for (const auto& [name, pixels] : image.pixels) column(name).merge(pixels);
  column("Colorspace").update(mode);
  profile.column(feature(prefix, "Failure"), Role::kFailure);
  profile.count_image(prefix);
}

void log_exemplar(Profile& profile, std::string_view prefix, const measure::ImageCounts& counts,
                  std::uint64_t hash, Exemplars::Picture picture) {
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, value, integral] : measurement(counts)) {
    values.emplace_back(feature(prefix, name), value);
  }
  profile.exemplars.add(values, hash, std::move(picture));
}

void log_failure(Profile& profile, std::string_view prefix, Failure failure) {
  profile.failures.add(failure);
  profile.column(feature(prefix, "Failure"), Role::kFailure)
      .update(std::string_view(failure.reason));
  profile.add_group(prefix);
}

}  // namespace lightmeter::profile
