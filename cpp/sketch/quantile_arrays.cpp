#include <algorithm>
#include <cstdint>
#include <vector>

#include "sketch/quantile_feeder.hpp"
#include "sketch/quantiles.hpp"

namespace lightmeter::sketch {
namespace {

// Below this many values a table of all uint16 costs more than it saves.
constexpr std::size_t kWorthCounting = 32768;
// Fits the 32-bit counters.
constexpr std::size_t kMostCounted = std::size_t{1} << 31;

// How often each value of an unsigned type occurs, in at most kMostCounted values. Small types use
// several tables in turn: one table would wait on itself when neighbours are equal.
template <class T>
std::vector<Count> counted(std::span<const T> values) {
  constexpr std::size_t kBins = std::size_t{1} << (8 * sizeof(T));
  constexpr std::size_t kTables = sizeof(T) == 1 ? 8 : 1;
  std::vector<std::uint32_t> counts(kTables * kBins);
  std::size_t i = 0;
  for (; i + kTables <= values.size(); i += kTables) {
    for (std::size_t table = 0; table < kTables; ++table) {
      ++counts[table * kBins + values[i + table]];
    }
  }
  for (; i < values.size(); ++i) ++counts[values[i]];
  for (i = kBins; i < counts.size(); ++i) counts[i % kBins] += counts[i];
  std::vector<Count> rising;
  rising.reserve(kBins);
  for (std::size_t value = 0; value < kBins; ++value) {
    if (counts[value] != 0) rising.push_back({static_cast<double>(value), counts[value]});
  }
  return rising;
}

}  // namespace

template <class T>
void QuantileSketch::update_counted(std::span<const T> values) {
  check_sum(observed(), values.size());
  const std::uint64_t horizon = n() + values.size();
  while (!values.empty()) {
    const auto some = values.first(std::min(values.size(), kMostCounted));
    add_counts(counted(some), horizon);
    values = values.subspan(some.size());
  }
}

template <class T>
void QuantileSketch::feed(std::span<const T> values) {
  if (values.empty()) return;
  check_sum(observed(), values.size());
  Feeder<T> feeder(*this, n() + values.size());
  feeder.push(values);
  feeder.finish();
}

void QuantileSketch::update(std::span<const std::uint8_t> values) { update_counted(values); }

void QuantileSketch::update(std::span<const std::uint16_t> values) {
  if (values.size() >= kWorthCounting) return update_counted(values);
  update(std::vector<float>(values.begin(), values.end()));
}

void QuantileSketch::update(std::span<const float> values) { feed(values); }

void QuantileSketch::update(std::span<const double> values) { feed(values); }

}  // namespace lightmeter::sketch
