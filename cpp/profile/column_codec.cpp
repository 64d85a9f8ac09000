#include <string>

#include "error.hpp"
#include "profile/column.hpp"
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

}  // namespace

// u8 origin, parts and role | varint null
// [numbers: varint integral | quantile sketch | moments, distinct count, frequent integers unless
//  the sketch is exact; the last only without fractions]
// [strings: frequent strings | distinct count unless these are exact | paths if it is of hashes]
void Column::encode(wire::Writer& out) const {
  const bool has_numbers = numbers().observed() > 0;
  const bool has_strings = strings() > 0;
  out.u8(static_cast<std::uint8_t>(bits_of(meaning_) | (has_numbers ? kHasNumbers : 0) |
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
    if (meaning_.role == Role::kHash) paths().encode(out, frequent_strings());
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
  Parts parts;
  parts.null = in.varint();
  if ((head & kHasNumbers) != 0) {
    parts.integral = in.varint();
    parts.numbers = sketch::QuantileSketch::decode(in, Column(name).key_);
    if (!parts.numbers.is_exact()) {
      parts.facts.moments = sketch::Moments::decode(in);
      parts.facts.distinct = sketch::DistinctCount::decode(in);
      if (parts.integral == parts.numbers.observed()) {
        parts.facts.frequent = sketch::FrequentIntegers::decode(in);
      }
    }
  }
  if ((head & kHasStrings) != 0) {
    parts.strings = sketch::FrequentStrings::decode(in);
    if (!parts.strings.is_exact()) parts.distinct_strings = sketch::DistinctCount::decode(in);
    if (role == static_cast<int>(Role::kHash)) parts.paths = Paths::decode(in, parts.strings);
  }
  if ((parts.numbers.observed() > 0) != ((head & kHasNumbers) != 0) ||
      (parts.strings.n() > 0) != ((head & kHasStrings) != 0)) {
    throw DecodeError("column " + std::string(name) + ": marked as having what it has not");
  }
  return from_parts(name, parts,
                    {static_cast<Role>(role), static_cast<Origin>(head & kOriginMask)});
}

Column Column::from_parts(std::string_view name, const Parts& parts, const Meaning& meaning) {
  const auto check = [&](bool good, const std::string& what) {
    if (!good) throw DecodeError("column " + std::string(name) + ": " + what);
  };
  const std::uint64_t observed = parts.numbers.observed();
  const std::uint64_t strings = parts.strings.n();
  check(parts.null <= sketch::kMaxCount && observed + strings <= sketch::kMaxCount - parts.null,
        "more than 2^56 observations");
  check(parts.integral <= observed, std::to_string(parts.integral) + " integers among " +
                                        std::to_string(observed) + " numbers");
  Column column(name, meaning);
  column.null_ = parts.null;
  if (observed > 0) {
    Numbers& numbers = column.numbers_.make(column.key_);
    numbers.integral = parts.integral;
    numbers.sketch = parts.numbers;
    if (!numbers.sketch.is_exact()) {
      const std::string beside =
          " numbers beside quantiles of " + std::to_string(parts.numbers.n());
      check(parts.facts.moments.n() == parts.numbers.n(),
            "moments of " + std::to_string(parts.facts.moments.n()) + beside);
      check(parts.integral < observed || parts.facts.frequent.n() == parts.numbers.n(),
            "frequent integers of " + std::to_string(parts.facts.frequent.n()) + beside);
      numbers.facts.make(parts.facts);
    }
  }
  if (strings > 0) {
    Strings& kept = column.strings_.make();
    kept.frequent = parts.strings;
    if (meaning.role == Role::kHash) kept.paths.make(parts.paths);
    kept.distinct = parts.strings.is_exact() ? sketch::DistinctCount() : parts.distinct_strings;
    for (const auto& item : parts.strings.items()) {
      if (parts.strings.is_exact()) kept.distinct.update(std::string_view(item.value));
    }
  }
  return column;
}

}  // namespace lightmeter::profile
