#include "profile/exif_policy.hpp"

#include "error.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

void ExifPolicy::encode(wire::Writer& out) const {
  for (const auto* tags : {&allow, &deny}) {
    out.varint(tags->size());
    for (const std::string& tag : *tags) out.string(tag);
  }
}

ExifPolicy ExifPolicy::decode(wire::Reader& in) {
  ExifPolicy policy;
  for (auto* tags : {&policy.allow, &policy.deny}) {
    for (std::uint64_t left = in.count(8); left > 0; --left) {
      std::string tag(in.string());
      if (!tags->empty() && *tags->rbegin() >= tag) {
        throw DecodeError("tag " + tag + " is out of order in an Exif policy");
      }
      tags->insert(tags->end(), std::move(tag));
    }
  }
  return policy;
}

}  // namespace lightmeter::profile
