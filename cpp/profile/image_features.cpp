#include "profile/image_features.hpp"

#include <string>
#include <utility>
#include <variant>

#include "measure/statistics.hpp"

namespace lightmeter::profile {

namespace {

std::string feature(std::string_view prefix, std::string_view name) {
  return std::string(prefix).append(".").append(name);
}

using measure::Group;

// The values of all pixels.
struct Distribution {
  std::string_view name;
  Role role;
  Group group;
  measure::Histogram measure::ImageCounts::* histogram;
};
constexpr Distribution kDistributions[] = {
    {"Hue.pixels", Role::kAnglePixels, Group::kColour, &measure::ImageCounts::hue},
    {"Saturation.pixels", Role::kPixels, Group::kColour, &measure::ImageCounts::saturation},
    {"Brightness.pixels", Role::kPixels, Group::kLight, &measure::ImageCounts::value},
};

void add(Column& column, const measure::Value& value, std::string_view path) {
  if (const double* number = std::get_if<double>(&value.amount)) {
    column.update(*number, value.number->is_integer());
  } else if (const std::uint64_t* hash = std::get_if<std::uint64_t>(&value.amount)) {
    column.update_hash(*hash, path);
  } else {
    column.update_null();
  }
}

// Returns the columns of features of an image, in turn.
auto columns_of(Profile& profile, std::string_view prefix) {
  return [&profile, name = std::string(prefix) + ".", start = prefix.size() + 1,
          i = std::size_t{0}](std::string_view feature, Role role) mutable -> Column& {
    name.replace(start, std::string::npos, feature);
    return profile.column(i++, name, {role, Origin::kImage});
  };
}

// Adds those numbers of an image, and of all of its pixels, that have a name.
template <class Columns, class NameOf>
void add_all(Columns& column, const ImageFeatures& image, std::string_view path, NameOf&& name_of) {
  for (const measure::Value& value : image.values) {
    const auto name = name_of(value.number->name, value.number->group);
    if (name) add(column(*name, value.number->role), value, path);
  }
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const auto& [number, role, group, histogram] = kDistributions[i];
    const auto name = name_of(number, group);
    if (name) column(*name, role).merge(image.pixels[i]);
  }
}

template <class Columns>
void add_image(Columns& column, Profile& profile, std::string_view prefix, std::string_view mode,
               std::string_view reading) {
  column("Colorspace", Role::kCategory).update(mode);
  column("Failure", Role::kFailure);
  profile.count_image(prefix, 1, reading);
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
               std::string_view mode, std::string_view path, std::string_view reading) {
  auto column = columns_of(profile, prefix);
  add_all(column, image, path, [](auto name, Group /*group*/) { return std::optional(name); });
  if (!image.pixels.empty()) profile.joint(prefix).update(image.values);  // from the default set on
  add_image(column, profile, prefix, mode, reading);
}

std::optional<std::string_view> band_number(std::string_view name, Group group) noexcept {
  if (group == Group::kColour) return std::nullopt;
  const std::size_t dot = name.find('.');
  const std::string_view first = name.substr(0, dot);
  if (first == "Luma") return std::nullopt;  // the same as Brightness, which every set has
  // Brightness is that of the samples of a gray picture.
  return first == "Brightness" ? name.substr(dot + 1) : name;
}

void log_bands(Profile& profile, std::string_view prefix,
               std::span<const std::pair<std::string, ImageFeatures>> bands, std::string_view mode,
               std::string_view path, std::string_view reading) {
  auto column = columns_of(profile, prefix);
  for (const auto& [band, image] : bands) {
    const bool is_first = &image == &bands.front().second;
    const auto name_of = [&](std::string_view number, Group group) -> std::optional<std::string> {
      const auto name = band_number(number, group);
      if (!name || (group == Group::kSize && !is_first)) return std::nullopt;
      return group == Group::kSize ? std::string(*name) : feature(band, *name);
    };
    add_all(column, image, path, name_of);
  }
  add_image(column, profile, prefix, mode, reading);
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
  profile.count_image(prefix, 0);
}

}  // namespace lightmeter::profile
