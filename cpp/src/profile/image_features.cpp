#include "lightmeter/profile/image_features.hpp"

#include <string>
#include <utility>
#include <variant>

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

ImageFeatures::ImageFeatures(const measure::ImageMeter& meter) : values(meter.values()) {
  if (meter.set() < measure::Set::kDefault) return;
  for (const Distribution& distribution : kDistributions) {
    const measure::Histogram& bins = meter.counts().*distribution.histogram;
    pixels.push_back(Column::of_counts(bins, measure::bins_per_step(bins)));
  }
}

void log_image(Profile& profile, std::string_view prefix, const ImageFeatures& image,
               std::string_view mode, std::string_view path) {
  wire::check_text(mode);
  wire::check_text(path);
  const auto column = [&](std::string_view name, Role role) -> Column& {
    return profile.column(feature(prefix, name), {role, Origin::kImage});
  };
  for (const auto& [number, amount] : image.values) {
    Column& numbers = column(number->name, number->role);
    if (const double* value = std::get_if<double>(&amount)) {
      if (number->integral) {
        numbers.update(static_cast<std::int64_t>(*value));
      } else {
        numbers.update(*value);
      }
    } else if (const std::uint64_t* hash = std::get_if<std::uint64_t>(&amount)) {
      numbers.update_hash(*hash, path);
    } else {
      numbers.update_null();
    }
  }
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    column(kDistributions[i].name, kDistributions[i].role).merge(image.pixels[i]);
  }
  column("Colorspace", Role::kCategory).update(mode);
  column("Failure", Role::kFailure);
  profile.count_image(prefix);
}

void log_exemplar(Profile& profile, std::string_view prefix, const measure::ImageMeter& meter,
                  std::uint64_t hash, Exemplars::Picture picture) {
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [number, amount] : meter.values()) {
    if (const double* value = std::get_if<double>(&amount)) {
      values.emplace_back(feature(prefix, number->name), *value);
    }
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
