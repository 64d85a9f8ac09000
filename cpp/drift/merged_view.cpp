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
  // Branch-free: the next side is unpredictable.
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
  merged.values.resize(size);
  merged.target.resize(size);
  merged.reference.resize(size);
  merged.n_target = target_before;
  merged.n_reference = reference_before;
  for (; t < target.values.size(); ++t) merged.push(target.values[t], target.weight(t), 0);
  for (; r < reference.values.size(); ++r) {
    merged.push(reference.values[r], 0, reference.weight(r));
  }
  return merged;
}

}  // namespace lightmeter::drift
