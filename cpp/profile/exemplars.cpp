#include "profile/exemplars.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace lightmeter::profile {

void Exemplars::keep(std::size_t count) {
  random_.keep(count, kMaxKeep, "exemplars");
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

// Each once, rising.
std::vector<std::uint64_t> Exemplars::referenced() const {
  std::vector<std::uint64_t> hashes = random();
  for (const auto& [feature, ends] : ends_) {
    for (const auto& [value, hash] : ends.low.entries()) hashes.push_back(hash);
    for (const auto& [value, hash] : ends.high.entries()) hashes.push_back(hash);
  }
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

void Exemplars::forget_unreferenced() {
  const std::vector<std::uint64_t> hashes = referenced();
  std::erase_if(pictures_, [&](const auto& item) {
    return !std::binary_search(hashes.begin(), hashes.end(), item.first);
  });
}

void Exemplars::layout(Codec& codec) {
  random_.layout_most(codec, kMaxKeep);
  codec.map(pictures_, [&](std::uint64_t, Picture& picture) {
    codec.text(picture.path, kMaxPath);
    codec.bytes(picture.thumbnail, kMaxThumbnail);
  });
  random_.layout(codec, [&](std::uint64_t& hash) { codec.u64(hash); });
  const auto layout_values = [&](auto& values) {
    if (codec.reads()) values.limit(keep());
    values.layout(codec, [&](Value& value) {
      codec.f64(value.first);
      codec.u64(value.second);
      codec.require(std::isfinite(value.first), "a value is not finite");
    });
    codec.require(!values.empty(), "a feature without values");
  };
  codec.map(ends_, [&](const std::string&, Ends& ends) {
    layout_values(ends.low);
    layout_values(ends.high);
  });
  const auto is_picture = [](std::uint64_t hash, const auto& item) { return hash == item.first; };
  codec.require(!codec.reads() || std::ranges::equal(referenced(), pictures_, is_picture),
                "pictures and references differ");
}

}  // namespace lightmeter::profile
