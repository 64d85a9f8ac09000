#include "profile/number_facts.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "sketch/sorting.hpp"

namespace lightmeter::profile {

namespace {

// rising[i] counts[i] times. Unlike numbers may be the same integer, the greatest.
void add_integers(sketch::FrequentIntegers& to, std::span<const double> rising,
                  std::span<const std::uint64_t> counts) {
  std::vector<std::int64_t> integers;
  std::vector<std::uint64_t> sums;
  for (std::size_t i = 0; i < rising.size(); ++i) {
    const std::int64_t integer = to_integer(rising[i]);
    if (integers.empty() || integers.back() != integer) {
      integers.push_back(integer);
      sums.push_back(0);
    }
    sums.back() += counts[i];
  }
  to.update(integers, sums);
}

}  // namespace

std::int64_t to_integer(double value) noexcept {
  constexpr double kLimit = 0x1p63;
  if (value >= kLimit) return INT64_MAX;
  return value <= -kLimit ? INT64_MIN : static_cast<std::int64_t>(value);
}

NumberFacts NumberFacts::of(const sketch::QuantileSketch& exact, bool integral) {
  NumberFacts facts;
  const sketch::SortedView& view = exact.view();
  std::vector<std::uint64_t> counts(view.values.size());
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = view.weight(i);
  facts.update(view.values, counts, integral);
  return facts;
}

void NumberFacts::update(double value, bool integral) {
  moments.update(value);
  distinct.update(value);
  if (integral) frequent.update(to_integer(value));
}

// Integers are sorted and added many at once, which is much faster than one by one.
void NumberFacts::update(std::span<const double> values, bool integral) {
  constexpr std::size_t kMany = 32768;
  std::vector<double> finite;
  while (!values.empty()) {
    const auto some = values.first(std::min(values.size(), kMany));
    values = values.subspan(some.size());
    finite.clear();
    std::ranges::copy_if(some, std::back_inserter(finite),
                         [](double value) { return std::isfinite(value); });
    if (integral) sketch::sort_values(std::span(finite));
    update(finite, std::vector<std::uint64_t>(finite.size(), 1), integral);
  }
}

void NumberFacts::update(std::span<const double> rising, std::span<const std::uint64_t> counts,
                         bool integral) {
  for (std::size_t i = 0; i < rising.size(); ++i) {
    moments.update(rising[i], counts[i]);
    distinct.update(rising[i]);
  }
  if (integral) add_integers(frequent, rising, counts);
}

void NumberFacts::merge(const NumberFacts& other) {
  moments.merge(other.moments);
  distinct.merge(other.distinct);
  frequent.merge(other.frequent);
}

std::vector<sketch::FrequentItem<std::string>> NumberFacts::frequent_beside(
    const sketch::FrequentStrings& texts) const {
  std::vector<sketch::FrequentItem<std::string>> items = texts.items();
  for (const auto& [value, lower, estimate] : frequent.items()) {
    items.push_back({std::to_string(value), lower, estimate});
  }
  std::ranges::stable_sort(items, std::greater(), [](const auto& item) { return item.estimate; });
  return items;
}

}  // namespace lightmeter::profile
