#include "drift/categories.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "drift/random_split.hpp"
#include "drift/rates.hpp"
#include "drift/slack.hpp"
#include "drift/special.hpp"

namespace lightmeter::drift {

namespace {

constexpr double kFewExpected = 5.0;
constexpr int kCategoryDraws = 9999;

// Between which numbers the count of a category lies.
struct Bounds {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

struct BothBounds {
  Bounds target;
  Bounds reference;
};

using Table = std::map<std::string, BothBounds>;

Table table_of(const Categories& target, const Categories& reference) {
  Table table;
  const BothBounds unseen{{0, target.strings.floor()}, {0, reference.strings.floor()}};
  for (const auto& item : target.strings.items()) {
    table.try_emplace(item.value, unseen).first->second.target = {item.lower, item.estimate};
  }
  for (const auto& item : reference.strings.items()) {
    table.try_emplace(item.value, unseen).first->second.reference = {item.lower, item.estimate};
  }
  return table;
}

// The counts that `choose` picks within the bounds, what they leave of n being a category too.
template <class Choose>
Binned counts_of(const Table& table, const Categories& target, const Categories& reference,
                 Choose&& choose) {
  Binned counts;
  std::uint64_t target_left = target.strings.n();
  std::uint64_t reference_left = reference.strings.n();
  for (const auto& [name, bounds] : table) {
    const auto [t, r] = choose(bounds);
    counts.target.push_back(std::min(t, target_left));
    counts.reference.push_back(std::min(r, reference_left));
    target_left -= counts.target.back();
    reference_left -= counts.reference.back();
  }
  counts.target.insert(counts.target.end(), {target_left, target.others});
  counts.reference.insert(counts.reference.end(), {reference_left, reference.others});
  return counts;
}

double total_variation(const Binned& counts, double n, double m) {
  double sum = 0.0;
  for (std::size_t i = 0; i < counts.target.size(); ++i) {
    sum += std::abs(static_cast<double>(counts.target[i]) * m -
                    static_cast<double>(counts.reference[i]) * n);
  }
  return sum / (2.0 * n * m);
}

// The chi-square statistic is a rising function of this while the margins are fixed.
double statistic(const std::vector<std::uint64_t>& target,
                 const std::vector<std::uint64_t>& pooled) {
  double sum = 0.0;
  for (std::size_t i = 0; i < pooled.size(); ++i) {
    const double count = static_cast<double>(target[i]);
    sum += count * count / static_cast<double>(pooled[i]);
  }
  return sum;
}

}  // namespace

double category_p_value(const Binned& counts) {
  std::vector<std::uint64_t> target;
  std::vector<std::uint64_t> pooled;
  std::uint64_t n = 0;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < counts.target.size(); ++i) {
    const std::uint64_t both = counts.target[i] + counts.reference[i];
    if (both == 0) continue;
    target.push_back(counts.target[i]);
    pooled.push_back(both);
    n += counts.target[i];
    all += both;
  }
  if (pooled.size() < 2 || n == 0 || n == all) return 1.0;
  const std::uint64_t m = all - n;
  if (pooled.size() == 2) return fisher_exact(target[0], n, pooled[0] - target[0], m);
  const double seen = statistic(target, pooled);
  const double share = static_cast<double>(n) / static_cast<double>(all);
  const double rarest = static_cast<double>(*std::ranges::min_element(pooled));
  if (rarest * std::min(share, 1.0 - share) >= kFewExpected) {
    double chi_square = 0.0;
    for (std::size_t i = 0; i < pooled.size(); ++i) {
      const double expected = static_cast<double>(pooled[i]) * share;
      const double distance = static_cast<double>(target[i]) - expected;
      chi_square += distance * distance / (expected * (1.0 - share));
    }
    return chi_square_tail(chi_square, pooled.size() - 1);
  }
  Random random(counts.target, counts.reference);
  std::vector<std::uint64_t> dealt;
  return monte_carlo_p(kCategoryDraws, [&] {
    random_split(pooled, n, random, dealt);
    return statistic(dealt, pooled) >= seen * kSlack;
  });
}

CategoryDrift compare_categories(const Categories& target, const Categories& reference,
                                 bool tested) {
  const Table table = table_of(target, reference);
  const double n = static_cast<double>(target.n());
  const double m = static_cast<double>(reference.n());
  const Binned seen = counts_of(table, target, reference, [](const BothBounds& bounds) {
    return std::pair(bounds.target.low, bounds.reference.low);
  });
  const double distance = total_variation(seen, n, m);
  const double p = tested ? category_p_value(seen) : 1.0;
  const BinnedDistances distances = binned_distances(seen);
  if (target.strings.is_exact() && reference.strings.is_exact()) {
    return {{distance, distance, distance}, {p, p, p}, distances};
  }
  const auto share = [](std::uint64_t count, double of) { return static_cast<double>(count) / of; };
  const Binned like = counts_of(table, target, reference, [&](const BothBounds& bounds) {
    const auto& [t, r] = bounds;
    if (share(t.low, n) > share(r.high, m)) return std::pair(t.low, r.high);
    if (share(r.low, m) > share(t.high, n)) return std::pair(t.high, r.low);
    const double same = std::max(share(t.low, n), share(r.low, m));
    return std::pair(std::clamp(static_cast<std::uint64_t>(same * n + 0.5), t.low, t.high),
                     std::clamp(static_cast<std::uint64_t>(same * m + 0.5), r.low, r.high));
  });
  const Binned unlike = counts_of(table, target, reference, [&](const BothBounds& bounds) {
    const auto& [t, r] = bounds;
    const bool more = share(t.low, n) + share(t.high, n) > share(r.low, m) + share(r.high, m);
    return more ? std::pair(t.high, r.low) : std::pair(t.low, r.high);
  });
  const double least = std::min(distance, total_variation(like, n, m));
  const double most = std::max(distance, total_variation(unlike, n, m));
  const double p_low = tested ? std::min(p, category_p_value(unlike)) : 1.0;
  const double p_high = tested ? std::max(p, category_p_value(like)) : 1.0;
  return {{distance, least, most}, {p, p_low, p_high}, distances};
}

}  // namespace lightmeter::drift
