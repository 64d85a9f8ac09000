#pragma once

#include <span>
#include <vector>

#include "sketch/quantiles.hpp"

namespace lightmeter::drift {

inline sketch::QuantileSketch sketch_of(const std::vector<double>& values) {
  sketch::QuantileSketch sketch;
  sketch.update(std::span(values));
  return sketch;
}

}  // namespace lightmeter::drift
