#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "lightmeter/sketch/quantiles.hpp"
#include "sketch/bulk_feeder.hpp"

namespace lightmeter::sketch {
namespace {

// Calls use(span) for pieces of the array in order. A piece is the caller's own memory where that
// is contiguous and aligned, else a copy of at most kPiece values.
template <class T, class Use>
void for_each_piece(const ArrayView<T>& array, Use&& use) {
  constexpr std::size_t kPiece = 1024;
  std::array<T, kPiece> copy;
  std::size_t filled = 0;
  const auto [planes, rows, columns] = array.extent;
  const bool packed = array.stride[2] == sizeof(T);
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t row = 0; row < rows; ++row) {
      const std::byte* at = array.data + static_cast<std::ptrdiff_t>(plane) * array.stride[0] +
                            static_cast<std::ptrdiff_t>(row) * array.stride[1];
      const bool aligned = reinterpret_cast<std::uintptr_t>(at) % alignof(T) == 0;
      if (packed && aligned && columns >= kPiece) {
        use(std::span<const T>(copy.data(), filled));
        filled = 0;
        use(std::span<const T>(reinterpret_cast<const T*>(at), columns));
        continue;
      }
      for (std::size_t column = 0; column < columns; ++column, at += array.stride[2]) {
        std::memcpy(&copy[filled], at, sizeof(T));
        if (++filled == kPiece) {
          use(std::span<const T>(copy));
          filled = 0;
        }
      }
    }
  }
  use(std::span<const T>(copy.data(), filled));
}

// Counts into several tables in turn: one table would wait on itself when neighbours are equal. The
// 32-bit counters are emptied into 64-bit ones before they can overflow.
template <class T>
class Counter {
 public:
  static constexpr std::size_t kBins = std::size_t{1} << (8 * sizeof(T));

  void push(std::span<const T> values) {
    while (!values.empty()) {
      const auto some = values.first(std::min(values.size(), kLimit - pending_));
      std::size_t i = 0;
      for (; i + kTables <= some.size(); i += kTables) {
        for (std::size_t table = 0; table < kTables; ++table) {
          ++tables_[table * kBins + some[i + table]];
        }
      }
      for (; i < some.size(); ++i) ++tables_[some[i]];
      pending_ += some.size();
      values = values.subspan(some.size());
      if (pending_ == kLimit) empty_tables();
    }
  }

  // The values that occurred, rising, with their counts.
  void finish(std::vector<double>& values, std::vector<std::uint64_t>& counts) {
    empty_tables();
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      if (totals_[bin] == 0) continue;
      values.push_back(static_cast<double>(bin));
      counts.push_back(totals_[bin]);
    }
  }

 private:
  static constexpr std::size_t kTables = sizeof(T) == 1 ? 8 : 1;
  static constexpr std::size_t kLimit = std::size_t{1} << 31;

  void empty_tables() {
    for (std::size_t i = 0; i < tables_.size(); ++i) totals_[i % kBins] += tables_[i];
    std::ranges::fill(tables_, 0);
    pending_ = 0;
  }

  std::vector<std::uint32_t> tables_ = std::vector<std::uint32_t>(kTables * kBins);
  std::vector<std::uint64_t> totals_ = std::vector<std::uint64_t>(kBins);
  std::size_t pending_ = 0;
};

// Below this many values a table of all uint16 costs more than it saves.
constexpr std::size_t kWorthCounting = 32768;

}  // namespace

template <class T>
void QuantileSketch::update(const ArrayView<T>& array) {
  if (array.size() == 0) return;
  if constexpr (std::is_integral_v<T>) {
    if (sizeof(T) == 1 || array.size() >= kWorthCounting) {
      Counter<T> counter;
      for_each_piece(array, [&](std::span<const T> piece) { counter.push(piece); });
      std::vector<double> values;
      std::vector<std::uint64_t> counts;
      counter.finish(values, counts);
      return add_counts(values, counts, n_ + array.size());
    }
  }
  using Float = std::conditional_t<std::is_same_v<T, double>, double, float>;
  BulkFeeder<Float> feeder(*this, n_ + array.size());
  for_each_piece(array, [&](std::span<const T> piece) {
    if constexpr (std::is_same_v<T, Float>) {
      feeder.push(piece);
    } else {
      std::array<Float, 256> wide;
      while (!piece.empty()) {
        const auto some = piece.first(std::min(piece.size(), wide.size()));
        std::ranges::copy(some, wide.begin());
        feeder.push(std::span<const Float>(wide).first(some.size()));
        piece = piece.subspan(some.size());
      }
    }
  });
  feeder.finish();
}

template void QuantileSketch::update(const ArrayView<std::uint8_t>&);
template void QuantileSketch::update(const ArrayView<std::uint16_t>&);
template void QuantileSketch::update(const ArrayView<float>&);
template void QuantileSketch::update(const ArrayView<double>&);

}  // namespace lightmeter::sketch
