#include "profile/repeats.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace lightmeter::profile {

Repeats repeats_of(const Column& column) {
  Repeats repeats;
  if (column.meaning().role != Role::kHash) return repeats;
  for (const auto& item : column.frequent_strings().items()) {
    if (item.lower < 2) continue;
    repeats.at_least += item.lower - 1;
    repeats.hashes.push_back({item.value, item.lower, std::string(column.path_of(item.value))});
  }
  std::sort(repeats.hashes.begin(), repeats.hashes.end(), [](const auto& a, const auto& b) {
    return std::tie(b.times, a.hash) < std::tie(a.times, b.hash);
  });
  constexpr double kDeviations = 6.0;
  const auto n = static_cast<double>(column.strings());
  const double left = std::floor(n - column.distinct_strings().upper(kDeviations));
  if (left > 0.0) repeats.at_least = std::max(repeats.at_least, static_cast<std::uint64_t>(left));
  return repeats;
}

}  // namespace lightmeter::profile
