#pragma once

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "measure/metric.hpp"
#include "measure/metrics/banding.hpp"
#include "measure/metrics/blockiness.hpp"
#include "measure/metrics/channels.hpp"
#include "measure/metrics/circular_hue.hpp"
#include "measure/metrics/colorfulness.hpp"
#include "measure/metrics/entropy.hpp"
#include "measure/metrics/exposure.hpp"
#include "measure/metrics/grid.hpp"
#include "measure/metrics/hsv.hpp"
#include "measure/metrics/luma.hpp"
#include "measure/metrics/noise.hpp"
#include "measure/metrics/perceptual_hash.hpp"
#include "measure/metrics/pixel_hash.hpp"
#include "measure/metrics/sharpness.hpp"
#include "measure/metrics/size.hpp"
#include "measure/metrics/spatial_information.hpp"

namespace lightmeter::measure {

// Every metric, in the order in which people see their numbers.
using Metrics =
    std::tuple<Hsv, Entropy, Size, CircularHue, Luma, Exposure, Channels, Colorfulness, Sharpness,
               Noise, Blockiness, Grid, PixelHash, PerceptualHash, Banding, SpatialInformation>;

inline constexpr std::size_t kMetrics = std::tuple_size_v<Metrics>;

template <std::size_t I>
using Metric = std::tuple_element_t<I, Metrics>;

// A bit for each metric.
using Active = std::uint32_t;
static_assert(kMetrics <= 32);
inline constexpr Active kAllMetrics = ~Active{0};

template <class M>
concept SeesPixels = requires(M metric, PixelRow<std::uint8_t> row) { metric.pixels(row); };
template <class M>
concept SeesNeighbours = requires(M metric, LumaRow<std::uint8_t> row) { metric.neighbours(row); };
template <class M>
concept NeedsSize = M::kNeedsSize;
template <class M>
concept Starts = requires(M metric, Frame frame, Area area) { metric.start(frame, area); };

// Calls use.template operator()<I>(metric) for the metrics in `active`.
template <class Use>
constexpr void for_each_metric(Active active, Use&& use) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((active >> I & 1 ? use.template operator()<I>() : void()), ...);
  }(std::make_index_sequence<kMetrics>());
}

// The metrics for which `test.template operator()<M>()` is true.
template <class Test>
constexpr Active metrics_that(Test&& test) {
  Active active = 0;
  for_each_metric(kAllMetrics, [&]<std::size_t I> {
    if (test.template operator()<Metric<I>>()) active |= Active{1} << I;
  });
  return active;
}

inline constexpr Active kPixelMetrics = metrics_that([]<class M> { return SeesPixels<M>; });
inline constexpr Active kNeighbourMetrics = metrics_that([]<class M> { return SeesNeighbours<M>; });
inline constexpr Active kRowMetrics = kPixelMetrics | kNeighbourMetrics;

// The metrics of a set that can be measured, which some cannot without the size.
constexpr Active metrics_of(Set set, bool has_size) {
  return metrics_that([&]<class M> { return M::kSet <= set && (has_size || !NeedsSize<M>); });
}

// The numbers of a set, of which those of metrics that are not `active` are not defined.
[[nodiscard]] std::vector<Value> read(const Metrics& metrics, Set set, Active active,
                                      const ImageFacts& image);

}  // namespace lightmeter::measure
