#include "sketch/counted.hpp"

#include <algorithm>
#include <iterator>

namespace lightmeter::sketch {

void sum_equal(std::vector<Count>& rising) {
  std::size_t kept = 0;
  for (const Count& count : rising) {
    if (kept > 0 && rising[kept - 1].value == count.value) {
      rising[kept - 1].times += count.times;
    } else {
      rising[kept++] = count;
    }
  }
  rising.resize(kept);
}

Counted::Counted(const Exact& list) {
  counts_.reserve(list.values().size());
  for (const double value : list.sorted()) counts_.push_back({value, 1});
  sum_equal(counts_);
}

// std::lower_bound without a branch that a random value would make the processor guess wrong.
std::size_t Counted::place_of(double value) const noexcept {
  const Count* at = counts_.data();
  std::size_t size = counts_.size();
  for (; size > 1; size -= size / 2) {
    // Of a mask, as GCC turns a choice into a branch.
    at += size / 2 & -static_cast<std::size_t>(at[size / 2 - 1].value < value);
  }
  return static_cast<std::size_t>(at - counts_.data()) + (size == 1 && at->value < value ? 1 : 0);
}

bool Counted::fits(double value) const noexcept {
  return counts_.size() < kMost || (counts_.size() == kMost && holds(place_of(value), value));
}

bool Counted::insert(std::size_t place, double value) {
  if (counts_.size() >= kMost) return false;
  counts_.insert(counts_.begin() + static_cast<std::ptrdiff_t>(place), {value, 1});
  return true;
}

bool Counted::add(std::span<const Count> rising) {
  if (counts_.size() > kMost || rising.size() > kMost) return false;
  if (std::ranges::includes(counts_, rising, {}, &Count::value, &Count::value)) {
    auto own = counts_.begin();
    for (const Count& count : rising) {
      while (own->value != count.value) ++own;
      own->times += count.times;
    }
    return true;
  }
  std::vector<Count> all;
  all.reserve(counts_.size() + rising.size());
  std::ranges::merge(counts_, rising, std::back_inserter(all), {}, &Count::value, &Count::value);
  sum_equal(all);
  if (all.size() > kMost) return false;
  counts_ = std::move(all);
  return true;
}

Exact Counted::listed() const {
  Exact list;
  for (const auto& [value, times] : counts_) list.add(value, static_cast<std::size_t>(times));
  return list;
}

SortedView Counted::view() const {
  SortedView view;
  view.values.reserve(counts_.size());
  view.cumulative.reserve(counts_.size());
  std::uint64_t sum = 0;
  for (const auto& [value, times] : counts_) {
    view.values.push_back(value);
    view.cumulative.push_back(sum += times);
  }
  return view;
}

}  // namespace lightmeter::sketch
