#include "profile/joint.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <variant>

#include "kernels/hue.hpp"
#include "measure/metrics/circular_hue.hpp"
#include "nan.hpp"

namespace lightmeter::profile {

void Joint::update(std::span<const measure::Value> image) {
  std::vector<std::pair<std::string_view, double>> numbers;  // by name
  double hue = 0.0;
  double concentration = 0.0;
  for (const auto& [number, amount] : image) {
    const double* const value = std::get_if<double>(&amount);
    if (number->set > measure::Set::kDefault) continue;
    if (number->role == Role::kAngle) {
      hue = value == nullptr ? 0.0 : *value;
    } else if (number->name == measure::CircularHue::kNumbers[1].name) {
      concentration = value == nullptr ? 0.0 : *value;
    } else if (number->role == Role::kPlain) {
      numbers.emplace_back(number->name, value == nullptr ? kNan : *value);
    }
  }
  const double angle = kernels::hue_angle(hue);
  numbers.emplace_back("Hue.x", concentration * std::cos(angle));
  numbers.emplace_back("Hue.y", concentration * std::sin(angle));
  std::ranges::sort(numbers, {}, [](const auto& number) { return number.first; });
  std::vector<std::string> names;
  std::vector<double> row;
  for (const auto& [name, number] : numbers) {
    names.emplace_back(name);
    row.push_back(static_cast<float>(number));
  }
  add(std::move(names), row);
}

void Joint::layout(Codec& codec) {
  Covariances::layout(codec, [](const auto& names) { return names.size(); });
}

}  // namespace lightmeter::profile
