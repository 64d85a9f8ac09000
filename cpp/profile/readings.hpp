#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "profile/codec.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

// How many images of a prefix were read in which way, a text each.
//
// The first K texts in their order are kept, with exact counts: a text that is among the first K of
// a union is among them in every part that has it. So any order and tree of merges gives the same.
class Readings {
 public:
  static constexpr std::size_t kMaxEntries = 16;
  static constexpr std::size_t kMaxText = 1024;

  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& counts() const noexcept {
    return counts_;
  }
  [[nodiscard]] std::uint64_t observations() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& [text, count] : counts_) sum += count;
    return sum;
  }

  // std::invalid_argument for a text that is longer, or no UTF-8.
  void add(std::string_view text, std::uint64_t count = 1) {
    auto place = counts_.find(text);
    if (place == counts_.end()) {
      wire::check_text(text);
      if (text.size() > kMaxText) throw std::invalid_argument("the text of a reading is too long");
      place = counts_.emplace(text, 0).first;
    }
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
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace lightmeter::profile
