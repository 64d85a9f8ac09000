#include "drift/categories.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

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

// Of each category: the items of the target, and of both sides.
struct Shares {
  std::vector<std::uint64_t> target;
  std::vector<std::uint64_t> pooled;

  [[nodiscard]] std::size_t size() const { return pooled.size(); }
};

Shares shares_in_use(const Binned& counts) {
  Shares shares;
  for (std::size_t i = 0; i < counts.target.size(); ++i) {
    const std::uint64_t both = counts.target[i] + counts.reference[i];
    if (both == 0) continue;
    shares.target.push_back(counts.target[i]);
    shares.pooled.push_back(both);
  }
  return shares;
}

// Rare categories are joined, the rarest first, until both sides together have at least `least` of
// each. Which are joined follows from the margins, so that deals of the labels do not change it.
Shares without_rare(const Shares& shares, double items, double least) {
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return shares.pooled[i]; });
  Shares joined;
  double left = items;  // of the category and of all that are as common or more
  double last = 0.0;
  for (const std::size_t i : order) {
    if (joined.size() == 0 || std::min(last, left) >= least) {
      joined.target.push_back(0);
      joined.pooled.push_back(0);
    }
    joined.target.back() += shares.target[i];
    joined.pooled.back() += shares.pooled[i];
    last = static_cast<double>(joined.pooled.back());
    left -= static_cast<double>(shares.pooled[i]);
  }
  return joined;
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

// Exact of two categories. Of more the limit, where enough of each are expected.
double limit_p_value(const Shares& shares, std::uint64_t n, std::uint64_t m) {
  if (shares.size() < 2) return 1.0;
  if (shares.size() == 2) {
    return fisher_exact(shares.target[0], n, shares.pooled[0] - shares.target[0], m);
  }
  const double drawn = static_cast<double>(n);
  const double rest = static_cast<double>(m);
  const double all = drawn + rest;
  const double apart = statistic(shares.target, shares.pooled) - drawn * drawn / all;
  return chi_square_tail(apart * all / drawn * all / rest, shares.size() - 1);
}

}  // namespace

double category_p_value(const Binned& counts) {
  const auto total = [](const std::vector<std::uint64_t>& side) {
    return std::accumulate(side.begin(), side.end(), std::uint64_t{0});
  };
  const std::uint64_t n = total(counts.target);
  const std::uint64_t m = total(counts.reference);
  const Shares shares = shares_in_use(counts);
  if (n == 0 || m == 0) return 1.0;
  if (shares.size() <= 2) return limit_p_value(shares, n, m);
  const double all = static_cast<double>(n + m);
  const double least = kFewExpected * all / static_cast<double>(std::min(n, m));
  const Shares common = without_rare(shares, all, least);
  const double limit = limit_p_value(common, n, m);
  if (common.size() == shares.size()) return limit;
  const double seen = statistic(shares.target, shares.pooled) * kSlack;
  Random random(counts.target, counts.reference);
  std::vector<std::uint64_t> dealt;
  const double p = monte_carlo_p(kCategoryDraws, [&] {
    random_split(shares.pooled, n, random, dealt);
    return statistic(dealt, shares.pooled) >= seen;
  });
  const bool is_least = p == 1.0 / (kCategoryDraws + 1.0);
  return is_least ? std::min(p, limit) : p;
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
