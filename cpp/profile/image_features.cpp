#include "profile/image_features.hpp"

#include <string>
#include <utility>
#include <variant>

#include "measure/statistics.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

namespace {

std::string feature(std::string_view prefix, std::string_view name) {
  return std::string(prefix).append(".").append(name);
}

// The values of all pixels.
struct Distribution {
  std::string_view name;
  Role role;
  measure::Histogram measure::ImageCounts::* histogram;
};
constexpr Distribution kDistributions[] = {
    {"Hue.pixels", Role::kAnglePixels, &measure::ImageCounts::hue},
    {"Saturation.pixels", Role::kPixels, &measure::ImageCounts::saturation},
    {"Brightness.pixels", Role::kPixels, &measure::ImageCounts::value},
};

constexpr std::string_view kGray = "Brightness";  // whose samples are those of a gray picture

void add(Column& column, const measure::Value& value, std::string_view path) {
  if (const double* number = std::get_if<double>(&value.amount)) {
    if (value.number->is_integer()) {
      column.update(static_cast<std::int64_t>(*number));
    } else {
      column.update(*number);
    }
  } else if (const std::uint64_t* hash = std::get_if<std::uint64_t>(&value.amount)) {
    column.update_hash(*hash, path);
  } else {
    column.update_null();
  }
}

// `i` is the place of the next feature.
void count(Profile& profile, std::string_view prefix, std::string_view mode, std::size_t i) {
  profile.column_of_image(i, prefix, "Colorspace", {Role::kCategory, Origin::kImage}).update(mode);
  profile.column_of_image(i + 1, prefix, "Failure", {Role::kFailure, Origin::kImage});
  profile.count_image(prefix);
}

}  // namespace

ImageFeatures::ImageFeatures(measure::ImageMeter& meter) : values(meter.values()) {
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
  std::size_t i = 0;
  const auto column = [&](std::string_view name, Role role) -> Column& {
    return profile.column_of_image(i++, prefix, name, {role, Origin::kImage});
  };
  for (const measure::Value& value : image.values) {
    add(column(value.number->name, value.number->role), value, path);
  }
  for (std::size_t at = 0; at < image.pixels.size(); ++at) {
    column(kDistributions[at].name, kDistributions[at].role).merge(image.pixels[at]);
  }
  if (!image.pixels.empty()) profile.joint(prefix).update(image.values);  // from the default set on
  count(profile, prefix, mode, i);
}

std::optional<std::string_view> band_number(const measure::Number& number) noexcept {
  if (number.group == measure::Group::kColour) return std::nullopt;
  const std::size_t dot = number.name.find('.');
  const std::string_view first = number.name.substr(0, dot);
  if (first == "Luma") return std::nullopt;  // the same as kGray, which every set has
  return first == kGray ? number.name.substr(dot + 1) : number.name;
}

void log_bands(Profile& profile, std::string_view prefix,
               std::span<const std::pair<std::string, ImageFeatures>> bands, std::string_view mode,
               std::string_view path) {
  wire::check_text(mode);
  wire::check_text(path);
  bool is_first = true;
  for (const auto& [band, image] : bands) {
    const std::string of_band = feature(prefix, band);
    for (const measure::Value& value : image.values) {
      const std::optional<std::string_view> name = band_number(*value.number);
      if (!name) continue;
      const bool of_all = value.number->group == measure::Group::kSize;
      if (of_all && !is_first) continue;
      add(profile.column(feature(of_all ? prefix : of_band, *name),
                         {value.number->role, Origin::kImage}),
          value, path);
    }
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      const auto& [name, role, histogram] = kDistributions[i];
      if (!name.starts_with(kGray)) continue;
      profile.column(feature(of_band, name.substr(kGray.size() + 1)), {role, Origin::kImage})
          .merge(image.pixels[i]);
    }
    is_first = false;
  }
  count(profile, prefix, mode, 0);
}

void log_exemplar(Profile& profile, std::string_view prefix, measure::ImageMeter& meter,
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
