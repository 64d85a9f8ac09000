#pragma once

#include "kernels/tier.hpp"
#include "measure/metrics.hpp"

namespace lightmeter::measure {

// The loops of all metrics over samples S.
template <class S>
struct RowKernels {
  // Show a row to those metrics in `active` that look at such rows.
  void (*pixels)(const PixelRow<S>& row, Active active, Metrics& metrics) noexcept;
  void (*neighbours)(const LumaRow<S>& row, Active active, Metrics& metrics) noexcept;

  // Fills elements -1 to n of the wide luma and 0 to n - 1 of its second differences.
  void (*bend)(const S* luma, std::size_t n, Difference<S>* wide, Difference<S>* bent) noexcept;
};

struct MetricKernels : RowKernels<std::uint8_t>, RowKernels<std::uint16_t> {};

namespace scalar {
extern const MetricKernels kKernels;
}
namespace vector {
extern const MetricKernels kKernels;
}

template <class S>
[[nodiscard]] const RowKernels<S>& row_kernels(const kernels::Tier& tier) noexcept {
  return tier.has_vectors ? vector::kKernels : scalar::kKernels;
}

}  // namespace lightmeter::measure
