#include "profile/column.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "measure/number.hpp"
#include "sketch/limits.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

namespace {

// FNV-1a: any fixed function of the name would do.
std::uint64_t key_of(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace

Column::Column(std::string_view name, const Meaning& meaning)
    : key_(key_of(name)), meaning_(meaning) {}

NumberFacts Column::number_facts() const {
  if (!numbers_) return {};
  const bool integral = fractional() == 0;
  if (!numbers_->facts) return NumberFacts::of(numbers_->sketch, integral);
  NumberFacts facts = *numbers_->facts;
  if (!integral) facts.frequent = {};
  return facts;
}

sketch::Moments Column::moments() const {
  if (numbers_ && numbers_->facts) return numbers_->facts->moments;
  sketch::Moments moments;
  const sketch::SortedView& view = numbers().view();
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    moments.update(view.values[i], view.weight(i));
  }
  return moments;
}

// Applies `change` to the sketch, which adds `more` numbers to it, and `change_facts` where facts
// are kept. While the sketch is exact the facts follow from it, so those of the numbers before are
// taken just in time: from a copy, since whether the sketch stays exact shows only afterwards.
template <class Change, class ChangeFacts>
void Column::change_numbers(std::uint64_t more, std::uint64_t more_integral, Change&& change,
                            ChangeFacts&& change_facts) {
  Numbers& numbers = numbers_.make(key_);
  const bool was_integral = fractional() == 0;
  std::optional<sketch::QuantileSketch> before;
  if (!numbers.facts && numbers.sketch.n() + more > sketch::QuantileSketch::kExactItems) {
    before = numbers.sketch;
  }
  change(numbers.sketch);
  numbers.integral += more_integral;
  if (!numbers.facts && !numbers.sketch.is_exact()) {
    numbers.facts.make(NumberFacts::of(*before, was_integral));
  }
  if (numbers.facts) change_facts(*numbers.facts);
}

Column Column::of_counts(std::span<const std::uint64_t> counts, std::uint64_t step) {
  std::vector<double> values;
  std::vector<std::uint64_t> value_counts;
  values.reserve(counts.size());
  value_counts.reserve(counts.size());
  std::uint64_t n = 0;
  std::uint64_t integral = 0;
  for (std::uint64_t v = 0; v < counts.size(); ++v) {
    if (counts[v] == 0) continue;
    values.push_back(static_cast<double>(v) / static_cast<double>(step));
    value_counts.push_back(counts[v]);
    n += counts[v];
    if (v % step == 0) integral += counts[v];
  }
  Column column;
  column.change_numbers(
      n, integral,
      [&](sketch::QuantileSketch& sketch) { sketch.update_counts(values, value_counts); },
      [&](NumberFacts& facts) { facts.update(values, value_counts, integral == n); });
  return column;
}

// As change_numbers() with one number, but without a copy.
void Column::update(double value, bool integral) {
  sketch::check_sum(observations(), 1);
  Numbers& numbers = numbers_.make(key_);
  if (!numbers.facts && !numbers.sketch.stays_exact(value)) numbers.facts.make(number_facts());
  numbers.sketch.update(value);
  if (integral) ++numbers.integral;
  if (numbers.facts && std::isfinite(value)) numbers.facts->update(value, fractional() == 0);
}

void Column::update(std::span<const double> values, bool integral) {
  sketch::check_sum(observations(), values.size());
  change_numbers(
      values.size(), integral ? values.size() : 0,
      [&](sketch::QuantileSketch& sketch) { sketch.update(values); },
      [&](NumberFacts& facts) { facts.update(values, fractional() == 0); });
}

void Column::update(std::string_view value, std::uint64_t count) {
  if (count == 0) return;
  sketch::check_sum(observations(), count);
  const std::string kept(wire::cut_text(value, kMaxString));
  Strings& strings = strings_.make();
  strings.frequent.update(kept, count);
  strings.distinct.update(std::string_view(kept));
}

void Column::update_hash(std::uint64_t hash, std::string_view path) {
  const std::string text = measure::hash_text(hash);
  update(std::string_view(text));
  add_meaning({Role::kHash, Origin::kValue});
  if (!path.empty()) strings_->paths.add(text, path, strings_->frequent);
}

void Column::update_null(std::uint64_t count) {
  sketch::check_sum(observations(), count);
  null_ += count;
}

void Column::add_types(std::uint64_t bools, std::uint64_t dates) {
  if (bools > integral() - this->bools() || dates > fractional() - this->dates()) {
    throw std::invalid_argument("got more bools or dates than numbers");
  }
  if (!numbers_) return;
  numbers_->bools += bools;
  numbers_->dates += dates;
}

void Column::merge(const Column& other) {
  sketch::check_sum(observations(), other.observations());
  add_meaning(other.meaning_);
  null_ += other.null_;
  if (other.numbers_) {
    change_numbers(
        other.numbers().n(), other.integral(),
        [&](sketch::QuantileSketch& sketch) { sketch.merge(other.numbers()); },
        [&](NumberFacts& facts) { facts.merge(other.number_facts()); });
    add_types(other.bools(), other.dates());
  }
  if (other.strings_) {
    Strings& strings = strings_.make();
    strings.frequent.merge(other.strings_->frequent);
    strings.distinct.merge(other.strings_->distinct);
    strings.paths.merge(other.strings_->paths, strings.frequent);
  }
}

}  // namespace lightmeter::profile
