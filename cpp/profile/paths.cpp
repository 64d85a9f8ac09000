#include "profile/paths.hpp"

#include <cstdint>

#include "profile/first_k.hpp"

namespace lightmeter::profile {

namespace {

std::string_view end_of(std::string_view path) {
  if (path.size() <= Paths::kMaxPath) return path;
  std::size_t start = path.size() - Paths::kMaxPath;
  while (start < path.size() && (static_cast<std::uint8_t>(path[start]) & 0xC0U) == 0x80U) ++start;
  return path.substr(start);
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
  for (const auto& entry : tracked.state().entries) {
    std::string path(find(entry.value));
    codec.text(path, kMaxPath);
    if (codec.reads() && !path.empty()) paths_.emplace_hint(paths_.end(), entry.value, path);
  }
}

}  // namespace lightmeter::profile
