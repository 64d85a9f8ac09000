#pragma once

#include <cstdint>
#include <map>

#include "profile/codec.hpp"
#include "profile/column.hpp"
#include "sketch/moments.hpp"

namespace lightmeter::profile {

// The values that a feature has in one group.
struct GroupValues {
  static constexpr std::uint32_t kCells = 64;  // that strings are hashed to

  sketch::Moments x;  // of finite numbers; of hues those of the cosines
  sketch::Moments y;  // of hues those of the sines; else of nothing
  double xy = 0.0;    // of hues the sum of products of both about their means
  std::uint64_t missing = 0;
  std::uint64_t infinite = 0;
  std::map<std::uint32_t, std::uint64_t> texts;  // by the cell that they are hashed to

  GroupValues() = default;
  // Numbers are taken of roles only that have a test of numbers.
  explicit GroupValues(const Column& column);

  // The sum of hues and of other numbers is one of other numbers.
  void merge(const GroupValues& more);
  void layout(Codec& codec);
};

}  // namespace lightmeter::profile
