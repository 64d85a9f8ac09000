#pragma once

#include <cstdint>
#include <span>

#include "lightmeter/sketch/quantiles.hpp"
#include "sketch/compactors.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

// The bytes of a QuantileSketch, and the way in for levels from elsewhere.
class QuantileCodec {
 public:
  static void encode(const QuantileSketch& sketch, wire::Writer& out);
  [[nodiscard]] static QuantileSketch decode(wire::Reader& in, std::uint64_t key);
  // n of an encoded sketch, which is not validated any further.
  [[nodiscard]] static std::uint64_t peek_n(std::span<const std::uint8_t> bytes);
  // A sketch in KLL mode of the given values by level, finite and inside [least, greatest].
  [[nodiscard]] static QuantileSketch from_levels(std::vector<std::vector<double>> levels,
                                                  double least, double greatest, RankError error,
                                                  std::uint64_t key);
  static void count_apart(QuantileSketch& sketch, double value, std::uint64_t count) {
    sketch.update_apart(value, count);
  }

 private:
  struct Head;
  static Head read_head(wire::Reader& in);
  static void encode_exact(const QuantileSketch& sketch, wire::Writer& out);
  static void encode_kll(const QuantileSketch& sketch, wire::Writer& out);
  static void decode_exact(QuantileSketch& sketch, const Head& head, wire::Reader& in);
  static void decode_kll(QuantileSketch& sketch, const Head& head, wire::Reader& in);
};

}  // namespace lightmeter::sketch
