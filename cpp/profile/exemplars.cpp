#include "profile/exemplars.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "error.hpp"
#include "profile/keep_first.hpp"
#include "wire/text.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

template <class Set>
void write_values(wire::Writer& out, const Set& values) {
  out.varint(values.size());
  for (const auto& [value, hash] : values) {
    out.f64(value);
    out.u64(hash);
  }
}

using wire::require;

// In the order of the set, each once.
template <class Set>
void read_values(wire::Reader& in, Set& values, std::size_t keep) {
  const std::uint64_t count = in.count(128);
  require(count > 0 && count <= keep,
          "exemplars of the profile: more or fewer values than it keeps");
  for (std::uint64_t left = count; left > 0; --left) {
    const double value = in.f64();
    const std::uint64_t hash = in.u64();
    require(std::isfinite(value), "exemplars of the profile: a value is not finite");
    const auto place = values.emplace_hint(values.end(), value, hash);
    require(std::next(place) == values.end() && values.size() == count - left + 1,
            "exemplars of the profile: values are out of order");
  }
}

}  // namespace

void Exemplars::keep(std::size_t count) {
  if (count > kMaxKeep) {
    throw std::invalid_argument("exemplars is " + std::to_string(count) + "; expected 0 to " +
                                std::to_string(kMaxKeep));
  }
  keep_ = count;
  shrink();
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
  if (keep_ == 0) return;
  for (const auto& [feature, value] : values) {
    if (!std::isfinite(value)) continue;
    Ends& ends = ends_[feature];
    ends.low.emplace(value + 0.0, hash);
    ends.high.emplace(value + 0.0, hash);
  }
  random_.insert(hash);
  insert(hash, picture);
  shrink();
}

void Exemplars::merge(const Exemplars& other) {
  if (other.keep_ == 0) return;
  keep_ = keep_ == 0 ? other.keep_ : std::min(keep_, other.keep_);
  for (const auto& [feature, more] : other.ends_) {
    Ends& ends = ends_[feature];
    ends.low.insert(more.low.begin(), more.low.end());
    ends.high.insert(more.high.begin(), more.high.end());
  }
  random_.insert(other.random_.begin(), other.random_.end());
  for (const auto& [hash, picture] : other.pictures_) insert(hash, picture);
  shrink();
}

const Exemplars::Ends* Exemplars::find(std::string_view feature) const {
  const auto found = ends_.find(feature);
  return found == ends_.end() ? nullptr : &found->second;
}

// Of two pictures under one hash the lesser stays, whichever came first.
void Exemplars::insert(std::uint64_t hash, const Picture& picture) {
  const auto [place, added] = pictures_.emplace(hash, picture);
  if (!added && picture < place->second) place->second = picture;
}

void Exemplars::shrink() {
  for (auto& [feature, ends] : ends_) {
    keep_first(ends.low, keep_);
    keep_first(ends.high, keep_);
  }
  if (keep_ == 0) ends_.clear();
  keep_first(random_, keep_);
  const std::set<std::uint64_t> wanted = referenced();
  std::erase_if(pictures_, [&](const auto& item) { return !wanted.contains(item.first); });
}

std::set<std::uint64_t> Exemplars::referenced() const {
  std::set<std::uint64_t> hashes = random_;
  for (const auto& [feature, ends] : ends_) {
    for (const auto& [value, hash] : ends.low) hashes.insert(hash);
    for (const auto& [value, hash] : ends.high) hashes.insert(hash);
  }
  return hashes;
}

// varint keep
// varint pictures | each, by rising hash: u64 hash | text path | varint length | thumbnail
// varint random | each, rising: u64 hash
// varint features | each, by rising name: text name
//                   | varint low | each, rising: f64 value | u64 hash
//                   | varint high | each, falling: f64 value | u64 hash
// Every picture is referred to.
void Exemplars::encode(wire::Writer& out) const {
  out.varint(keep_);
  out.varint(pictures_.size());
  for (const auto& [hash, picture] : pictures_) {
    out.u64(hash);
    out.string(picture.path);
    out.varint(picture.thumbnail.size());
    out.bytes(picture.thumbnail);
  }
  out.varint(random_.size());
  for (const std::uint64_t hash : random_) out.u64(hash);
  out.varint(ends_.size());
  for (const auto& [feature, ends] : ends_) {
    out.string(feature);
    write_values(out, ends.low);
    write_values(out, ends.high);
  }
}

Exemplars Exemplars::decode(wire::Reader& in) {
  Exemplars exemplars;
  const std::uint64_t keep = in.varint();
  require(keep > 0 && keep <= kMaxKeep, "exemplars of the profile: keeps none or too many");
  exemplars.keep_ = static_cast<std::size_t>(keep);
  std::set<std::uint64_t> known;
  for (std::uint64_t left = in.count(80); left > 0; --left) {
    const std::uint64_t hash = in.u64();
    require(known.empty() || hash > *known.rbegin(),
            "exemplars of the profile: pictures are out of order");
    known.insert(known.end(), hash);
    const std::string_view path = in.string();
    const auto thumbnail = in.bytes(in.varint());
    require(path.size() <= kMaxPath && thumbnail.size() <= kMaxThumbnail,
            "exemplars of the profile: a picture is too large");
    exemplars.pictures_.emplace_hint(
        exemplars.pictures_.end(), hash,
        Picture{std::string(path), {thumbnail.begin(), thumbnail.end()}});
  }
  const std::uint64_t random = in.count(64);
  require(random <= keep, "exemplars of the profile: more at random than it keeps");
  for (std::uint64_t left = random; left > 0; --left) {
    const std::uint64_t hash = in.u64();
    require(exemplars.random_.empty() || hash > *exemplars.random_.rbegin(),
            "exemplars of the profile: hashes are out of order");
    exemplars.random_.insert(exemplars.random_.end(), hash);
  }
  for (std::uint64_t left = in.count(280); left > 0; --left) {
    const std::string_view name = in.string();
    require(exemplars.ends_.empty() || exemplars.ends_.rbegin()->first < name,
            "exemplars of the profile: features are out of order");
    Ends& ends = exemplars.ends_[std::string(name)];
    read_values(in, ends.low, exemplars.keep_);
    read_values(in, ends.high, exemplars.keep_);
  }
  require(exemplars.referenced() == known,
          "exemplars of the profile: pictures and references differ");
  return exemplars;
}

}  // namespace lightmeter::profile
