#include "measure/metrics.hpp"

#include <cmath>

namespace lightmeter::measure {
namespace {

constexpr std::size_t numbers_of_all() {
  std::size_t numbers = 0;
  for_each_metric(kAllMetrics, [&]<std::size_t I> { numbers += Metric<I>::kNumbers.size(); });
  return numbers;
}

constexpr auto kNumbers = [] {
  std::array<Number, numbers_of_all()> numbers{};
  std::size_t at = 0;
  for_each_metric(kAllMetrics, [&]<std::size_t I> {
    for (const Number& number : Metric<I>::kNumbers) {
      numbers[at] = number;
      numbers[at++].set = Metric<I>::kSet;
    }
  });
  return numbers;
}();

}  // namespace

std::span<const Number> image_numbers() noexcept { return kNumbers; }

bool needs_size(Set set) noexcept { return metrics_of(set, false) != metrics_of(set, true); }

std::string hash_text(std::uint64_t hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, hash >>= 4) {
    *digit = kDigits[hash & 15];
  }
  return text;
}

std::vector<Value> read(const Metrics& metrics, Set set, Active active, const ImageFacts& image) {
  std::vector<Value> values;
  values.reserve(kNumbers.size());
  const Number* number = kNumbers.data();
  for_each_metric(kAllMetrics, [&]<std::size_t I> {
    const Number* const first = number;
    number += Metric<I>::kNumbers.size();
    if (Metric<I>::kSet > set) return;
    std::array<Amount, Metric<I>::kNumbers.size()> amounts;
    if (active >> I & 1) std::get<I>(metrics).read(image, amounts);
    for (std::size_t i = 0; i < amounts.size(); ++i) {
      const double* const amount = std::get_if<double>(&amounts[i]);
      const bool is_defined = amount == nullptr || !std::isnan(*amount);
      values.push_back({first + i, is_defined ? amounts[i] : Amount()});
    }
  });
  return values;
}

}  // namespace lightmeter::measure
