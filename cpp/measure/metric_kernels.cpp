#include "measure/metric_kernels.hpp"

#include "kernels/compiler.hpp"

namespace lightmeter::measure {
namespace {

template <std::size_t I, class S>
LIGHTMETER_INLINE void show_one(const PixelRow<S>& row, Metrics& metrics) noexcept {
  if constexpr (kPixelMetrics >> I & 1) {
    static_assert(noexcept(std::get<I>(metrics).pixels(row)));
    std::get<I>(metrics).pixels(row);
  }
}

template <std::size_t I, class S>
LIGHTMETER_INLINE void show_one(const LumaRow<S>& row, Metrics& metrics) noexcept {
  if constexpr (kNeighbourMetrics >> I & 1) {
    static_assert(noexcept(std::get<I>(metrics).neighbours(row)));
    std::get<I>(metrics).neighbours(row);
  }
}

template <class Row, std::size_t... I>
LIGHTMETER_INLINE void show_all(const Row& row, Active active, Metrics& metrics,
                                std::index_sequence<I...>) noexcept {
  ((active >> I & 1 ? show_one<I>(row, metrics) : void()), ...);
}

template <class S>
LIGHTMETER_INLINE void bend_all(const S* __restrict luma, std::size_t n,
                                Difference<S>* __restrict wide,
                                Difference<S>* __restrict bent) noexcept {
  const S* const left = luma - 1;
  const S* const right = luma + 1;
  for (std::size_t i = 0; i < n; ++i) {
    const Difference<S> here = luma[i];  // once, or clang does not vectorise
    wide[i] = here;
    bent[i] = static_cast<Difference<S>>(Difference<S>{left[i]} - 2 * here + right[i]);
  }
  wide[-1] = left[0];
  wide[n] = luma[n];
}

}  // namespace

namespace scalar {
namespace {

template <class Row>
void show(const Row& row, Active active, Metrics& metrics) noexcept {
  show_all(row, active, metrics, std::make_index_sequence<kMetrics>());
}

template <class S>
void bend(const S* luma, std::size_t n, Difference<S>* wide, Difference<S>* bent) noexcept {
  bend_all(luma, n, wide, bent);
}

template <class S>
constexpr RowKernels<S> kRows = {show<PixelRow<S>>, show<LumaRow<S>>, bend<S>};

}  // namespace

const MetricKernels kKernels = {kRows<std::uint8_t>, kRows<std::uint16_t>};

}  // namespace scalar

// The same once more, since a region's instruction set cannot be the parameter of a template.
LIGHTMETER_OPEN_VECTORS

namespace vector {
namespace {

template <class Row>
void show(const Row& row, Active active, Metrics& metrics) noexcept {
  show_all(row, active, metrics, std::make_index_sequence<kMetrics>());
}

template <class S>
void bend(const S* luma, std::size_t n, Difference<S>* wide, Difference<S>* bent) noexcept {
  bend_all(luma, n, wide, bent);
}

template <class S>
constexpr RowKernels<S> kRows = {show<PixelRow<S>>, show<LumaRow<S>>, bend<S>};

}  // namespace

const MetricKernels kKernels = {kRows<std::uint8_t>, kRows<std::uint16_t>};

}  // namespace vector

LIGHTMETER_CLOSE_VECTORS

}  // namespace lightmeter::measure
