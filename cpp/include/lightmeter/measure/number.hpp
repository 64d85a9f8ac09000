#pragma once

#include <cstdint>
#include <string_view>

#include "lightmeter/role.hpp"

namespace lightmeter::measure {

// The sets of metrics, each of which holds the ones before it.
enum class Set : std::uint8_t { kWhylogs, kDefault, kCamera, kAll };

// What an amount of a number is.
enum class Scale : std::uint8_t {
  kSample,   // steps of an 8-bit sample, 0..255
  kSquares,  // of such steps
  kBits,
  kShare,    // 0..1
  kPercent,  // 0..100
  kRatio,    // from 0 on
  kLength,   // in pixels
  kHash,     // 64 bits, which are no amount
};

// What a number is about; people look at one group at a time.
enum class Group : std::uint8_t {
  kColour,
  kLight,
  kFocus,
  kNoise,
  kCompression,
  kWhere,
  kRepeats,
  kSize,
};

// A number of one image. `says` names it in a few words, then what more or less of it means.
struct Number {
  std::string_view name;
  Role role;
  Scale scale;
  Group group;
  bool integral;
  std::string_view says;
};

}  // namespace lightmeter::measure
