#include "lightmeter/profile/image_features.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "lightmeter/measure/statistics.hpp"

namespace lightmeter::profile {

namespace {

std::string feature(std::string_view prefix, std::string_view name) {
  std::string full;
  full.reserve(prefix.size() + 1 + name.size());
  return full.append(prefix).append(".").append(name);
}

}  // namespace

std::vector<std::pair<std::string_view, double>> measurement(const measure::ImageCounts& counts) {
  std::vector<std::pair<std::string_view, double>> numbers{
      {"Hue.mean", measure::mean(counts.hue)},
      {"Hue.stddev", measure::stddev(counts.hue)},
      {"Saturation.mean", measure::mean(counts.saturation)},
      {"Saturation.stddev", measure::stddev(counts.saturation)},
      {"Brightness.mean", measure::mean(counts.value)},
      {"Brightness.stddev", measure::stddev(counts.value)},
      {"entropy", measure::entropy(counts)},
      {"ImagePixelWidth", static_cast<double>(counts.width)},
      {"ImagePixelHeight", static_cast<double>(counts.height)},
  };
  const double circular_mean = measure::circular_mean_hue(counts);
  if (!std::isnan(circular_mean)) {
    numbers.emplace_back("Hue.circular_mean", circular_mean);
    numbers.emplace_back("Hue.concentration", measure::hue_concentration(counts));
  }
  return numbers;
}

void log_image(Profile& profile, std::string_view prefix, const measure::ImageCounts& counts,
               std::string_view mode) {
  const auto column = [&](std::string_view name) -> Column& {
    return profile.column(feature(prefix, name));
  };
  bool has_hue = false;
  for (const auto& [name, value] : measurement(counts)) {
    if (name.starts_with("ImagePixel")) {
      column(name).update(static_cast<std::int64_t>(value));
    } else {
      column(name).update(value);
    }
    has_hue = has_hue || name == "Hue.circular_mean";
  }
  if (!has_hue) {
    column("Hue.circular_mean").update_null();
    column("Hue.concentration").update_null();
  }
  const auto add_pixels = [&](std::string_view name, const measure::Histogram& histogram) {
    column(name).update_counts(histogram, measure::bins_per_step(histogram));
  };
  add_pixels("Hue.pixels", counts.hue);
  add_pixels("Saturation.pixels", counts.saturation);
  add_pixels("Brightness.pixels", counts.value);
  column("Colorspace").update(mode);
  profile.column(feature(prefix, "Failure"), Role::kFailure);
  ++profile.group(prefix).images;
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
  profile.column(feature(prefix, "Failure"), Role::kFailure)
      .update(std::string_view(failure.reason));
  profile.group(prefix);
  profile.failures.add(std::move(failure));
}

}  // namespace lightmeter::profile
