#pragma once

#include "measure/luma_seams.hpp"
#include "measure/metrics.hpp"

namespace lightmeter::measure {

// What the metrics that look at rows have seen of an image.
struct RowState {
  Active active = 0;
  Metrics metrics;
  LumaSeams seams;

  RowState() = default;
  // All pixels will be in the area.
  RowState(Active to_measure, const Frame& frame, const Area& area) : active(to_measure) {
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (Starts<Metric<I>>) std::get<I>(metrics).start(frame, area);
    });
  }

  // Adds what other pixels gave, of which the area is within this one.
  void add(RowState other) noexcept {
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (kRowMetrics >> I & 1) {
        measure::add(std::get<I>(metrics), std::get<I>(other.metrics));
      }
    });
    seams.add(std::move(other.seams));
  }

  void settle(const Frame& frame, const Mask* mask, bool deep) {
    seams.settle(frame, mask, deep, active, metrics);
  }
};

}  // namespace lightmeter::measure
