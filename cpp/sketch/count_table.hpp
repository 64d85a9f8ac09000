#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lightmeter::sketch {

// How often each value of an unsigned type occurs. Small types use several tables in turn: one
// table would wait on itself when neighbours are equal.
template <class T>
class CountTable {
 public:
  static constexpr std::size_t kBins = std::size_t{1} << (8 * sizeof(T));
  // Fits the 32-bit counters.
  static constexpr std::size_t kMostValues = std::size_t{1} << 31;

  void push(std::span<const T> values) {
    std::size_t i = 0;
    for (; i + kTables <= values.size(); i += kTables) {
      for (std::size_t table = 0; table < kTables; ++table) {
        ++counts_[table * kBins + values[i + table]];
      }
    }
    for (; i < values.size(); ++i) ++counts_[values[i]];
    size_ += values.size();
  }

  // The counts by value. Nothing may be pushed afterwards before clear().
  [[nodiscard]] std::span<const std::uint32_t> counts() {
    for (std::size_t i = kBins; i < counts_.size(); ++i) counts_[i % kBins] += counts_[i];
    return std::span(counts_).first(kBins);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  void clear() {
    std::ranges::fill(counts_, 0);
    size_ = 0;
  }

 private:
  static constexpr std::size_t kTables = sizeof(T) == 1 ? 8 : 1;
  std::vector<std::uint32_t> counts_ = std::vector<std::uint32_t>(kTables * kBins);
  std::size_t size_ = 0;
};

}  // namespace lightmeter::sketch
