#include <string>
#include <utility>

#include "error.hpp"
#include "profile/column.hpp"
#include "sketch/limits.hpp"

namespace lightmeter::profile {

namespace {

// The first byte of a column: the origin, which parts follow, and the role.
constexpr std::uint8_t kOriginMask = 0x03;
constexpr std::uint8_t kHasNumbers = 0x04;
constexpr std::uint8_t kHasStrings = 0x08;
constexpr int kRoleShift = 4;

}  // namespace

void Column::layout(Codec& codec) {
  auto head = static_cast<std::uint8_t>(
      static_cast<unsigned>(meaning_.role) << kRoleShift | static_cast<unsigned>(meaning_.origin) |
      (numbers().observed() > 0 ? kHasNumbers : 0U) | (strings() > 0 ? kHasStrings : 0U));
  codec.u8(head);
  const int role = head >> kRoleShift;
  if (role > static_cast<int>(kLastRole)) {
    throw DecodeError("role " + std::to_string(role) + ", of which this reader knows 0 to " +
                      std::to_string(static_cast<int>(kLastRole)) + "; update lightmeter");
  }
  codec.count(null_);
  if ((head & kHasNumbers) != 0) {
    Numbers& numbers = numbers_.make(key_);
    codec.varint(numbers.integral);
    codec.varint(numbers.bools);
    codec.varint(numbers.dates);
    codec.part(numbers.sketch, key_);
    if (!numbers.sketch.is_exact()) {
      NumberFacts& facts = numbers.facts.make();
      codec.part(facts.moments);
      codec.part(facts.distinct);
      if (numbers.integral == numbers.sketch.observed()) codec.part(facts.frequent);
    }
  }
  if ((head & kHasStrings) != 0) {
    Strings& strings = strings_.make();
    codec.part(strings.frequent);
    if (!strings.frequent.is_exact()) codec.part(strings.distinct);
    if (role == static_cast<int>(Role::kHash)) strings.paths.layout(codec, strings.frequent);
  }
  if (!codec.reads()) return;
  meaning_ = {static_cast<Role>(role), static_cast<Origin>(head & kOriginMask)};
  codec.require((numbers().observed() > 0) == ((head & kHasNumbers) != 0) &&
                    (strings() > 0) == ((head & kHasStrings) != 0),
                "a column that is marked as having what it has not");
  complete();
}

Column Column::of_parts(std::string_view name, const Meaning& meaning, std::uint64_t null,
                        Numbers numbers, Strings strings) {
  Column column(name, meaning);
  column.null_ = null;
  if (numbers.sketch.observed() > 0) column.numbers_.make(std::move(numbers));
  if (strings.frequent.n() > 0) column.strings_.make(std::move(strings));
  Codec::named("column", name, [&] { column.complete(); });
  return column;
}

void Column::complete() {
  const std::uint64_t observed = numbers().observed();
  const auto require_same = [](const char* what, std::uint64_t n, std::uint64_t quantiles) {
    if (n == quantiles) return;
    throw DecodeError(what + (" of " + std::to_string(n)) + " numbers beside quantiles of " +
                      std::to_string(quantiles));
  };
  wire::require(null_ <= sketch::kMaxCount && observed + strings() <= sketch::kMaxCount - null_,
                "more than 2^56 observations");
  if (integral() > observed) {
    throw DecodeError(std::to_string(integral()) + " integers among " + std::to_string(observed) +
                      " numbers");
  }
  wire::require(bools() <= integral() && dates() <= fractional(),
                "more bools or dates than numbers");
  if (numbers_ && numbers().is_exact()) {
    numbers_->facts = {};
  } else if (numbers_) {
    const NumberFacts& facts = numbers_->facts.make();
    require_same("moments", facts.moments.n(), numbers().n());
    if (fractional() == 0) require_same("frequent integers", facts.frequent.n(), numbers().n());
  }
  if (strings_ && strings_->frequent.is_exact()) {
    strings_->distinct = {};
    for (const auto& item : strings_->frequent.items()) {
      strings_->distinct.update(std::string_view(item.value));
    }
  }
}

}  // namespace lightmeter::profile
