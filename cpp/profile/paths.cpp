#include "profile/paths.hpp"

#include <algorithm>
#include <cstdint>

#include "profile/first_k.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

namespace {

// Bounded, so that a file of short rests cannot make many times as much of memory.
constexpr std::size_t kMaxShared = 64;

std::string_view end_of(std::string_view path) {
  if (path.size() <= Paths::kMaxPath) return path;
  std::size_t start = path.size() - Paths::kMaxPath;
  while (start < path.size() && (static_cast<std::uint8_t>(path[start]) & 0xC0U) == 0x80U) ++start;
  return path.substr(start);
}

std::size_t shared_start(std::string_view a, std::string_view b) {
  const std::size_t most = std::min({a.size(), b.size(), kMaxShared});
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first -
                                  a.begin());
}

}  // namespace

void Paths::add(std::string_view hash, std::string_view path,
                const sketch::FrequentStrings& tracked) {
  keep_lesser(paths_, std::string(hash), end_of(path));
  forget_others(tracked);
}

void Paths::merge(const Paths& other, const sketch::FrequentStrings& tracked) {
  for (const auto& [hash, path] : other.paths_) keep_lesser(paths_, hash, path);
  forget_others(tracked);
}

// Not at once, because it looks at all of them.
void Paths::forget_others(const sketch::FrequentStrings& tracked) {
  if (paths_.size() < 2 * sketch::FrequentStrings::kMaxEntries) return;
  std::erase_if(paths_, [&](const auto& item) { return !tracked.contains(item.first); });
}

std::string_view Paths::find(std::string_view hash) const {
  const auto place = paths_.find(hash);
  return place == paths_.end() ? std::string_view() : place->second;
}

void Paths::layout(Codec& codec, const sketch::FrequentStrings& tracked) {
  std::string before;
  for (const auto& entry : tracked.state().entries) {
    std::string path(find(entry.value));
    std::uint64_t shared = shared_start(before, path);
    std::string rest = path.substr(shared);
    codec.varint(shared);
    codec.bytes(rest, kMaxPath);
    codec.require(shared <= before.size(), "paths: more is shared than there is");
    path = before.substr(0, shared) + rest;
    codec.require(path.size() <= kMaxPath && wire::is_utf8(path),
                  "paths: a path is too long, or no text");
    codec.require(shared_start(before, path) == shared, "paths: not in their least form");
    if (codec.reads() && !path.empty()) paths_.emplace_hint(paths_.end(), entry.value, path);
    before = std::move(path);
  }
}

}  // namespace lightmeter::profile
