#include "profile/exif_policy.hpp"

#include "profile/layout.hpp"

namespace lightmeter::profile {

template <class Io, class Self>
void ExifPolicy::layout(Io io, Self& self) {
  const auto not_rising = [](const std::string& tag) {
    return "tag " + tag + " is out of order in an Exif policy";
  };
  for (auto* tags : {&self.allow, &self.deny}) {
    io.list(*tags, 8, not_rising, [&](auto& tag) { io.text(tag); });
  }
}

void ExifPolicy::encode(wire::Writer& out) const { layout(Packer{out}, *this); }

ExifPolicy ExifPolicy::decode(wire::Reader& in) { return unpacked<ExifPolicy>(in); }

}  // namespace lightmeter::profile
