#include "profile/grouped.hpp"

#include <algorithm>
#include <cstddef>

namespace lightmeter::profile {

Grouped grouped(const Profile& profile, std::string_view name, const Meaning& meaning) {
  const GroupMoments& groups = profile.by_group();
  const std::size_t last = groups.buckets();
  const std::vector<double> none(last + 1);
  Grouped result{none, none, none, none, none, {}, {}, {}};
  std::vector<std::uint64_t> present(none.size());
  if (const auto found = groups.columns().find(name); found != groups.columns().end()) {
    for (const auto& [bucket, values] : found->second) {
      const std::size_t i = std::min<std::size_t>(bucket, last);
      const std::uint64_t n = meaning.role == Role::kAngle ? values.y.n() : values.x.n();
      result.n[i] = static_cast<double>(n);
      if (n > 0) result.x[i] = values.x.mean();
      if (values.y.n() > 0) result.y[i] = values.y.mean();
      Squares& squares = i == last ? result.single : result.within;
      squares[0] += values.x.sum_of_squares();
      squares[1] += values.y.sum_of_squares();
      squares[2] += values.xy;
      result.missing[i] = static_cast<double>(values.missing);
      result.infinite[i] = static_cast<double>(values.infinite);
      present[i] = n + values.infinite;
      for (const auto& [cell, count] : values.texts) {
        result.texts.try_emplace(cell, none).first->second[i] = static_cast<double>(count);
        present[i] += count;
      }
    }
  }
  const auto images = groups.images().find(name.substr(0, name.rfind('.')));
  if (images == groups.images().end()) return result;
  for (const auto& [bucket, group] : images->second) {
    const std::size_t i = std::min<std::size_t>(bucket, last);
    result.missing[i] += static_cast<double>(group.unstored(name, meaning, present[i]));
  }
  return result;
}

}  // namespace lightmeter::profile
