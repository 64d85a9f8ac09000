#include "lightmeter/profile/column.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "lightmeter/error.hpp"
#include "sketch/limits.hpp"
#include "sketch/sorting.hpp"
#include "wire/text.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

// Leading byte of an encoded column: the role, and which parts follow.
constexpr std::uint8_t kRoleMask = 0x03;
constexpr std::uint8_t kHasNumbers = 0x04;
constexpr std::uint8_t kHasStrings = 0x08;
constexpr std::uint8_t kKnownBits = kRoleMask | kHasNumbers | kHasStrings;

// FNV-1a: any fixed function of the name would do.
std::uint64_t key_of(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return hash;
}

const sketch::QuantileSketch kNoNumbers;
const sketch::FrequentStrings kNoStrings;
const sketch::DistinctCount kNothingDistinct;

NumberFacts facts_of(const sketch::QuantileSketch& numbers, bool integral) {
  NumberFacts facts;
  const sketch::SortedView& view = numbers.view();
  std::vector<std::uint64_t> counts(view.values.size());
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = view.weight(i);
  facts.update(view.values, counts, integral);
  return facts;
}

// rising[i] counts[i] times, or once each without counts. Unlike numbers may be the same integer,
// the greatest.
void add_integers(sketch::FrequentIntegers& to, std::span<const double> rising,
                  std::span<const std::uint64_t> counts) {
  std::vector<std::int64_t> integers;
  std::vector<std::uint64_t> sums;
  for (std::size_t i = 0; i < rising.size(); ++i) {
    const std::int64_t integer = to_integer(rising[i]);
    if (integers.empty() || integers.back() != integer) {
      integers.push_back(integer);
      sums.push_back(0);
    }
    sums.back() += counts.empty() ? 1 : counts[i];
  }
  to.update(integers, sums);
}

}  // namespace

std::string_view role_name(Role role) noexcept {
  switch (role) {
    case Role::kExif:
      return "exif";
    case Role::kFailure:
      return "failure";
    case Role::kPersonalExif:
      return "personal exif";
    default:
      return "value";
  }
}

std::int64_t to_integer(double value) noexcept {
  constexpr double kLimit = 0x1p63;
  if (value >= kLimit) return INT64_MAX;
  return value <= -kLimit ? INT64_MIN : static_cast<std::int64_t>(value);
}

void NumberFacts::update(double value, std::uint64_t count, bool integral) {
  moments.update(value, count);
  distinct.update(value);
  if (integral) frequent.update(to_integer(value), count);
}

// Integers are sorted and added many at once, which is much faster than one by one.
void NumberFacts::update(std::span<const double> values, bool integral) {
  constexpr std::size_t kMany = 32768;
  std::vector<double> finite;
  while (!values.empty()) {
    const auto some = values.first(std::min(values.size(), kMany));
    values = values.subspan(some.size());
    finite.clear();
    std::ranges::copy_if(some, std::back_inserter(finite),
                         [](double value) { return std::isfinite(value); });
    for (const double value : finite) {
      moments.update(value);
      distinct.update(value);
    }
    if (!integral) continue;
    sketch::sort_values(std::span(finite));
    add_integers(frequent, finite, {});
  }
}

void NumberFacts::update(std::span<const double> rising, std::span<const std::uint64_t> counts,
                         bool integral) {
  for (std::size_t i = 0; i < rising.size(); ++i) {
    moments.update(rising[i], counts[i]);
    distinct.update(rising[i]);
  }
  if (integral) add_integers(frequent, rising, counts);
}

void NumberFacts::merge(const NumberFacts& other) {
  moments.merge(other.moments);
  distinct.merge(other.distinct);
  frequent.merge(other.frequent);
}

Column::Column(std::string_view name, Role role) : key_(key_of(name)), role_(role) {}

Column Column::of_counts(std::span<const std::uint64_t> counts, std::uint64_t step) {
  std::vector<double> values;
  std::vector<std::uint64_t> value_counts;
  Column column("");
  std::uint64_t integral = 0;
  for (std::uint64_t v = 0; v < counts.size(); ++v) {
    if (counts[v] == 0) continue;
    values.push_back(static_cast<double>(v) / static_cast<double>(step));
    value_counts.push_back(counts[v]);
    if (v % step == 0) integral += counts[v];
  }
  if (values.empty()) return column;
  Numbers& numbers = column.numbers_.make(column.key_);
  numbers.sketch.update_counts(values, value_counts);
  numbers.integral = integral;
  if (!numbers.sketch.is_exact()) {
    numbers.facts.make().update(values, value_counts, column.fractional() == 0);
  }
  return column;
}

const sketch::QuantileSketch& Column::numbers() const noexcept {
  return numbers_ ? numbers_->sketch : kNoNumbers;
}

const sketch::FrequentStrings& Column::frequent_strings() const noexcept {
  return strings_ ? strings_->frequent : kNoStrings;
}

const sketch::DistinctCount& Column::distinct_strings() const noexcept {
  return strings_ ? strings_->distinct : kNothingDistinct;
}

NumberFacts Column::number_facts() const {
  if (!numbers_) return {};
  const bool integral = fractional() == 0;
  if (!numbers_->facts) return facts_of(numbers_->sketch, integral);
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

void Column::check_more(std::uint64_t count) const { sketch::check_sum(observations(), count); }

// Applies `change` to the sketch, which adds `more` numbers to it. While the sketch is exact the
// facts follow from it, so those of the numbers before are taken just in time: from a copy, since
// whether the sketch stays exact shows only afterwards. One of few numbers does.
template <class Change>
void Column::change_numbers(std::uint64_t more, Change&& change) {
  Numbers& numbers = numbers_.make(key_);
  const bool integral = fractional() == 0;
  std::optional<sketch::QuantileSketch> before;
  if (!numbers.facts && numbers.sketch.n() + more > sketch::QuantileSketch::kExactItems) {
    before = numbers.sketch;
  }
  change(numbers.sketch);
  if (!numbers.facts && !numbers.sketch.is_exact()) {
    numbers.facts.make(facts_of(*before, integral));
  }
}

void Column::update_number(double value, bool integral) {
  check_more(1);
  Numbers& numbers = numbers_.make(key_);
  const bool is_small = numbers.sketch.observed() < sketch::QuantileSketch::kExactItems;
  if (!numbers.facts && !is_small && !numbers.sketch.stays_exact(value)) {
    numbers.facts.make(number_facts());
  }
  if (numbers.facts && std::isfinite(value)) {
    numbers.facts->update(value, 1, integral && fractional() == 0);
  }
  numbers.sketch.update(value);
  if (integral) ++numbers.integral;
}

void Column::update(double value) { update_number(value, false); }

void Column::update(std::int64_t value) { update_number(static_cast<double>(value), true); }

void Column::update_numbers(std::span<const double> values, bool integral) {
  check_more(values.size());
  if (values.empty()) return;
  const bool all_integral = fractional() == 0 && integral;
  change_numbers(values.size(), [&](sketch::QuantileSketch& sketch) { sketch.update(values); });
  if (numbers_->facts) numbers_->facts->update(values, all_integral);
  if (integral) numbers_->integral += values.size();
}

void Column::update(std::span<const double> values) { update_numbers(values, false); }

void Column::update(std::span<const std::int64_t> values) {
  update_numbers(std::vector<double>(values.begin(), values.end()), true);
}

void Column::update(std::string_view value, std::uint64_t count) {
  if (count == 0) return;
  check_more(count);
  const std::string kept(wire::cut_text(value, kMaxString));
  wire::check_text(kept);
  Strings& strings = strings_.make();
  strings.frequent.update(kept, count);
  strings.distinct.update(std::string_view(kept));
}

void Column::update_null(std::uint64_t count) {
  check_more(count);
  null_ += count;
}

void Column::merge(const Column& other) {
  check_more(other.observations());
  add_role(other.role_);
  null_ += other.null_;
  if (other.numbers_) {
    change_numbers(other.numbers().n(),
                   [&](sketch::QuantileSketch& sketch) { sketch.merge(other.numbers()); });
    if (numbers_->facts) numbers_->facts->merge(other.number_facts());
    numbers_->integral += other.integral();
  }
  if (other.strings_) {
    Strings& strings = strings_.make();
    strings.frequent.merge(other.strings_->frequent);
    strings.distinct.merge(other.strings_->distinct);
  }
}

// u8 role and parts | varint null
// [numbers: varint integral | quantile sketch | moments, distinct count, frequent integers unless
//  the sketch is exact; the last only without fractions]
// [strings: frequent strings | distinct count unless these are exact]
void Column::encode(wire::Writer& out) const {
  const bool has_numbers = numbers().observed() > 0;
  const bool has_strings = strings() > 0;
  out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(role_) |
                                   (has_numbers ? kHasNumbers : 0) |
                                   (has_strings ? kHasStrings : 0)));
  out.varint(null_);
  if (has_numbers) {
    out.varint(integral());
    numbers().encode(out);
    if (numbers_->facts) {
      numbers_->facts->moments.encode(out);
      numbers_->facts->distinct.encode(out);
      if (fractional() == 0) numbers_->facts->frequent.encode(out);
    }
  }
  if (has_strings) {
    frequent_strings().encode(out);
    if (!frequent_strings().is_exact()) distinct_strings().encode(out);
  }
}

Column Column::decode(wire::Reader& in, std::string_view name) {
  const auto fail = [&](const std::string& what) -> void {
    throw DecodeError("column " + std::string(name) + ": " + what);
  };
  const std::uint8_t head = in.u8();
  if ((head & ~kKnownBits) != 0) fail("unknown bits in its head, " + std::to_string(head));
  Column column(name, static_cast<Role>(head & kRoleMask));
  column.null_ = in.varint();
  if (column.null_ > sketch::kMaxCount) fail("a count above 2^56");
  try {
    if ((head & kHasNumbers) != 0) column.decode_numbers(in);
    if ((head & kHasStrings) != 0) column.decode_strings(in);
  } catch (const DecodeError& error) {
    fail(error.what());
  }
  if (column.observations() > sketch::kMaxCount) fail("more than 2^56 observations");
  return column;
}

void Column::decode_numbers(wire::Reader& in) {
  Numbers& numbers = numbers_.make(key_);
  numbers.integral = in.varint();
  numbers.sketch = sketch::QuantileSketch::decode(in, key_);
  const std::uint64_t observed = numbers.sketch.observed();
  if (observed == 0 || numbers.integral > observed) {
    throw DecodeError(std::to_string(numbers.integral) + " integers among " +
                      std::to_string(observed) + " numbers");
  }
  if (numbers.sketch.is_exact()) return;
  NumberFacts& facts = numbers.facts.make();
  const std::uint64_t n = numbers.sketch.n();
  facts.moments = sketch::Moments::decode(in);
  facts.distinct = sketch::DistinctCount::decode(in);
  if (facts.moments.n() != n) {
    throw DecodeError("moments of " + std::to_string(facts.moments.n()) +
                      " numbers beside quantiles of " + std::to_string(n));
  }
  if (fractional() != 0) return;
  facts.frequent = sketch::FrequentIntegers::decode(in);
  if (facts.frequent.n() != n) {
    throw DecodeError("frequent integers of " + std::to_string(facts.frequent.n()) +
                      " numbers beside quantiles of " + std::to_string(n));
  }
}

void Column::decode_strings(wire::Reader& in) {
  Strings& strings = strings_.make();
  strings.frequent = sketch::FrequentStrings::decode(in);
  if (strings.frequent.n() == 0) throw DecodeError("marked as having strings, has none");
  if (!strings.frequent.is_exact()) {
    strings.distinct = sketch::DistinctCount::decode(in);
    return;
  }
  for (const auto& item : strings.frequent.items()) {
    strings.distinct.update(std::string_view(item.value));
  }
}

}  // namespace lightmeter::profile
