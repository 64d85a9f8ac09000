#include "profile/decoders.hpp"

#include "wire/text.hpp"

namespace lightmeter::profile {

void Decoders::add(std::string_view format, std::string_view name) {
  wire::check_text(format);
  wire::check_text(name);
  FirstK::add({std::string(wire::cut_text(format, kMaxFormat)),
               std::string(wire::cut_text(name, kMaxName))});
}

void Decoders::layout(Codec& codec) {
  FirstK::layout(codec, [&](Decoder& decoder) {
    codec.text(decoder.format, kMaxFormat);
    codec.text(decoder.name, kMaxName);
  });
}

}  // namespace lightmeter::profile
