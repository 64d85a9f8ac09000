#include "profile/exemplars.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "profile/layout.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

void Exemplars::keep(std::size_t count) {
  if (count > kMaxKeep) {
    throw std::invalid_argument("exemplars is " + std::to_string(count) + "; expected 0 to " +
                                std::to_string(kMaxKeep));
  }
  random_.limit(count);
  for (auto& [feature, ends] : ends_) {
    ends.low.limit(count);
    ends.high.limit(count);
  }
  if (count == 0) ends_.clear();
  forget_unreferenced();
}

void Exemplars::add(std::span<const std::pair<std::string, double>> values, std::uint64_t hash,
                    Picture picture) {
  if (picture.path.size() > kMaxPath || picture.thumbnail.size() > kMaxThumbnail) {
    throw std::invalid_argument("got a path of " + std::to_string(picture.path.size()) +
                                " bytes and a thumbnail of " +
                                std::to_string(picture.thumbnail.size()) + "; expected at most " +
                                std::to_string(kMaxPath) + " and " + std::to_string(kMaxThumbnail));
  }
  wire::check_text(picture.path);
  for (const auto& [feature, value] : values) wire::check_text(feature);
  if (keep() == 0) return;
  for (const auto& [feature, value] : values) {
    if (!std::isfinite(value)) continue;
    Ends& ends = ends_.try_emplace(feature, keep()).first->second;
    ends.low.add({value + 0.0, hash});
    ends.high.add({value + 0.0, hash});
  }
  random_.add(hash);
  keep_lesser(pictures_, hash, picture);
  forget_unreferenced();
}

void Exemplars::merge(const Exemplars& other) {
  if (other.keep() == 0) return;
  random_.merge(other.random_);
  for (const auto& [feature, more] : other.ends_) {
    Ends& ends = ends_.try_emplace(feature, keep()).first->second;
    ends.low.merge(more.low);
    ends.high.merge(more.high);
  }
  for (const auto& [hash, picture] : other.pictures_) keep_lesser(pictures_, hash, picture);
  keep(keep());  // also of features that the other has not
}

const Exemplars::Ends* Exemplars::find(std::string_view feature) const {
  const auto found = ends_.find(feature);
  return found == ends_.end() ? nullptr : &found->second;
}

std::set<std::uint64_t> Exemplars::referenced() const {
  std::set<std::uint64_t> hashes = random();
  for (const auto& [feature, ends] : ends_) {
    for (const auto& [value, hash] : ends.low.entries()) hashes.insert(hash);
    for (const auto& [value, hash] : ends.high.entries()) hashes.insert(hash);
  }
  return hashes;
}

void Exemplars::forget_unreferenced() {
  const std::set<std::uint64_t> hashes = referenced();
  std::erase_if(pictures_, [&](const auto& item) { return !hashes.contains(item.first); });
}

// varint keep
// varint pictures | each, by rising hash: u64 hash | text path | varint length | thumbnail
// varint random | each, rising: u64 hash
// varint features | each, by rising name: text name
//                   | varint low | each, rising: f64 value | u64 hash
//                   | varint high | each, falling: f64 value | u64 hash
// Every picture is referred to.
template <class Io, class Self>
void Exemplars::layout(Io io, Self& self) {
  std::uint64_t keep = self.keep();
  io.varint(keep);
  io.require(keep > 0 && keep <= kMaxKeep, "exemplars of the profile: keeps none or too many");
  if constexpr (Io::kReads) self.keep(static_cast<std::size_t>(keep));
  io.map(self.pictures_, 80, "exemplars of the profile: pictures are out of order",
         [&](std::uint64_t, auto& picture) {
           io.text(picture.path);
           io.bytes(picture.thumbnail);
           io.require(picture.path.size() <= kMaxPath && picture.thumbnail.size() <= kMaxThumbnail,
                      "exemplars of the profile: a picture is too large");
         });
  self.random_.layout(
      io, self.random_, 64, "exemplars of the profile: more at random than it keeps",
      "exemplars of the profile: hashes are out of order", [&](auto& hash) { io.u64(hash); });
  constexpr auto kWrongCount = "exemplars of the profile: more or fewer values than it keeps";
  const auto layout_values = [&](auto& values) {
    if constexpr (Io::kReads) values.limit(self.keep());
    values.layout(io, values, 128, kWrongCount, "exemplars of the profile: values are out of order",
                  [&](auto& value) {
                    io.f64(value.first);
                    io.u64(value.second);
                    io.require(std::isfinite(value.first),
                               "exemplars of the profile: a value is not finite");
                  });
    io.require(!values.entries().empty(), kWrongCount);
  };
  io.map(self.ends_, 280, "exemplars of the profile: features are out of order",
         [&](const std::string&, auto& ends) {
           layout_values(ends.low);
           layout_values(ends.high);
         });
  io.require(!Io::kReads || std::ranges::equal(self.referenced(), self.pictures_, {}, {},
                                               [](const auto& item) { return item.first; }),
             "exemplars of the profile: pictures and references differ");
}

void Exemplars::encode(wire::Writer& out) const { layout(Packer{out}, *this); }

Exemplars Exemplars::decode(wire::Reader& in) { return unpacked<Exemplars>(in); }

}  // namespace lightmeter::profile
