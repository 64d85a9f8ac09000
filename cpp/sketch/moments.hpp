#pragma once

#include <cstdint>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Count, mean and spread of a stream of finite numbers. The state is the mean and the sum of
// squared distances from it, never a sum of squares, which would cancel when the mean is large.
class Moments {
 public:
  // The same as `count` updates with `value`, up to rounding. std::invalid_argument for NaN and
  // infinities; IncompatibleError as for merge().
  void update(double value, std::uint64_t count = 1);
  // IncompatibleError, and nothing changes, if that would count more than 2^56.
  void merge(const Moments& other);

  // DecodeError for numbers that no stream has.
  [[nodiscard]] static Moments from_state(std::uint64_t n, double mean, double sum_of_squares);

  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }
  [[nodiscard]] double mean() const noexcept;                           // NaN when empty
  [[nodiscard]] double sum_of_squares() const noexcept { return m2_; }  // about the mean
  [[nodiscard]] double variance() const noexcept;  // sample: / (n - 1); 0 at n = 1, NaN when empty
  [[nodiscard]] double stddev() const noexcept;    // root of variance()

  void encode(wire::Writer& out) const;
  [[nodiscard]] static Moments decode(wire::Reader& in);

  // Defined on the encoded bytes, as for every sketch.
  friend bool operator==(const Moments& a, const Moments& b) { return wire::same_bytes(a, b); }

 private:
  std::uint64_t n_ = 0;
  double mean_ = 0.0;
  double m2_ = 0.0;
};

}  // namespace lightmeter::sketch
