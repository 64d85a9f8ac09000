#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <span>
#include <utility>

#include "profile/codec.hpp"
#include "sketch/covariance.hpp"
#include "sketch/limits.hpp"

namespace lightmeter::profile {

// Covariances of rows of numbers, apart for each key: rows of unlike keys are not compared. Those of
// the kMost least keys are kept, which any order and any tree of merges agrees on.
template <class Key>
class Covariances {
 public:
  static constexpr std::size_t kMost = 4;

  [[nodiscard]] const std::map<Key, sketch::Covariance>& by_key() const noexcept { return by_key_; }
  // Rows that are in none of them.
  [[nodiscard]] std::uint64_t others() const noexcept { return others_; }
  [[nodiscard]] std::uint64_t observations() const noexcept {
    std::uint64_t n = others_;
    for (const auto& [key, covariance] : by_key_) n += covariance.n();
    return n;
  }

  // IncompatibleError, and nothing changes, if that would make more than 2^56 rows.
  void merge(const Covariances& other) {
    sketch::check_sum(observations(), other.observations());
    others_ += other.others_;
    for (const auto& [key, covariance] : other.by_key_) {
      by_key_.try_emplace(key, covariance.dimensions()).first->second.merge(covariance);
    }
    forget_last();
  }

 protected:
  [[nodiscard]] bool keeps(const Key& key) const {
    return by_key_.size() < kMost || !(by_key_.rbegin()->first < key);
  }
  // One without numbers that Covariance takes is one of the others. Throws as merge().
  void add(Key key, std::span<const double> row) {
    sketch::check_sum(observations(), 1);
    sketch::Covariance& covariance = by_key_.try_emplace(std::move(key), row.size()).first->second;
    if (!row.empty() && std::ranges::all_of(row, sketch::Covariance::takes)) {
      covariance.update(row);
    } else {
      ++others_;
    }
    forget_last();
  }
  // `dimensions` returns how many numbers the rows of a key have.
  template <class Dimensions>
  void layout(Codec& codec, Dimensions&& dimensions) {
    codec.count(others_);
    std::uint64_t left = sketch::kMaxCount - others_;
    codec.map(by_key_, [&](const Key& key, sketch::Covariance& covariance) {
      codec.require(by_key_.size() < kMost, "too many kinds of rows");
      codec.part(covariance);
      codec.require(covariance.dimensions() == dimensions(key), "rows that are too long or short");
      codec.require(covariance.n() <= left, "a count above 2^56");
      left -= covariance.n();
    });
  }

 private:
  void forget_last() {
    while (by_key_.size() > kMost) {
      const auto last = std::prev(by_key_.end());
      others_ += last->second.n();
      by_key_.erase(last);
    }
  }

  std::map<Key, sketch::Covariance> by_key_;
  std::uint64_t others_ = 0;
};

}  // namespace lightmeter::profile
