#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "meaning.hpp"

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
  Scale scale;
  Group group;
  std::string_view says;
  Role role = Role::kPlain;
  Set set = Set::kAll;  // the smallest that has it, which is that of its metric

  [[nodiscard]] constexpr bool is_integer() const noexcept { return scale == Scale::kLength; }
};

// Every number of an image. The one place that names them and says what they mean.
[[nodiscard]] std::span<const Number> image_numbers() noexcept;

// Whether a set has numbers that are only measured where the size of the image is known before.
[[nodiscard]] bool needs_size(Set set) noexcept;

// A number of one image as measured: nothing where it is not defined, and a hash of Scale::kHash.
struct Value {
  const Number* number;
  std::variant<std::monostate, double, std::uint64_t> amount;
};

// A hash as 16 hexadecimal digits.
[[nodiscard]] std::string hash_text(std::uint64_t hash);

}  // namespace lightmeter::measure
