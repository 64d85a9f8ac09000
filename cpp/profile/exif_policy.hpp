#pragma once

#include <compare>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "profile/codec.hpp"

namespace lightmeter::profile {

// Which Exif tags were tracked of the images read under it: all that are not personal, those of
// `allow`, and none of `deny`. Which tags are personal is not known here: a column says it of its
// own (Origin::kPersonalExif), and `allow` holds no other tags.
struct ExifPolicy {
  std::set<std::string, std::less<>> allow;
  std::set<std::string, std::less<>> deny;

  [[nodiscard]] bool tracks(std::string_view tag, bool personal) const {
    return !deny.contains(tag) && (!personal || allow.contains(tag));
  }

  void layout(Codec& codec) {
    for (auto* tags : {&allow, &deny}) {
      codec.list(*tags, [&](std::string& tag) { codec.text(tag); });
    }
  }

  friend auto operator<=>(const ExifPolicy&, const ExifPolicy&) = default;
};

}  // namespace lightmeter::profile
