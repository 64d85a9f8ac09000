#include "sketch/frequent.hpp"

#include <algorithm>
#include <utility>

#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {
namespace {

std::size_t key_bytes(const std::string& key) { return key.size(); }
std::size_t key_bytes(std::int64_t) { return sizeof(std::int64_t); }

void write_key(wire::Writer& out, const std::string& key) { out.string(key); }
void write_key(wire::Writer& out, std::int64_t key) { out.zigzag(key); }

void read_key(wire::Reader& in, std::string& key) { key = in.string(); }
void read_key(wire::Reader& in, std::int64_t& key) { key = in.zigzag(); }

}  // namespace

template <class Key>
void FrequentItems<Key>::update(const Key& value, std::uint64_t count) {
  if (count == 0) return;
  check_sum(n_, count);
  const auto place = counters_.lower_bound(value);
  if (place != counters_.end() && place->first == value) {
    n_ += count;
    place->second.count += count;
    return;
  }
  counters_.emplace_hint(place, value, Counter{floor_ + count, floor_});
  n_ += count;
  bytes_ += key_bytes(value);
  shrink();
}

// Of the values that are new, only the kMaxEntries that would stay are put among the counters:
// those of the highest counts and, of equal ones, the least values. The next one is the floor at
// least.
template <class Key>
void FrequentItems<Key>::update(std::span<const Key> rising,
                                std::span<const std::uint64_t> counts) {
  std::uint64_t total = n_;
  for (const std::uint64_t count : counts) total = check_sum(total, count);
  n_ = total;
  std::vector<std::size_t> fresh;  // places of the values that are new
  auto place = counters_.begin();
  for (std::size_t i = 0; i < rising.size(); ++i) {
    while (place != counters_.end() && place->first < rising[i]) ++place;
    if (place != counters_.end() && place->first == rising[i]) {
      place->second.count += counts[i];
    } else if (counts[i] != 0) {
      fresh.push_back(i);
    }
  }
  std::uint64_t raised = 0;
  if (fresh.size() > kMaxEntries) {
    const auto next = fresh.begin() + kMaxEntries;
    std::nth_element(fresh.begin(), next, fresh.end(), [&](std::size_t a, std::size_t b) {
      return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
    });
    raised = floor_ + counts[*next];
    fresh.erase(next, fresh.end());
  }
  for (const std::size_t i : fresh) {
    counters_.emplace(rising[i], Counter{floor_ + counts[i], floor_});
    bytes_ += key_bytes(rising[i]);
  }
  shrink();
  if (raised > floor_) {
    floor_ = raised;
    cursor_.reset();
  }
}

// Bound of the floor: the sum over the entries of (count - floor) is at most n, since an update
// adds its count to it, a merge adds the two sums, and nothing else raises it. Raising the floor by
// d happens when an entry is dropped whose count, the new floor, is the least of all; so it takes d
// from each of the entries that stay and from the dropped one. Hence (entries + 1) floor <= n.
// Among equal counts the greatest value goes, so the result does not depend on any hash.
template <class Key>
void FrequentItems<Key>::shrink() {
  if (!is_full()) return;
  auto place = cursor_ ? counters_.lower_bound(*cursor_) : counters_.end();
  while (is_full()) {
    if (place == counters_.begin()) {
      raise_floor();
      place = counters_.end();
    }
    --place;
    if (place->second.count > floor_) continue;
    bytes_ -= key_bytes(place->first);
    cursor_ = place->first;
    place = counters_.erase(place);
  }
}

// To the count of the last entry that has to go, which takes those of lower counts along.
template <class Key>
void FrequentItems<Key>::raise_floor() {
  std::vector<std::uint64_t> counts;
  for (const auto& [value, counter] : counters_) counts.push_back(counter.count);
  const std::size_t staying = std::min(counts.size() - 1, kMaxEntries);
  const auto last = counts.end() - static_cast<std::ptrdiff_t>(staying) - 1;
  std::nth_element(counts.begin(), last, counts.end());
  floor_ = *last;
  std::erase_if(counters_, [this](const auto& item) {
    const bool is_dropped = item.second.count < floor_;
    if (is_dropped) bytes_ -= key_bytes(item.first);
    return is_dropped;
  });
}

// A value that one side lacks occurred there at most floor() times.
template <class Key>
void FrequentItems<Key>::merge(const FrequentItems& other) {
  if (&other == this) return merge(FrequentItems(other));
  check_sum(n_, other.n_);
  for (auto& [value, counter] : counters_) {
    const auto found = other.counters_.find(value);
    counter.count += found == other.counters_.end() ? other.floor_ : found->second.count;
    counter.error += found == other.counters_.end() ? other.floor_ : found->second.error;
  }
  for (const auto& [value, counter] : other.counters_) {
    const auto [place, fresh] =
        counters_.try_emplace(value, Counter{counter.count + floor_, counter.error + floor_});
    if (fresh) bytes_ += key_bytes(value);
  }
  n_ += other.n_;
  floor_ += other.floor_;
  cursor_.reset();
  shrink();
}

template <class Key>
std::vector<FrequentItem<Key>> FrequentItems<Key>::items() const {
  std::vector<FrequentItem<Key>> items = state().entries;
  std::ranges::stable_sort(items, std::greater{}, &FrequentItem<Key>::estimate);
  return items;
}

// The layout: docs/format.md, "Frequent values".
template <class Key>
void FrequentItems<Key>::encode(wire::Writer& out) const {
  out.varint(n_);
  out.varint(floor_);
  out.varint(counters_.size());
  for (const auto& [value, counter] : counters_) {
    write_key(out, value);
    out.varint(counter.count);
    if (floor_ != 0) out.varint(counter.error);
  }
}

template <class Key>
FrequentItems<Key> FrequentItems<Key>::decode(wire::Reader& in) {
  State state;
  state.n = in.varint();
  state.floor = in.varint();
  const std::uint64_t entries = in.count(16);
  wire::require(entries <= kMaxEntries, "frequent items: too many entries");
  state.entries.resize(static_cast<std::size_t>(entries));
  for (auto& [value, lower, estimate] : state.entries) {
    read_key(in, value);
    estimate = in.varint();
    lower = estimate - (state.floor != 0 ? in.varint() : 0);
  }
  return from_state(state);
}

template <class Key>
typename FrequentItems<Key>::State FrequentItems<Key>::state() const {
  State state{n_, floor_};
  for (const auto& [value, counter] : counters_) {
    state.entries.push_back({value, counter.count - counter.error, counter.count});
  }
  return state;
}

template <class Key>
FrequentItems<Key> FrequentItems<Key>::from_state(const State& state) {
  using wire::require;
  require(state.entries.size() <= kMaxEntries, "frequent items: too many entries");
  require(state.n <= kMaxCount && state.floor <= state.n,
          "frequent items: a total or a floor is too high");
  FrequentItems result;
  result.n_ = state.n;
  result.floor_ = state.floor;
  std::uint64_t left = state.n;
  for (const auto& [value, lower, estimate] : state.entries) {
    const std::uint64_t error = estimate - lower;
    require(lower <= estimate && error <= state.floor && estimate != 0 && estimate >= state.floor &&
                estimate - state.floor <= left,
            "frequent items: a count does not fit the total");
    left -= estimate - state.floor;
    require(result.counters_.empty() || result.counters_.rbegin()->first < value,
            "frequent items: the values are not rising");
    result.bytes_ += key_bytes(value);
    result.counters_.emplace_hint(result.counters_.end(), value, Counter{estimate, error});
  }
  require(state.floor != 0 || left == 0, "frequent items: counts are missing");
  // An entry is only dropped beside another, so at least 2 floor of n is in no count; see shrink().
  require(2 * state.floor <= left, "frequent items: the floor is too high");
  require(!result.is_full(), "frequent items: too long");
  return result;
}

template class FrequentItems<std::string>;
template class FrequentItems<std::int64_t>;

}  // namespace lightmeter::sketch
