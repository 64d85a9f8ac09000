#include "profile/grouped.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace lightmeter::profile {

Grouped grouped(const Profile& profile, std::string_view name, const Meaning& meaning) {
  const GroupMoments& groups = profile.by_group();
  const std::size_t last = groups.buckets();
  const std::vector<double> none(last + 1);
  Grouped result{none, none, none, none, none, {}, {}, {}};
  const bool is_angle = meaning.role == Role::kAngle;
  std::vector<std::uint64_t> present(none.size());
  GroupValues named;
  const auto found = groups.columns().find(name);
  if (found != groups.columns().end()) {
    for (const auto& [bucket, values] : found->second) {
      const std::size_t i = std::min<std::size_t>(bucket, last);
      const std::uint64_t n = is_angle ? values.y.n() : values.x.n();
      if (i != last) named.merge(values);
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
  const bool is_of_image = images != groups.images().end();
  if (is_of_image) {
    for (const auto& [bucket, group] : images->second) {
      const std::size_t i = std::min<std::size_t>(bucket, last);
      result.missing[i] += static_cast<double>(group.unstored(name, meaning, present[i]));
    }
  }
  const Column* column = profile.find(name);
  if (column == nullptr || (found == groups.columns().end() && !is_of_image)) return result;
  if (!column->frequent_strings().is_exact()) return result;
  if (is_angle && !column->numbers().is_exact()) return result;
  // What has no group: all values less those of the named groups.
  const GroupValues all(*column);
  const auto total = static_cast<double>(is_angle ? all.y.n() : all.x.n());
  const auto known = static_cast<double>(is_angle ? named.y.n() : named.x.n());
  const double n = total - known;
  const auto lacking = static_cast<double>(profile.missing(name) + column->numbers().nan());
  const double missing =
      lacking - std::accumulate(result.missing.begin(), result.missing.end() - 1, 0.0);
  if (n < 0.0 || missing < 0.0) return result;
  result.missing[last] = missing;
  result.infinite[last] = static_cast<double>(all.infinite - named.infinite);
  for (const auto& [cell, count] : all.texts) {
    auto& counts = result.texts.try_emplace(cell, none).first->second;
    // Hostile groups may name more of a cell than there are; of all cells together they do not.
    counts[last] = static_cast<double>(count - std::min(count, named.texts[cell]));
  }
  if (n <= result.n[last]) return result;
  // As Moments::merge in reverse; equal values stay equal.
  const double x = known > 0.0 ? all.x.mean() - named.x.mean() : 0.0;
  const double y = known > 0.0 && is_angle ? all.y.mean() - named.y.mean() : 0.0;
  const double weight = known * (total / n);
  result.n[last] = n;
  result.x[last] = all.x.mean() + x * (known / n);
  result.y[last] = is_angle ? all.y.mean() + y * (known / n) : 0.0;
  result.single = {all.x.sum_of_squares() - named.x.sum_of_squares() - x * x * weight,
                   all.y.sum_of_squares() - named.y.sum_of_squares() - y * y * weight,
                   all.xy - named.xy - x * y * weight};
  return result;
}

}  // namespace lightmeter::profile
