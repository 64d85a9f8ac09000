#include "profile/joint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "error.hpp"
#include "kernels/hue.hpp"
#include "measure/metrics/circular_hue.hpp"
#include "nan.hpp"
#include "sketch/limits.hpp"
#include "wire/text.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

constexpr std::string_view kHue = measure::CircularHue::kNumbers[0].name;
constexpr std::string_view kConcentration = measure::CircularHue::kNumbers[1].name;
constexpr std::string_view kHueX = "Hue.x";
constexpr std::string_view kHueY = "Hue.y";
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

// Which of the numbers of an image goes where.
struct Places {
  std::shared_ptr<const Joint::Names> names;
  std::vector<std::size_t> of_number;  // by its place among those of an image
  std::size_t hue = 0;                 // of kHueX; kHueY comes next
};

Places make_places() {
  Joint::Names names{std::string(kHueX), std::string(kHueY)};
  const auto enters = [](const measure::Number& number) {
    return number.set <= measure::Set::kDefault && number.role == Role::kPlain &&
           number.name != kConcentration;
  };
  for (const auto& number : measure::image_numbers()) {
    if (enters(number)) names.emplace_back(number.name);
  }
  std::ranges::sort(names);
  Places places;
  for (const auto& number : measure::image_numbers()) {
    const auto at = std::ranges::lower_bound(names, number.name);
    const bool is_there = at != names.end() && *at == number.name;
    places.of_number.push_back(is_there ? static_cast<std::size_t>(at - names.begin()) : kNowhere);
  }
  places.hue = static_cast<std::size_t>(std::ranges::find(names, kHueX) - names.begin());
  places.names = std::make_shared<const Joint::Names>(std::move(names));
  return places;
}

const Places& places() {
  static const Places kPlaces = make_places();
  return kPlaces;
}

}  // namespace

Joint::Joint() : names_(places().names), covariance_(names_->size()) {}

Joint::Joint(Names names)
    : names_(std::make_shared<const Names>(std::move(names))), covariance_(names_->size()) {
  if (*names_ == *places().names) names_ = places().names;
}

void Joint::update(std::span<const measure::Value> image) {
  sketch::check_sum(observations(), 1);
  if (names_ != places().names) {  // a profile of another version
    leave_all_out();
    ++left_out_;
    return;
  }
  std::array<double, sketch::Covariance::kMaxDimensions> numbers;
  numbers.fill(kNan);
  double hue = 0.0;
  double concentration = 0.0;
  for (const auto& [number, amount] : image) {
    const double* const value = std::get_if<double>(&amount);
    if (value == nullptr) continue;
    if (number->name == kHue) hue = *value;
    if (number->name == kConcentration) concentration = *value;
    const auto place =
        places().of_number[static_cast<std::size_t>(number - measure::image_numbers().data())];
    if (place != kNowhere) numbers[place] = static_cast<float>(*value);
  }
  const double angle = kernels::hue_angle(hue);
  numbers[places().hue] = static_cast<float>(concentration * std::cos(angle));
  numbers[places().hue + 1] = static_cast<float>(concentration * std::sin(angle));
  const auto all = std::span(numbers).first(places().names->size());
  if (!std::ranges::all_of(all, sketch::Covariance::takes)) {
    ++left_out_;
    return;
  }
  covariance_.update(all);
}

void Joint::merge(const Joint& other) {
  sketch::check_sum(observations(), other.observations());
  if (other.observations() == 0) return;
  if (observations() == 0) {
    *this = other;
    return;
  }
  left_out_ += other.left_out_;
  if (*names_ == *other.names_) return covariance_.merge(other.covariance_);
  leave_all_out();
  left_out_ += other.covariance_.n();
}

void Joint::leave_all_out() {
  left_out_ = observations();
  names_ = std::make_shared<const Names>();
  covariance_ = sketch::Covariance();
}

void Joint::encode(wire::Writer& out) const {
  if (names_ == places().names) {
    out.varint(0);
  } else {
    out.varint(names_->size() + 1);
    for (const std::string& name : *names_) out.string(name);
  }
  out.varint(left_out_);
  covariance_.encode(out);
}

Joint Joint::decode(wire::Reader& in) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw DecodeError(std::string("numbers of images together: ") + what);
  };
  Names names;
  const std::uint64_t count = in.varint();
  require(count <= sketch::Covariance::kMaxDimensions + 1, "too many");
  for (std::uint64_t left = count; left > 1; --left) {
    names.emplace_back(in.string());
    require(names.size() == 1 || names[names.size() - 2] < names.back(), "names out of order");
  }
  require(names != *places().names, "today's numbers are named");
  Joint joint = count == 0 ? Joint() : Joint(std::move(names));
  joint.left_out_ = in.varint();
  joint.covariance_ = sketch::Covariance::decode(in);
  require(joint.covariance_.dimensions() == joint.names_->size(), "names of others");
  require(joint.left_out_ <= sketch::kMaxCount &&
              joint.covariance_.n() <= sketch::kMaxCount - joint.left_out_,
          "a count above 2^56");
  return joint;
}

}  // namespace lightmeter::profile
