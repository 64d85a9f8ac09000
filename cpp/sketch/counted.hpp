#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sketch/exact.hpp"
#include "sketch/sorted_view.hpp"

namespace lightmeter::sketch {

struct Count {
  double value;
  std::uint64_t times;
};

// Makes one of neighbours of equal value.
void sum_equal(std::vector<Count>& rising);

// All distinct values with their counts, at most kMost of them.
class Counted {
 public:
  static constexpr std::size_t kMost = 256;

  // Of rising values. There may be too many, so that nothing can be added.
  explicit Counted(std::vector<Count> rising) : counts_(std::move(rising)) {}
  explicit Counted(const Exact& list);

  // These return false, and change nothing, if there would be too many different values.
  [[nodiscard]] bool add(double value) {
    const std::size_t place = place_of(value);
    if (!holds(place, value)) return insert(place, value);
    ++counts_[place].times;
    return true;
  }
  [[nodiscard]] bool add(std::span<const Count> rising);
  [[nodiscard]] bool fits(double value) const noexcept;

  [[nodiscard]] const std::vector<Count>& counts() const noexcept { return counts_; }
  // At most Exact::kMost values one by one.
  [[nodiscard]] Exact listed() const;
  [[nodiscard]] SortedView view() const;

 private:
  [[nodiscard]] bool insert(std::size_t place, double value);
  [[nodiscard]] std::size_t place_of(double value) const noexcept;
  [[nodiscard]] bool holds(std::size_t place, double value) const noexcept {
    return place < counts_.size() && counts_[place].value == value;
  }

  std::vector<Count> counts_;
};

}  // namespace lightmeter::sketch
