#include "sketch/sampled.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "sketch/limits.hpp"
#include "sketch/sorting.hpp"

namespace lightmeter::sketch {
namespace {

using wire::require;

// Room of the level d below the top: kWorking (2/3)^d, at least 8.
constexpr auto kRoom = [] {
  std::array<std::size_t, kMaxLevel + 8> room{};
  double exact = Sampled::kWorking;
  for (std::size_t& values : room) {
    values = std::max<std::size_t>(8, static_cast<std::size_t>(exact + 0.5));
    exact *= 2.0 / 3.0;
  }
  return room;
}();

// A run of rising values of one weight, in place from the end. Branch-free: which side is next is
// unpredictable.
void merge_run(std::vector<Count>& rising, std::span<const double> run, std::uint64_t weight) {
  std::size_t i = rising.size();
  std::size_t j = run.size();
  rising.resize(i + j);
  Count* const counts = rising.data();
  while (i > 0 && j > 0) {
    const bool own = counts[i - 1].value > run[j - 1];
    counts[i + j - 1].value = own ? counts[i - 1].value : run[j - 1];
    counts[i + j - 1].times = own ? counts[i - 1].times : weight;
    i -= own ? 1 : 0;
    j -= own ? 0 : 1;
  }
  for (; j > 0; --j) counts[j - 1] = {run[j - 1], weight};
}

}  // namespace

Sampled::Sampled(const Exact& list, std::uint64_t key) : newest_(list.sorted()) {
  coins_.key = mix(key, newest_.values().size());
  for (const double value : newest_.values()) {
    coins_.key = mix(coins_.key, std::bit_cast<std::uint64_t>(value));
  }
}

Sampled::Sampled(const Counted& counted, std::uint64_t key, std::uint64_t horizon) {
  std::uint64_t n = 0;
  for (const Count& count : counted.counts()) n += count.times;
  coins_.key = mix(key, n);
  for (const auto& [value, times] : counted.counts()) {
    coins_.key = mix(mix(coins_.key, std::bit_cast<std::uint64_t>(value)), times);
  }
  add(counted.counts(), horizon);
}

Sampled::Sampled(const Coins& coins, const RankError& error, double least, double greatest,
                 std::vector<Level> levels)
    : levels_(std::move(levels)), error_(error), coins_(coins), min_(least), max_(greatest) {
  // Infinity is a bound that tells nothing. It is let in since merging may make it of finite ones.
  require(error.variance() >= 0.0 && error.fixed() >= 0.0,
          "quantile sketch: an error bound that is negative or NaN");
  require(std::isfinite(least) && std::isfinite(greatest) && least <= greatest,
          "quantile sketch: extrema that are not in order");
  const auto is_within = [&](double value) { return least <= value && value <= greatest; };
  for (const Level& level : levels_) {
    require(std::ranges::all_of(level.values, is_within),
            "quantile sketch: a value outside of the extrema");
  }
  // Values of weight 1 are taken for the newest, if there is room for all of them.
  auto& singles = levels_.at(0).values;
  if (singles.size() <= Exact::kMost) {
    newest_ = Exact(singles);
    singles.clear();
  }
  for (Level& level : levels_) {
    level.sorted = std::ranges::is_sorted(level.values);
    held_ += level.values.size();
  }
  require(size() > 0, "quantile sketch: a sample of nothing");
  make_room();
}

std::uint64_t Sampled::draw_offset(int level) noexcept {
  error_.run(level);
  return coins_.draw(level);
}

void Sampled::note_extrema(double least, double greatest) noexcept {
  min_ = std::min(min_, least);
  max_ = std::max(max_, greatest);
}

// A run of N values kept at level h adds 4^h / 4 to the variance. With 2^h <= 0.4 / k sqrt(n N) all
// runs together add at most 0.04 n^2 / k^2, against about (0.55 n / k)^2 of the compactions.
int Sampled::run_level(std::uint64_t total, std::uint64_t horizon) noexcept {
  constexpr double kShare = 0.4 / kWorking;
  const double limit = kShare * kShare * static_cast<double>(total) * static_cast<double>(horizon);
  int level = 0;
  for (double square = 4.0; square <= limit && level < kMaxLevel; square *= 4.0) ++level;
  return level;
}

Sampled::Level& Sampled::level(int h) {
  const auto index = static_cast<std::size_t>(h);
  if (index >= levels_.size()) levels_.resize(index + 1);
  return levels_[index];
}

void Sampled::add(double value, std::uint64_t horizon) {
  if (newest_.values().size() == Exact::kMost) {
    const std::vector<double> rising = newest_.sorted();
    note_extrema(rising.front(), rising.back());
    insert(rising, true, 0, horizon);
    newest_.clear();
  }
  newest_.add(value);
}

void Sampled::add(std::span<const Count> rising, std::uint64_t horizon) {
  std::uint64_t total = 0;
  for (const Count& count : rising) total += count.times;
  note_extrema(rising.front().value, rising.back().value);
  const Count* count = rising.data();
  std::uint64_t before = 0;
  const auto value_at = [&](std::uint64_t rank) {
    for (; before + count->times <= rank; ++count) before += count->times;
    return count->value;
  };
  insert_run(total, 0, value_at, horizon);
}

// Values of weight 2^h. They need not rise if they are taken over as they are.
void Sampled::insert(std::span<const double> values, bool sorted, int h, std::uint64_t horizon) {
  if (values.empty()) return;
  const std::uint64_t total = std::uint64_t{values.size()} << h;
  if (run_level(total, horizon) > h) {
    std::vector<double> rising(values.begin(), values.end());
    if (!sorted && !std::ranges::is_sorted(rising)) sort_values(std::span(rising));
    return insert_run(total, h, [&](std::uint64_t rank) { return rising[rank >> h]; }, horizon);
  }
  Level& kept = level(h);
  kept.values.insert(kept.values.end(), values.begin(), values.end());
  kept.sorted = false;
  held_ += values.size();
  make_room();
}

void Sampled::sort_levels() {
  for (Level& level : levels_) {
    if (!level.sorted) sort_values(std::span(level.values));
    level.sorted = true;
  }
}

// With the same coins, pairs are not continued with values that may know their coin.
void Sampled::merge_levels(const Sampled& other, std::uint64_t horizon) {
  note_extrema(other.min_, other.max_);
  const bool same_coins = coins_.key == other.coins_.key;
  error_.add(other.error_, same_coins);
  if (same_coins) {
    for (Level& level : levels_) level.paired = false;
  }
  for (std::size_t h = 0; h < other.levels_.size(); ++h) {
    insert(other.levels_[h].values, other.levels_[h].sorted, static_cast<int>(h), horizon);
  }
}

void Sampled::make_room() {
  for (;;) {
    std::size_t total = 0;
    std::size_t full = levels_.size();
    for (std::size_t h = levels_.size(); h-- > 0;) {
      const std::size_t own = kRoom[levels_.size() - 1 - h];
      total += own;
      if (levels_[h].values.size() >= own) full = h;
    }
    if (held_ <= total) return;
    compact(static_cast<int>(full));
  }
}

// Which values move up, and what that costs: RankError::pair.
void Sampled::compact(int h) {
  level(h + 1).sorted = false;
  std::vector<double>& above = level(h + 1).values;
  Level& here = levels_[static_cast<std::size_t>(h)];
  std::vector<double>& values = here.values;
  if (!here.sorted) sort_values(std::span(values));
  here.sorted = true;
  const std::uint64_t coin = coins_.draw();
  here.odd = here.paired ? !here.odd : (coin & 1) != 0;
  here.paired = !here.paired;
  if (here.paired) error_.pair(h);

  const std::size_t shift = (coin >> 1) & 1;
  const std::size_t stay = values.size() % 2 == 0 ? 2 : 1;
  const std::size_t end = values.size() - stay + shift;
  for (std::size_t i = shift + (here.odd ? 1 : 0); i < end; i += 2) above.push_back(values[i]);
  held_ -= (values.size() - stay) / 2;
  values.erase(values.begin() + static_cast<std::ptrdiff_t>(shift),
               values.begin() + static_cast<std::ptrdiff_t>(end));
}

double Sampled::min() const noexcept {
  const auto& values = newest_.values();
  return values.empty() ? min_ : std::min(min_, std::ranges::min(values));
}

double Sampled::max() const noexcept {
  const auto& values = newest_.values();
  return values.empty() ? max_ : std::max(max_, std::ranges::max(values));
}

SortedView Sampled::view() const {
  std::vector<Count> rising;
  rising.reserve(size());
  merge_run(rising, newest_.sorted(), 1);
  for (std::size_t h = 0; h < levels_.size(); ++h) {
    std::vector<double> values = levels_[h].values;
    if (!levels_[h].sorted) sort_values(std::span(values));
    merge_run(rising, values, std::uint64_t{1} << h);
  }
  sum_equal(rising);
  return Counted(std::move(rising)).view();
}

}  // namespace lightmeter::sketch
