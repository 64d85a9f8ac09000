#include "lightmeter/profile/column.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "lightmeter/error.hpp"
#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

// Leading byte of an encoded column: the origin, which parts follow, and the role.
constexpr std::uint8_t kOriginMask = 0x03;
constexpr std::uint8_t kHasNumbers = 0x04;
constexpr std::uint8_t kHasStrings = 0x08;
constexpr int kRoleShift = 4;

std::uint8_t bits_of(const Meaning& meaning) noexcept {
  return static_cast<std::uint8_t>(static_cast<unsigned>(meaning.role) << kRoleShift |
                                   static_cast<unsigned>(meaning.origin));
}

// FNV-1a: any fixed function of the name would do.
std::uint64_t key_of(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return hash;
}

// The longest start of `text` of at most kMaxString bytes that does not cut a UTF-8 character.
std::string cut(std::string_view text) {
  if (text.size() <= Column::kMaxString) return std::string(text);
  std::size_t size = Column::kMaxString;
  while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xC0U) == 0x80U) --size;
  return std::string(text.substr(0, size));
}

}  // namespace

std::int64_t to_integer(double value) noexcept {
  constexpr double kLimit = 0x1p63;
  if (value >= kLimit) return INT64_MAX;
  return value <= -kLimit ? INT64_MIN : static_cast<std::int64_t>(value);
}

Column::Column(std::string_view name, const Meaning& meaning)
    : meaning_(meaning), numbers_(key_of(name)) {}

void Column::NumberFacts::update(double value, std::uint64_t count, bool integral) {
  moments.update(value, count);
  distinct.update(value);
  if (integral) frequent.update(to_integer(value), count);
}

void Column::NumberFacts::merge(const NumberFacts& other) {
  moments.merge(other.moments);
  distinct.merge(other.distinct);
  frequent.merge(other.frequent);
}

Column::NumberFacts Column::facts_of(const sketch::QuantileSketch& numbers, bool integral) {
  NumberFacts facts;
  const sketch::SortedView& view = numbers.view();
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    facts.update(view.values[i], view.weight(i), integral);
  }
  return facts;
}

Column::NumberFacts Column::number_facts() const {
  return facts_ ? *facts_ : facts_of(numbers_, fractional() == 0);
}

sketch::FrequentIntegers Column::frequent_integers() const {
  return fractional() == 0 ? number_facts().frequent : sketch::FrequentIntegers();
}

void Column::update_number(double value, bool integral) {
  if (!facts_ && !numbers_.stays_exact(value)) facts_ = number_facts();
  if (facts_ && std::isfinite(value)) facts_->update(value, 1, integral);
  numbers_.update(value);
}

void Column::update(double value) { update_number(value, false); }

void Column::update(std::int64_t value) {
  update_number(static_cast<double>(value), true);
  ++integral_;
}

// While the sketch is exact the facts follow from it, so those of the values before are taken just
// in time: from a copy, since whether the sketch stays exact shows only afterwards.
void Column::update_numbers(std::span<const double> values, bool integral) {
  std::optional<sketch::QuantileSketch> before;
  if (!facts_ && numbers_.n() + values.size() > sketch::QuantileSketch::kExactItems) {
    before = numbers_;
  }
  const bool all_integral = fractional() == 0 && integral;
  numbers_.update(values);
  if (numbers_.is_exact()) return;
  if (!facts_) facts_ = facts_of(*before, all_integral);
  for (const double value : values) {
    if (std::isfinite(value)) facts_->update(value, 1, all_integral);
  }
}

void Column::update(std::span<const double> values) { update_numbers(values, false); }

void Column::update(std::span<const std::int64_t> values) {
  update_numbers(std::vector<double>(values.begin(), values.end()), true);
  integral_ += values.size();
}

void Column::update(std::string_view value, std::uint64_t count) {
  if (count == 0) return;
  const std::string kept = cut(value);
  strings_.update(kept, count);
  distinct_strings_.update(std::string_view(kept));
}

void Column::update_counts(std::span<const std::uint64_t> counts, std::uint64_t step) {
  std::vector<double> values;
  std::vector<std::uint64_t> value_counts;
  Column added("");
  for (std::uint64_t v = 0; v < counts.size(); ++v) {
    if (counts[v] == 0) continue;
    values.push_back(static_cast<double>(v) / static_cast<double>(step));
    value_counts.push_back(counts[v]);
    if (v % step == 0) added.integral_ += counts[v];
  }
  added.numbers_.update_counts(values, value_counts);
  if (!added.numbers_.is_exact()) {
    NumberFacts& facts = added.facts_.emplace();
    const bool integral = added.fractional() == 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      facts.update(values[i], value_counts[i], integral);
    }
  }
  merge(added);
}

void Column::update_null(std::uint64_t count) {
  sketch::check_sum(observations(), count);
  null_ += count;
}

void Column::merge(const Column& other) {
  sketch::check_sum(observations(), other.observations());
  add_meaning(other.meaning_);
  // Whether the sum is exact shows only afterwards, when the values may be gone. A small one is.
  std::optional<sketch::QuantileSketch> before;
  const bool may_leave_exact =
      numbers_.n() + other.numbers_.n() > sketch::QuantileSketch::kExactItems;
  if (!facts_ && may_leave_exact) before = numbers_;
  const bool integral = fractional() == 0;
  numbers_.merge(other.numbers_);
  if (!numbers_.is_exact()) {
    if (!facts_) facts_ = facts_of(*before, integral);
    facts_->merge(other.number_facts());
  }
  null_ += other.null_;
  integral_ += other.integral_;
  strings_.merge(other.strings_);
  distinct_strings_.merge(other.distinct_strings_);
}

// u8 origin, parts and role | varint null
// [numbers: varint integral | quantile sketch | moments, distinct count, frequent integers unless
//  the sketch is exact; the last only without fractions]
// [strings: frequent strings | distinct count unless these are exact]
void Column::encode(wire::Writer& out) const {
  const bool has_numbers = numbers_.observed() > 0;
  const bool has_strings = strings() > 0;
  out.u8(static_cast<std::uint8_t>(bits_of(meaning_) | (has_numbers ? kHasNumbers : 0) |
                                   (has_strings ? kHasStrings : 0)));
  out.varint(null_);
  if (has_numbers) {
    out.varint(integral_);
    numbers_.encode(out);
    if (facts_) {
      facts_->moments.encode(out);
      facts_->distinct.encode(out);
      if (fractional() == 0) facts_->frequent.encode(out);
    }
  }
  if (has_strings) {
    strings_.encode(out);
    if (!strings_.is_exact()) distinct_strings_.encode(out);
  }
}

Column Column::decode(wire::Reader& in, std::string_view name) {
  const std::uint8_t head = in.u8();
  const int role = head >> kRoleShift;
  if (role > static_cast<int>(kLastRole)) {
    throw DecodeError("column " + std::string(name) + ": role " + std::to_string(role) +
                      ", of which this reader knows 0 to " +
                      std::to_string(static_cast<int>(kLastRole)) + "; update lightmeter");
  }
  Column column(name, {static_cast<Role>(role), static_cast<Origin>(head & kOriginMask)});
  column.null_ = in.varint();
  if (column.null_ > sketch::kMaxCount) {
    throw DecodeError("column " + std::string(name) + ": a count above 2^56");
  }
  if ((head & kHasNumbers) != 0) {
    column.integral_ = in.varint();
    column.numbers_ = sketch::QuantileSketch::decode(in, key_of(name));
    if (column.numbers_.observed() == 0 || column.integral_ > column.numbers_.observed()) {
      throw DecodeError("column " + std::string(name) + ": " + std::to_string(column.integral_) +
                        " integers among " + std::to_string(column.numbers_.observed()) +
                        " numbers");
    }
    if (!column.numbers_.is_exact()) {
      NumberFacts& facts = column.facts_.emplace();
      facts.moments = sketch::Moments::decode(in);
      facts.distinct = sketch::DistinctCount::decode(in);
      if (column.fractional() == 0) facts.frequent = sketch::FrequentIntegers::decode(in);
      if (facts.moments.n() != column.numbers_.n()) {
        throw DecodeError("column " + std::string(name) + ": moments of " +
                          std::to_string(facts.moments.n()) + " numbers beside quantiles of " +
                          std::to_string(column.numbers_.n()));
      }
      if (column.fractional() == 0 && facts.frequent.n() != column.numbers_.n()) {
        throw DecodeError("column " + std::string(name) + ": frequent integers of " +
                          std::to_string(facts.frequent.n()) + " numbers beside quantiles of " +
                          std::to_string(column.numbers_.n()));
      }
    }
  }
  if ((head & kHasStrings) != 0) {
    column.strings_ = sketch::FrequentStrings::decode(in);
    if (column.strings() == 0) {
      throw DecodeError("column " + std::string(name) + ": marked as having strings, has none");
    }
    if (column.strings_.is_exact()) {
      for (const auto& item : column.strings_.items()) {
        column.distinct_strings_.update(std::string_view(item.value));
      }
    } else {
      column.distinct_strings_ = sketch::DistinctCount::decode(in);
    }
  }
  if (column.observations() > sketch::kMaxCount) {
    throw DecodeError("column " + std::string(name) + ": more than 2^56 observations");
  }
  return column;
}

}  // namespace lightmeter::profile
