#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "profile/codec.hpp"

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
    if (entries_.size() > most_) entries_.erase(entries_.begin() + most_, entries_.end());
  }
  // In their order.
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

  // False if the entry comes after K others.
  [[nodiscard]] bool takes(const Entry& entry) const {
    return entries_.size() < most_ || (most_ > 0 && !Order()(entries_.back(), entry));
  }
  void add(Entry entry) {
    if (!takes(entry)) return;
    const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry, Order());
    if (place == entries_.end() || Order()(entry, *place)) {
      entries_.insert(place, std::move(entry));
      limit(most_);
    } else if (entry < *place) {
      *place = std::move(entry);
    }
  }
  // The sum keeps as many as the side that keeps fewer, which is all that it can know; a side that
  // keeps none has no say.
  void merge(const FirstK& other) {
    if (other.most_ > 0 && (most_ == 0 || other.most_ < most_)) limit(other.most_);
    for (const Entry& entry : other.entries_) add(entry);
  }

  // limit() for what users ask for: std::invalid_argument for more than `greatest`.
  void keep(std::size_t most, std::size_t greatest, const char* what) {
    if (most > greatest) {
      throw std::invalid_argument(what + (" is " + std::to_string(most)) + "; expected 0 to " +
                                  std::to_string(greatest));
    }
    limit(most);
  }
  // How many are kept: at least one.
  void layout_most(Codec& codec, std::size_t greatest) {
    codec.varint(most_);
    codec.require(most_ > 0 && most_ <= greatest, "keeps nothing, or too much");
  }
  // `each` is the layout of an entry.
  template <class Each>
  void layout(Codec& codec, Each&& each) {
    const auto add = [&](Entry& entry) {
      codec.require(entries_.size() < most_, "more entries than are kept");
      each(entry);
    };
    codec.list(entries_, add, Order());
  }

 private:
  std::size_t most_;
  std::vector<Entry> entries_;
};

}  // namespace lightmeter::profile
