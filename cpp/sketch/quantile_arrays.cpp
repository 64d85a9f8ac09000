#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "sketch/quantile_feeder.hpp"
#include "sketch/quantiles.hpp"

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
        ++filled;
        if (filled == kPiece) {
          use(std::span<const T>(copy));
          filled = 0;
        }
      }
    }
  }
  use(std::span<const T>(copy.data(), filled));
}

// Below this many values a table of all uint16 costs more than it saves.
constexpr std::size_t kWorthCounting = 32768;

}  // namespace

// How often each value of an unsigned type occurs. Small types use several tables in turn: one
// table would wait on itself when neighbours are equal.
template <class T>
class CountTable {
 public:
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
    room_ -= values.size();
  }
  // How many values may still be pushed.
  [[nodiscard]] std::size_t room() const { return room_; }

  // All that was pushed, and starts again.
  [[nodiscard]] std::vector<Count> take() {
    for (std::size_t i = kBins; i < counts_.size(); ++i) counts_[i % kBins] += counts_[i];
    std::vector<Count> rising;
    rising.reserve(kBins);
    for (std::size_t value = 0; value < kBins; ++value) {
      if (counts_[value] != 0) rising.push_back({static_cast<double>(value), counts_[value]});
    }
    std::ranges::fill(counts_, 0);
    room_ = kMostValues;
    return rising;
  }

 private:
  static constexpr std::size_t kBins = std::size_t{1} << (8 * sizeof(T));
  static constexpr std::size_t kTables = sizeof(T) == 1 ? 8 : 1;
  std::vector<std::uint32_t> counts_ = std::vector<std::uint32_t>(kTables * kBins);
  std::size_t room_ = kMostValues;
};

template <class T>
void QuantileSketch::update(const ArrayView<T>& array) {
  if (array.size() == 0) return;
  check_sum(observed(), array.size());
  view_.clear();
  const std::uint64_t horizon = n() + array.size();
  if constexpr (std::is_integral_v<T>) {
    if (sizeof(T) == 1 || array.size() >= kWorthCounting) {
      CountTable<T> table;
      for_each_piece(array, [&](std::span<const T> piece) {
        while (!piece.empty()) {
          const auto some = piece.first(std::min(piece.size(), table.room()));
          table.push(some);
          piece = piece.subspan(some.size());
          if (table.room() == 0) add_counts(table.take(), horizon);
        }
      });
      return add_counts(table.take(), horizon);
    }
  }
  using Float = std::conditional_t<std::is_same_v<T, double>, double, float>;
  Feeder<Float> feeder(*this, horizon);
  for_each_piece(array, [&](std::span<const T> piece) {
    if constexpr (std::is_same_v<T, Float>) {
      feeder.push(piece);
    } else {
      feeder.push(std::vector<Float>(piece.begin(), piece.end()));
    }
  });
  feeder.finish();
}

template void QuantileSketch::update(const ArrayView<std::uint8_t>&);
template void QuantileSketch::update(const ArrayView<std::uint16_t>&);
template void QuantileSketch::update(const ArrayView<float>&);
template void QuantileSketch::update(const ArrayView<double>&);

}  // namespace lightmeter::sketch
