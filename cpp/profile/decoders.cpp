#include "profile/decoders.hpp"

#include "profile/layout.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

void Decoders::add(std::string_view format, std::string_view name) {
  wire::check_text(format);
  wire::check_text(name);
  FirstK::add({std::string(wire::cut_text(format, kMaxFormat)),
               std::string(wire::cut_text(name, kMaxName))});
}

template <class Io, class Self>
void Decoders::layout(Io io, Self& self) {
  FirstK::layout(io, self, 16, "decoders: too many entries", "decoders: the entries are not rising",
                 [&](auto& decoder) {
                   io.text(decoder.format);
                   io.text(decoder.name);
                   io.require(
                       decoder.format.size() <= kMaxFormat && decoder.name.size() <= kMaxName,
                       "decoders: an entry is too long");
                 });
}

void Decoders::encode(wire::Writer& out) const { layout(Packer{out}, *this); }

Decoders Decoders::decode(wire::Reader& in) { return unpacked<Decoders>(in); }

}  // namespace lightmeter::profile
