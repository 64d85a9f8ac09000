#include "profile/decoders.hpp"

#include <iterator>
#include <utility>

#include "error.hpp"
#include "wire/text.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

void Decoders::add(std::string_view format, std::string_view name) {
  wire::check_text(format);
  wire::check_text(name);
  insert({std::string(wire::cut_text(format, kMaxFormat)),
          std::string(wire::cut_text(name, kMaxName))});
}

void Decoders::insert(Decoder decoder) {
  entries_.insert(std::move(decoder));
  if (entries_.size() > kMaxEntries) entries_.erase(std::prev(entries_.end()));
}

void Decoders::merge(const Decoders& other) {
  if (&other == this) return;
  for (const Decoder& decoder : other.entries_) insert(decoder);
}

void Decoders::encode(wire::Writer& out) const {
  out.varint(entries_.size());
  for (const Decoder& decoder : entries_) {
    out.string(decoder.format);
    out.string(decoder.name);
  }
}

Decoders Decoders::decode(wire::Reader& in) {
  Decoders result;
  const std::uint64_t count = in.count(16);
  if (count > kMaxEntries) throw DecodeError("decoders: too many entries");
  for (std::uint64_t left = count; left > 0; --left) {
    Decoder decoder;
    decoder.format = in.string();
    decoder.name = in.string();
    if (decoder.format.size() > kMaxFormat || decoder.name.size() > kMaxName) {
      throw DecodeError("decoders: an entry is too long");
    }
    if (!result.entries_.empty() && *result.entries_.rbegin() >= decoder) {
      throw DecodeError("decoders: the entries are not rising");
    }
    result.entries_.insert(result.entries_.end(), std::move(decoder));
  }
  return result;
}

}  // namespace lightmeter::profile
