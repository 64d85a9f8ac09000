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

using Counts = measure::ImageCounts;

constexpr Number kNumbers[] = {
    {"Hue.mean", Role::kLinearAngle, Scale::kSample, false,
     "the mean hue, as though 0 and 254 lay far apart",
     [](const Counts& counts) { return measure::mean(counts.hue); }},
    {"Hue.stddev", Role::kAngleSpread, Scale::kSample, false,
     "the standard deviation of the hue, as though 0 and 254 lay far apart",
     [](const Counts& counts) { return measure::stddev(counts.hue); }},
    {"Saturation.mean", Role::kPlain, Scale::kSample, false, "the mean saturation",
     [](const Counts& counts) { return measure::mean(counts.saturation); }},
    {"Saturation.stddev", Role::kPlain, Scale::kSample, false,
     "the standard deviation of the saturation",
     [](const Counts& counts) { return measure::stddev(counts.saturation); }},
    {"Brightness.mean", Role::kPlain, Scale::kSample, false,
     "the mean brightness, which is the largest of red, green and blue",
     [](const Counts& counts) { return measure::mean(counts.value); }},
    {"Brightness.stddev", Role::kPlain, Scale::kSample, false,
     "the standard deviation of the brightness",
     [](const Counts& counts) { return measure::stddev(counts.value); }},
    {"entropy", Role::kPlain, Scale::kBits, false,
     "the entropy of the histograms of red, green and blue together",
     [](const Counts& counts) { return measure::entropy(counts); }},
    {"ImagePixelWidth", Role::kPlain, Scale::kLength, true, "the width",
     [](const Counts& counts) { return static_cast<double>(counts.width); }},
    {"ImagePixelHeight", Role::kPlain, Scale::kLength, true, "the height",
     [](const Counts& counts) { return static_cast<double>(counts.height); }},
    {"Hue.circular_mean", Role::kAngle, Scale::kSample, false,
     "the direction of the mean hue, each pixel weighing as much as it is colourful",
     [](const Counts& counts) { return measure::circular_mean_hue(counts); }},
    {"Hue.concentration", Role::kPlain, Scale::kShare, false,
     "how much the hues agree: 0 where they cancel out, 1 where there is one",
     [](const Counts& counts) { return measure::hue_concentration(counts); }},
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

std::span<const Number> image_numbers() noexcept { return kNumbers; }

std::vector<std::pair<std::string_view, double>> measurement(const measure::ImageCounts& counts) {
  std::vector<std::pair<std::string_view, double>> numbers;
  for (const Number& number : kNumbers) {
    const double value = number.read(counts);
    if (!std::isnan(value)) numbers.emplace_back(number.name, value);
  }
  return numbers;
}

void log_image(Profile& profile, std::string_view prefix, const measure::ImageCounts& counts,
               std::string_view mode) {
  const auto column = [&](std::string_view name, Role role) -> Column& {
    return profile.column(feature(prefix, name), {role, Origin::kImage});
  };
  for (const Number& number : kNumbers) {
    Column& numbers = column(number.name, number.role);
    const double value = number.read(counts);
    if (std::isnan(value)) {
      numbers.update_null();
    } else if (number.integral) {
      numbers.update(static_cast<std::int64_t>(value));
    } else {
      numbers.update(value);
    }
  }
  for (const auto& [name, role, histogram] : kDistributions) {
    const measure::Histogram& bins = counts.*histogram;
    column(name, role).update_counts(bins, measure::bins_per_step(bins));
  }
  column("Colorspace", Role::kCategory).update(mode);
  column("Failure", Role::kFailure);
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
  profile.column(feature(prefix, "Failure"), {Role::kFailure, Origin::kImage})
      .update(std::string_view(failure.reason));
  profile.group(prefix);
  profile.failures.add(std::move(failure));
}

}  // namespace lightmeter::profile
