#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sketch/quantiles.hpp"

namespace lightmeter::sketch {

// The fast way into a sampled sketch, for long runs of float or double. Values go through two
// stages before they become values of a level: a block of 256 is sorted and every 2^t-th of it kept
// (t = 0 in small sketches), and 1024 that were kept so are sorted and sampled as one run. What
// does not fill a block is staged in the sketch like single updates.
template <class T>
class QuantileSketch::Feeder {
 public:
  // `horizon`: the n to expect in the end.
  Feeder(QuantileSketch& sketch, std::uint64_t horizon);
  // Hands over everything that is still held here.
  void finish();

  void push(std::span<const T> values);

 private:
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kStage = 1024;
  // Beside so many values, sorting all levels in the end costs little.
  static constexpr std::uint64_t kMany = 8192;

  void take_block();
  void drop_apart();
  void take_stage();

  QuantileSketch& sketch_;
  std::uint64_t horizon_;
  int thin_;
  std::uint64_t taken_ = 0;
  std::size_t filled_ = 0;
  std::size_t staged_ = 0;
  std::array<T, kBlock> block_;
  std::array<T, kStage> stage_;
};

}  // namespace lightmeter::sketch
