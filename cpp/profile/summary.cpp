#include "profile/summary.hpp"

#include <algorithm>

namespace lightmeter::profile {

Summary summary_of(const Column& column) {
  const NumberFacts facts = column.number_facts();
  const sketch::DistinctCount& texts = column.distinct_strings();
  Summary summary{.moments = facts.moments,
                  .distinct = facts.distinct.estimate() + texts.estimate(),
                  .distinct_lower = facts.distinct.lower() + texts.lower(),
                  .distinct_upper = facts.distinct.upper() + texts.upper(),
                  .frequent = column.frequent_strings().items()};
  for (const auto& item : facts.frequent.items()) {
    summary.frequent.push_back({std::to_string(item.value), item.lower, item.estimate});
  }
  std::stable_sort(summary.frequent.begin(), summary.frequent.end(),
                   [](const auto& a, const auto& b) { return a.estimate > b.estimate; });
  return summary;
}

}  // namespace lightmeter::profile
