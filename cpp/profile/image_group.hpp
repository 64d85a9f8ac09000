#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "meaning.hpp"
#include "profile/codec.hpp"
#include "sketch/limits.hpp"

namespace lightmeter::profile {

// Which Exif tags were tracked of the images read under it: all that are not personal, those of
// `allow`, and none of `deny`. Which tags are personal is not known here: a column says it of its
// own (Origin::kPersonalExif), and `allow` holds no other tags.
struct ExifPolicy {
  std::set<std::string, std::less<>> allow;
  std::set<std::string, std::less<>> deny;

  [[nodiscard]] bool tracks(std::string_view tag, bool personal) const {
    return !deny.contains(tag) && (!personal || allow.contains(tag));
  }

  void layout(Codec& codec) {
    for (auto* tags : {&allow, &deny}) {
      codec.list(*tags, [&](std::string& tag) { codec.text(tag); });
    }
  }

  friend auto operator<=>(const ExifPolicy&, const ExifPolicy&) = default;
};

// The images behind the columns "<prefix>.<feature>": what is needed to count missing values at
// read time, so that a feature first seen in the thousandth image needs no back-filling.
struct ImageGroup {
  std::uint64_t images = 0;  // measured
  // Of these, the ones that could have had Exif, by the policy that it was read under.
  std::map<ExifPolicy, std::uint64_t> exif_read;

  [[nodiscard]] std::uint64_t observations() const noexcept {
    std::uint64_t all_read = 0;
    for (const auto& [policy, read] : exif_read) all_read += read;
    return std::max(images, all_read);
  }
  // Images whose Exif was read under a policy that tracks the tag "<prefix>.<tag>".
  [[nodiscard]] std::uint64_t tracked(std::string_view name, bool personal) const {
    std::uint64_t sum = 0;
    for (const auto& [policy, read] : exif_read) {
      if (policy.tracks(name.substr(name.rfind('.') + 1), personal)) sum += read;
    }
    return sum;
  }
  // How many values of a feature are missing and not stored as such: those of failures in images
  // that did not fail; those of an Exif tag in images that were read, but for the `present` ones.
  [[nodiscard]] std::uint64_t unstored(std::string_view name, const Meaning& meaning,
                                       std::uint64_t present) const {
    if (meaning.role == Role::kFailure) return images;
    if (!meaning.is_exif()) return 0;
    const std::uint64_t all = tracked(name, meaning.origin == Origin::kPersonalExif);
    return all - std::min(all, present);
  }
  void merge(const ImageGroup& other) {
    images += other.images;
    for (const auto& [policy, read] : other.exif_read) exif_read[policy] += read;
  }
  void layout(Codec& codec) {
    codec.count(images);
    std::uint64_t left = sketch::kMaxCount;
    codec.map(exif_read, [&](const ExifPolicy&, std::uint64_t& read) {
      codec.count(read);
      codec.require(read > 0 && read <= left, "an Exif policy of no image, or of too many");
      left -= read;
    });
  }
};

// The shortest text first: it says the least that is out of the ordinary, so most have it.
struct ByLength {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

// How many images of a prefix were read in which way, a text each.
//
// The first K texts in their order are kept, with exact counts: a text that is among the first K of
// a union is among them in every part that has it. So any order and tree of merges gives the same.
class Readings {
 public:
  static constexpr std::size_t kMaxEntries = 16;
  static constexpr std::size_t kMaxText = 1024;

  [[nodiscard]] const std::map<std::string, std::uint64_t, ByLength>& counts() const noexcept {
    return counts_;
  }
  [[nodiscard]] std::uint64_t observations() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& [text, count] : counts_) sum += count;
    return sum;
  }

  // A text of UTF-8, of at most kMaxText bytes.
  void add(std::string_view text, std::uint64_t count = 1) {
    auto place = counts_.find(text);
    if (place == counts_.end()) place = counts_.emplace(text, 0).first;
    place->second += count;
    if (counts_.size() > kMaxEntries) counts_.erase(std::prev(counts_.end()));
  }
  void merge(const Readings& other) {
    for (const auto& [text, count] : other.counts_) add(text, count);
  }

  void layout(Codec& codec) {
    codec.map(counts_, [&](const std::string& text, std::uint64_t& count) {
      codec.count(count);
      codec.require(text.size() <= kMaxText, "a text is too long");
      codec.require(count > 0, "a reading of no image");
      codec.require(counts_.size() < kMaxEntries, "more readings than are kept");
    });
  }

 private:
  std::map<std::string, std::uint64_t, ByLength> counts_;
};

}  // namespace lightmeter::profile
