#pragma once

#include "measure/luma_seams.hpp"
#include "measure/metrics.hpp"

namespace lightmeter::measure {

// What the metrics that look at rows have seen of an image.
struct RowState {
  Active active = 0;
  Metrics metrics;
  LumaSeams seams;

  RowState(Active to_measure, const Frame& frame) : active(to_measure) {
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (NeedsFrame<Metric<I>>) std::get<I>(metrics).start(frame);
    });
  }

  // Makes room for pixels in these rows of the image.
  void reserve(RowSpan rows) {
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (KeepsRows<Metric<I>>) std::get<I>(metrics).reserve(rows);
    });
  }

  // Adds what other pixels gave. If it throws, nothing was added.
  void add(RowState other) {
    const Metrics& theirs = other.metrics;
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (KeepsRows<Metric<I>>) {
        std::get<I>(metrics).reserve(std::get<I>(theirs).rows());
      }
    });
    seams.add(std::move(other.seams));
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (kRowMetrics >> I & 1) std::get<I>(metrics).add(std::get<I>(theirs));
    });
  }

  void settle(const Frame& frame, const Mask* mask, bool deep) {
    seams.settle(frame, mask, deep, active, metrics);
  }
};

}  // namespace lightmeter::measure
