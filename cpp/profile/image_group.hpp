#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "meaning.hpp"
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

// The images behind the columns "<prefix>.<feature>": what is needed to count missing values at
// read time, so that a feature first seen in the thousandth image needs no back-filling.
struct ImageGroup {
  std::uint64_t images = 0;  // measured
  // Of these, the ones that could have had Exif, by the policy that it was read under.
  std::map<ExifPolicy, std::uint64_t> exif_read;

  [[nodiscard]] std::uint64_t observations() const noexcept;
  // Images whose Exif was read under a policy that tracks the tag "<prefix>.<tag>".
  [[nodiscard]] std::uint64_t tracked(std::string_view name, bool personal) const;
  // How many values of a feature are missing and not stored as such: those of failures in images
  // that did not fail; those of an Exif tag in images that were read, but for the `present` ones.
  [[nodiscard]] std::uint64_t unstored(std::string_view name, const Meaning& meaning,
                                       std::uint64_t present) const;
  void merge(const ImageGroup& other);
  void layout(Codec& codec);
};

}  // namespace lightmeter::profile
