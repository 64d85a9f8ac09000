#include "profile/group_values.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/hue.hpp"
#include "sketch/mix.hpp"

namespace lightmeter::profile {

GroupValues::GroupValues(const Column& column)
    : missing(column.null() + column.numbers().nan()),
      infinite(column.numbers().pos_inf() + column.numbers().neg_inf()) {
  const Role role = column.meaning().role;
  if (role == Role::kPlain || role == Role::kDate) x = column.moments();
  if (role == Role::kAngle) {
    const sketch::SortedView& view = column.numbers().view();
    for (std::size_t i = 0; i < view.values.size(); ++i) {
      const double angle = kernels::hue_angle(view.values[i]);
      GroupValues hue;
      hue.x.update(std::cos(angle), view.weight(i));
      hue.y.update(std::sin(angle), view.weight(i));
      merge(hue);
    }
  }
  std::uint64_t rest = column.strings();
  for (const auto& item : column.frequent_strings().items()) {
    const std::uint64_t count = std::min(rest, item.lower);
    if (count > 0) texts[sketch::hash_of(item.value) % kCells] += count;
    rest -= count;
  }
  if (rest > 0) texts[0] += rest;  // no longer listed
}

void GroupValues::merge(const GroupValues& more) {
  const auto a = static_cast<double>(x.n());
  const auto b = static_cast<double>(more.x.n());
  const bool are_hues = y.n() == x.n() && more.y.n() == more.x.n();
  xy = are_hues ? xy + more.xy : 0.0;
  if (are_hues && a > 0.0 && b > 0.0) {  // as in moments.cpp
    xy += (more.x.mean() - x.mean()) * (more.y.mean() - y.mean()) * a * (b / (a + b));
  }
  x.merge(more.x);
  if (are_hues) {
    y.merge(more.y);
  } else {
    y = {};
  }
  missing += more.missing;
  infinite += more.infinite;
  for (const auto& [cell, count] : more.texts) texts[cell] += count;
}

void GroupValues::layout(Codec& codec) {
  codec.part(x);
  codec.part(y);
  if (y.n() > 0) {
    codec.f64(xy);
    constexpr double kMost = 1.0 + 1e-9;
    codec.require(y.n() == x.n() && std::abs(x.mean()) <= kMost && std::abs(y.mean()) <= kMost,
                  "hues that are not on the circle");
  }
  codec.count(missing);
  codec.count(infinite);
  codec.map(texts, [&](std::uint32_t cell, std::uint64_t& count) {
    codec.count(count);
    codec.require(cell < kCells && count > 0, "a cell that is none, or without strings");
  });
}

}  // namespace lightmeter::profile
