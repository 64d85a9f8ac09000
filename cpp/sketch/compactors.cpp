#include "sketch/compactors.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sketch/limits.hpp"
#include "sketch/sorting.hpp"

namespace lightmeter::sketch {
namespace {

// Room of the level d below the top: kWorking (2/3)^d, at least 8.
constexpr auto kRoom = [] {
  std::array<std::size_t, kMaxLevel + 8> room{};
  double exact = Compactors::kWorking;
  for (std::size_t& values : room) {
    values = std::max<std::size_t>(8, static_cast<std::size_t>(exact + 0.5));
    exact *= 2.0 / 3.0;
  }
  return room;
}();

}  // namespace

Compactors::Compactors(QuantileSample&& sample)
    : error_(sample.variance, sample.fixed),
      coins_{sample.coin_key, sample.coins_drawn},
      min_(sample.least),
      max_(sample.greatest) {
  levels_.reserve(sample.levels.size());
  for (QuantileLevel& level : sample.levels) {
    const bool sorted = std::ranges::is_sorted(level.values);
    held_ += level.values.size();
    levels_.push_back({std::move(level.values), sorted, level.paired, level.odd});
  }
  make_room();
}

std::uint64_t Compactors::draw_offset(int level) noexcept {
  error_.run(level);
  return coins_.draw(level);
}

void Compactors::note_extrema(double least, double greatest) noexcept {
  min_ = std::min(min_, least);
  max_ = std::max(max_, greatest);
}

// A run of N values kept at level h adds 4^h / 4 to the variance. With 2^h <= 0.4 / k sqrt(n N) all
// runs together add at most 0.04 n^2 / k^2, against about (0.55 n / k)^2 of the compactions.
int Compactors::run_level(std::uint64_t total, std::uint64_t horizon) noexcept {
  constexpr double kShare = 0.4 / kWorking;
  const double limit = kShare * kShare * static_cast<double>(total) * static_cast<double>(horizon);
  int level = 0;
  for (double square = 4.0; square <= limit && level < kMaxLevel; square *= 4.0) ++level;
  return level;
}

Compactors::Level& Compactors::level(int h) {
  const auto index = static_cast<std::size_t>(h);
  if (index >= levels_.size()) levels_.resize(index + 1);
  return levels_[index];
}

void Compactors::insert_values(std::vector<double>& values, int h, std::uint64_t horizon) {
  const bool thinned = run_level(std::uint64_t{values.size()} << h, horizon) > h;
  if (thinned && !std::ranges::is_sorted(values)) sort_values(std::span(values));
  insert_rising(values, h, horizon);
}

// They need not rise if they are taken over as they are.
void Compactors::insert_rising(std::span<const double> values, int h, std::uint64_t horizon) {
  if (values.empty()) return;
  const std::uint64_t total = std::uint64_t{values.size()} << h;
  if (run_level(total, horizon) > h) {
    return insert_run(total, h, [&](std::uint64_t rank) { return values[rank >> h]; }, horizon);
  }
  Level& kept = level(h);
  kept.values.insert(kept.values.end(), values.begin(), values.end());
  kept.sorted = false;
  held_ += values.size();
  make_room();
}

void Compactors::sort_levels() {
  for (Level& level : levels_) {
    if (!level.sorted) sort_values(std::span(level.values));
    level.sorted = true;
  }
}

// With the same coins, pairs are not continued with values that may know their coin.
void Compactors::merge(const Compactors& other, std::uint64_t horizon) {
  note_extrema(other.min_, other.max_);
  const bool same_coins = coins_.key == other.coins_.key;
  error_.add(other.error_, same_coins);
  if (same_coins) {
    for (Level& level : levels_) level.paired = false;
  }
  for (std::size_t h = 0; h < other.levels_.size(); ++h) {
    const Level& theirs = other.levels_[h];
    if (theirs.sorted) {
      insert_rising(theirs.values, static_cast<int>(h), horizon);
    } else {
      std::vector<double> values = theirs.values;
      insert_values(values, static_cast<int>(h), horizon);
    }
  }
}

void Compactors::make_room() {
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
void Compactors::compact(int h) {
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

}  // namespace lightmeter::sketch
