#include "drift/merged_view.hpp"

#include <algorithm>

namespace lightmeter::drift {

MergedView merge_views(const sketch::SortedView& target, const sketch::SortedView& reference) {
  MergedView merged;
  const std::size_t most = target.values.size() + reference.values.size();
  merged.values.resize(most);
  merged.target.resize(most);
  merged.reference.resize(most);
  std::size_t t = 0;
  std::size_t r = 0;
  std::size_t size = 0;
  std::uint64_t target_before = 0;
  std::uint64_t reference_before = 0;
  // Which side comes next is a toss of a coin, so there are no branches on it.
  while (t < target.values.size() && r < reference.values.size()) {
    const double from_target = target.values[t];
    const double from_reference = reference.values[r];
    const std::size_t takes_target = from_target <= from_reference ? 1 : 0;
    const std::size_t takes_reference = from_reference <= from_target ? 1 : 0;
    merged.values[size] = std::min(from_target, from_reference);
    merged.target[size] = takes_target * (target.cumulative[t] - target_before);
    merged.reference[size] = takes_reference * (reference.cumulative[r] - reference_before);
    target_before += merged.target[size];
    reference_before += merged.reference[size];
    t += takes_target;
    r += takes_reference;
    ++size;
  }
  for (; t < target.values.size(); ++t, ++size) {
    merged.values[size] = target.values[t];
    merged.target[size] = target.weight(t);
  }
  for (; r < reference.values.size(); ++r, ++size) {
    merged.values[size] = reference.values[r];
    merged.reference[size] = reference.weight(r);
  }
  merged.values.resize(size);
  merged.target.resize(size);
  merged.reference.resize(size);
  merged.n_target = target.cumulative.empty() ? 0 : target.cumulative.back();
  merged.n_reference = reference.cumulative.empty() ? 0 : reference.cumulative.back();
  return merged;
}

}  // namespace lightmeter::drift
