#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lightmeter::sketch {

// Values of weight 2^h at level h.
struct QuantileLevel {
  std::vector<double> values;  // in any order
  bool paired = false;         // the next compaction takes the half that the last one did not
  bool odd = false;            // the half that the last one took
};

// What a sketch that is not exact holds. Outside of QuantileState, so that clang knows its default
// values where that holds one.
struct QuantileSample {
  std::uint64_t coin_key = 0;
  std::uint64_t coins_drawn = 0;
  double variance = 0.0;  // of the error in ranks, and its fixed part: see sketch/rank_error.hpp
  double fixed = 0.0;
  double least = 0.0;
  double greatest = 0.0;
  std::vector<QuantileLevel> levels;
};

// All that a QuantileSketch holds, in plain numbers: the way in for sketches of other formats.
struct QuantileState {
  std::uint64_t nan = 0;
  std::uint64_t pos_inf = 0;
  std::uint64_t neg_inf = 0;
  // Of an exact sketch: its different values, rising, and how often each occurs. No counts: once.
  std::vector<double> values = {};
  std::vector<std::uint64_t> counts = {};
  std::optional<QuantileSample> sample =
      {};  // of one that is not exact, and then there are no values
};

}  // namespace lightmeter::sketch
