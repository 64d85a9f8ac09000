#pragma once

#include <algorithm>
#include <cstdint>

namespace lightmeter {

// What the values of a column are, as whoever logged them said. Nothing else tells: any name may be
// anybody's. The numbers stand in files; 11 to 15 are free.
enum class Role : std::uint8_t {
  kPlain = 0,        // a number, or a category where most of the values are strings
  kCategory = 1,     // one of several names
  kDate = 2,         // days since 1970
  kAngleSpread = 3,  // a standard deviation of hues as though they lay on a line
  kLinearAngle = 4,  // a mean of hues as though they lay on a line, 0 and 254 far apart
  kAngle = 5,        // a hue: 255 steps around a circle
  kPixels = 6,       // of every pixel, which are not independent of each other
  kAnglePixels = 7,  // the hue of every pixel
  kFailure = 8,      // why a file could not be measured
  kHash = 9,         // 16 hexadecimal digits, equal where contents are equal
  kVector = 10,      // rows of numbers that belong together, such as an embedding
};
inline constexpr Role kLastRole = Role::kVector;

// Where they come from. It says which observations are missing, see Profile::missing, and with what
// the feature is judged together.
enum class Origin : std::uint8_t {
  kValue = 0,         // logged as a value
  kImage = 1,         // measured, or a fact of the file's header
  kExif = 2,          // a tag that is tracked unless the policy denies it
  kPersonalExif = 3,  // a tag that is tracked only where the policy allows it
};

struct Meaning {
  Role role = Role::kPlain;
  Origin origin = Origin::kValue;

  // The greater of each, so that it does not depend on which came first.
  void add(const Meaning& other) noexcept {
    role = std::max(role, other.role);
    origin = std::max(origin, other.origin);
  }
  [[nodiscard]] bool is_exif() const noexcept { return origin >= Origin::kExif; }

  friend bool operator==(const Meaning&, const Meaning&) = default;
};

}  // namespace lightmeter
