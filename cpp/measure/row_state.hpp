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
      if constexpr (requires { std::get<I>(metrics).start(frame); }) {
        std::get<I>(metrics).start(frame);
      }
    });
  }

  // Makes room for pixels in these rows of the image.
  void reserve(RowSpan rows) {
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (requires { std::get<I>(metrics).reserve(rows); }) {
        std::get<I>(metrics).reserve(rows);
      }
    });
  }

  // Adds what other pixels gave. If it throws, nothing was added.
  void add(const RowState& other) {
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (requires { std::get<I>(metrics).reserve(RowSpan{}); }) {
        std::get<I>(metrics).reserve(std::get<I>(other.metrics).rows());
      }
    });
    seams.add(other.seams);
    for_each_metric(active, [&]<std::size_t I> {
      if constexpr (requires { std::get<I>(metrics).add(std::get<I>(other.metrics)); }) {
        std::get<I>(metrics).add(std::get<I>(other.metrics));
      }
    });
  }
};

}  // namespace lightmeter::measure
