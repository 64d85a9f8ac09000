#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "sketch/compactors.hpp"
#include "sketch/count_table.hpp"
#include "sketch/limits.hpp"
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

void QuantileSketch::update(std::span<const float> values) {
  check_sum(observed(), values.size());
  Feeder<float> feeder(*this, n() + values.size());
  feeder.push(values);
  feeder.finish();
}

void QuantileSketch::update(std::span<const double> values) {
  check_sum(observed(), values.size());
  Feeder<double> feeder(*this, n() + values.size());
  feeder.push(values);
  feeder.finish();
}

// counts[v] times the value v. A table of many values is sampled as it is, without making a list.
void QuantileSketch::add_table(std::span<const std::uint32_t> counts, std::uint64_t total,
                               std::uint64_t horizon) {
  const auto distinct = counts.size() - static_cast<std::size_t>(std::ranges::count(counts, 0U));
  if (distinct <= kCountedValues) {
    std::vector<double> values;
    std::vector<std::uint64_t> value_counts;
    for (std::size_t value = 0; value < counts.size(); ++value) {
      if (counts[value] == 0) continue;
      values.push_back(static_cast<double>(value));
      value_counts.push_back(counts[value]);
    }
    return add_counts(values, value_counts, horizon);
  }
  if (is_exact()) leave_exact(horizon);
  const auto is_there = [](std::uint32_t count) { return count != 0; };
  std::size_t value =
      static_cast<std::size_t>(std::ranges::find_if(counts, is_there) - counts.begin());
  const auto behind = std::ranges::find_if(counts.rbegin(), counts.rend(), is_there).base();
  Compactors& compactors = sampled().compactors();
  compactors.note_extrema(static_cast<double>(value),
                          static_cast<double>(behind - counts.begin() - 1));
  std::uint64_t before = 0;
  const auto value_at = [&](std::uint64_t rank) {
    for (; before + counts[value] <= rank; ++value) before += counts[value];
    return static_cast<double>(value);
  };
  compactors.insert_run(total, 0, value_at, horizon);
  observed_ += total;
}

template <class T>
void QuantileSketch::update(const ArrayView<T>& array) {
  if (array.size() == 0) return;
  check_sum(observed(), array.size());
  view_.clear();
  const std::uint64_t horizon = n() + array.size();
  if constexpr (std::is_integral_v<T>) {
    if (sizeof(T) == 1 || array.size() >= kWorthCounting) {
      CountTable<T> table;
      const auto settle = [&] {
        if (table.size() > 0) add_table(table.counts(), table.size(), horizon);
        table.clear();
      };
      for_each_piece(array, [&](std::span<const T> piece) {
        while (!piece.empty()) {
          const auto some = piece.first(std::min(piece.size(), table.kMostValues - table.size()));
          table.push(some);
          piece = piece.subspan(some.size());
          if (table.size() == table.kMostValues) settle();
        }
      });
      return settle();
    }
  }
  using Float = std::conditional_t<std::is_same_v<T, double>, double, float>;
  Feeder<Float> feeder(*this, horizon);
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
