#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

namespace lightmeter::profile {

// Of two values under one key the lesser stays, whichever came first.
template <class Map, class Key, class Value>
void keep_lesser(Map& map, Key&& key, const Value& value) {
  const auto [place, added] = map.try_emplace(std::forward<Key>(key), value);
  if (!added && value < place->second) place->second = value;
}

// The first K entries of a total order, each once; of two that the order takes for one the lesser
// stays.
//
// What is kept is a function of the set of all that were added: the first K of a union are among
// the first K of its parts. So any order and any tree of merges gives the same.
template <class Entry, class Order = std::less<Entry>>
class FirstK {
 public:
  // Of none nothing is kept.
  explicit FirstK(std::size_t most = 0) : most_(most) {}

  [[nodiscard]] std::size_t most() const noexcept { return most_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  void limit(std::size_t most) {
    most_ = most;
    while (entries_.size() > most_) entries_.erase(std::prev(entries_.end()));
  }
  [[nodiscard]] const std::set<Entry, Order>& entries() const noexcept { return entries_; }

  // False if the entry comes after K others.
  [[nodiscard]] bool takes(const Entry& entry) const {
    return entries_.size() < most_ || (most_ > 0 && !Order()(*std::prev(entries_.end()), entry));
  }
  void add(Entry entry) {
    if (!takes(entry)) return;
    const auto [same, added] = entries_.insert(entry);
    if (!added && entry < *same) {
      entries_.erase(same);
      entries_.insert(std::move(entry));
    }
    limit(most_);
  }
  // The sum keeps as many as the side that keeps fewer, which is all that it can know; a side that
  // keeps none has no say. `made_own` is applied to the other's entries.
  template <class MadeOwn = std::identity>
  void merge(const FirstK& other, MadeOwn&& made_own = {}) {
    if (other.most_ > 0 && (most_ == 0 || other.most_ < most_)) limit(other.most_);
    for (const Entry& entry : other.entries_) add(made_own(entry));
  }

  // `each` is the layout of an entry; the others are what DecodeErrors say.
  template <class Io, class Self, class Each>
  static void layout(Io io, Self& self, std::uint64_t bits_each, const char* too_many,
                     const char* not_rising, Each&& each) {
    io.list(self.entries_, bits_each, not_rising, each, self.most_, too_many);
  }

 private:
  std::size_t most_;
  std::set<Entry, Order> entries_;
};

}  // namespace lightmeter::profile
