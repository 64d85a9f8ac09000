#include "lightmeter/drift/merged_view.hpp"

namespace lightmeter::drift {

MergedView merge_views(const sketch::SortedView& target, const sketch::SortedView& reference) {
  MergedView merged;
  const std::size_t most = target.values.size() + reference.values.size();
  merged.values.reserve(most);
  merged.target.reserve(most);
  merged.reference.reserve(most);
  std::size_t t = 0;
  std::size_t r = 0;
  while (t < target.values.size() || r < reference.values.size()) {
    const bool from_target = r == reference.values.size() ||
                             (t < target.values.size() && target.values[t] <= reference.values[r]);
    const double value = from_target ? target.values[t] : reference.values[r];
    const bool from_reference = r < reference.values.size() && reference.values[r] == value;
    merged.values.push_back(value);
    merged.target.push_back(from_target ? target.weight(t++) : 0);
    merged.reference.push_back(from_reference ? reference.weight(r++) : 0);
  }
  merged.n_target = target.cumulative.empty() ? 0 : target.cumulative.back();
  merged.n_reference = reference.cumulative.empty() ? 0 : reference.cumulative.back();
  return merged;
}

}  // namespace lightmeter::drift
