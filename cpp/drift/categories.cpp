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
Contingency counts_of(const Table& table, const Categories& target, const Categories& reference,
                      const Choose& choose) {
  Contingency counts;
  std::uint64_t target_left = target.strings.n();
  std::uint64_t reference_left = reference.strings.n();
  for (const auto& [name, bounds] : table) {
    const auto [t, r] = choose(bounds.target, bounds.reference);
    const std::uint64_t of_target = std::min(t, target_left);
    const std::uint64_t of_reference = std::min(r, reference_left);
    counts.push(of_target, of_reference);
    target_left -= of_target;
    reference_left -= of_reference;
  }
  counts.push(target_left, reference_left);
  counts.push(target.others, reference.others);
  return counts;
}

double total_variation(const Contingency& counts) {
  double sum = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i) sum += std::abs(counts.step(i));
  return sum / (2.0 * counts.area());
}

// Rare categories are joined, the rarest first, until both sides together have at least `least` of
// each. Which are joined follows from the margins, so that deals of the labels do not change it.
Contingency without_rare(const Contingency& counts, double least) {
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return counts.pooled(i); });
  Contingency joined;
  std::uint64_t target = 0;
  std::uint64_t reference = 0;
  std::uint64_t left = counts.n_target + counts.n_reference;
  for (const std::size_t i : order) {
    target += counts.target[i];
    reference += counts.reference[i];
    left -= counts.pooled(i);
    const std::uint64_t fewer = std::min(target + reference, left);
    if (left > 0 && static_cast<double>(fewer) < least) continue;
    joined.push(std::exchange(target, 0), std::exchange(reference, 0));
  }
  return joined;
}

// Exact of two categories. Of more the limit, where enough of each are expected.
double limit_p_value(const Contingency& counts) {
  if (counts.size() < 2) return 1.0;
  if (counts.size() == 2) {
    return fisher_exact(counts.target[0], counts.n_target, counts.reference[0], counts.n_reference);
  }
  return chi_square_tail(counts.chi_square(), counts.size() - 1);
}

}  // namespace

double category_p_value(const Contingency& counts) {
  const std::uint64_t fewer = std::min(counts.n_target, counts.n_reference);
  if (fewer == 0) return 1.0;
  if (counts.size() <= 2) return limit_p_value(counts);
  const double all = static_cast<double>(counts.n_target + counts.n_reference);
  const Contingency common = without_rare(counts, kFewExpected * all / static_cast<double>(fewer));
  const double limit = limit_p_value(common);
  if (common.size() == counts.size()) return limit;
  const double seen = counts.chi_square() * kSlack;
  const double p = permuted_p_value(
      counts, kCategoryDraws, [&](const Contingency& dealt) { return dealt.chi_square() >= seen; });
  const bool is_least = p == 1.0 / (kCategoryDraws + 1.0);
  return is_least ? std::min(p, limit) : p;
}

CategoryDrift compare_categories(const Categories& target, const Categories& reference,
                                 bool tested) {
  const Table table = table_of(target, reference);
  const auto counts = [&](auto&& choose) { return counts_of(table, target, reference, choose); };
  const auto p_of = [&](const Contingency& seen) { return tested ? category_p_value(seen) : 1.0; };
  const Contingency seen =
      counts([](const Bounds& t, const Bounds& r) { return std::pair(t.low, r.low); });
  const double distance = total_variation(seen);
  const double p = p_of(seen);
  const BinnedDistances distances = binned_distances(seen);
  if (target.strings.is_exact() && reference.strings.is_exact()) {
    return {{distance, distance, distance}, {p, p, p}, distances};
  }
  const double n = static_cast<double>(target.n());
  const double m = static_cast<double>(reference.n());
  const auto share = [](std::uint64_t count, double of) { return static_cast<double>(count) / of; };
  const Contingency like = counts([&](const Bounds& t, const Bounds& r) {
    if (share(t.low, n) > share(r.high, m)) return std::pair(t.low, r.high);
    if (share(r.low, m) > share(t.high, n)) return std::pair(t.high, r.low);
    const double same = std::max(share(t.low, n), share(r.low, m));
    return std::pair(std::clamp(static_cast<std::uint64_t>(same * n + 0.5), t.low, t.high),
                     std::clamp(static_cast<std::uint64_t>(same * m + 0.5), r.low, r.high));
  });
  const Contingency unlike = counts([&](const Bounds& t, const Bounds& r) {
    const bool more = share(t.low, n) + share(t.high, n) > share(r.low, m) + share(r.high, m);
    return more ? std::pair(t.high, r.low) : std::pair(t.low, r.high);
  });
  return {{distance, std::min(distance, total_variation(like)),
           std::max(distance, total_variation(unlike))},
          {p, std::min(p, p_of(unlike)), std::max(p, p_of(like))},
          distances};
}

}  // namespace lightmeter::drift
