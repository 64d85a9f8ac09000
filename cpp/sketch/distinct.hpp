#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "wire/wire.hpp"

namespace lightmeter::sketch {

// How many different values a stream holds. The set of their 64-bit hashes while there are at most
// kExactValues, HyperLogLog with 4096 registers beyond. The state is a function of the set of
// values alone: any order and any tree of merges gives the same bytes.
//
// A sketch of another kind hashes otherwise, so that which values it counted cannot be known here:
// only its estimate and bounds are kept. Two such counts have between the larger of them and their
// sum of different values together.
class DistinctCount {
 public:
  static constexpr std::size_t kExactValues = 256;

  void update(std::string_view value);
  // Numbers that are equal count once: -0.0 and 0.0, and any two NaNs.
  void update(double value);
  void merge(const DistinctCount& other);

  // What sketches of other kinds counted, with bounds at one standard error.
  struct Elsewhere {
    double lower = 0.0;
    double estimate = 0.0;
    double upper = 0.0;
    friend bool operator==(const Elsewhere&, const Elsewhere&) = default;
  };
  // DecodeError for bounds that are not in order.
  [[nodiscard]] static DistinctCount estimated(const Elsewhere& elsewhere);

  [[nodiscard]] bool is_exact() const noexcept {
    return registers_.empty() && elsewhere_ == Elsewhere();
  }
  [[nodiscard]] double estimate() const noexcept;
  // Ends of the interval of `deviations` standard errors around the estimate; one standard error is
  // 1.04 / sqrt(4096) = 1.6 % (the constant of the HyperLogLog paper, checked by the tests, not a
  // guarantee), or what the other sketch says. Both are the estimate while exact.
  [[nodiscard]] double lower(double deviations = 1.0) const noexcept;
  [[nodiscard]] double upper(double deviations = 1.0) const noexcept;

  void encode(wire::Writer& out) const;
  [[nodiscard]] static DistinctCount decode(wire::Reader& in);
  friend bool operator==(const DistinctCount&, const DistinctCount&) = default;

 private:
  [[nodiscard]] double own_estimate() const noexcept;
  void insert(std::uint64_t hash);
  void raise_register(std::uint64_t hash) noexcept;
  void leave_exact();

  std::vector<std::uint64_t> hashes_;    // sorted; empty once there are registers
  std::vector<std::uint8_t> registers_;  // empty while the hashes are listed
  Elsewhere elsewhere_;
};

}  // namespace lightmeter::sketch
