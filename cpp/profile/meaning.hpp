#pragma once

#include <algorithm>
#include <cstdint>

#include "role.hpp"

namespace lightmeter::profile {

using lightmeter::kLastRole;
using lightmeter::Role;

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

}  // namespace lightmeter::profile
