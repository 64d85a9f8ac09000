#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "profile/first_k.hpp"

namespace lightmeter::profile {

// A few pictures to look at: of each feature the ones with the least and the greatest values, and a
// few at random, which are those with the least hashes. One seen twice is kept once.
class Exemplars {
 public:
  static constexpr std::size_t kMaxKeep = 16;
  static constexpr std::size_t kMaxPath = 512;        // bytes
  static constexpr std::size_t kMaxThumbnail = 4096;  // bytes

  struct Picture {
    std::string path;
    std::vector<std::uint8_t> thumbnail;  // an encoded image
    friend auto operator<=>(const Picture&, const Picture&) = default;
  };
  using Value = std::pair<double, std::uint64_t>;  // of a feature, and the hash of its picture
  struct Ends {
    explicit Ends(std::size_t most = 0) : low(most), high(most) {}

    FirstK<Value> low;
    FirstK<Value, std::greater<>> high;
  };

  // How many to keep at each end and at random; 0 keeps none. At most kMaxKeep, or
  // std::invalid_argument.
  void keep(std::size_t count);
  [[nodiscard]] std::size_t keep() const noexcept { return random_.most(); }
  // Whether none are asked for.
  [[nodiscard]] bool empty() const noexcept { return keep() == 0; }

  // `hash` stands for the picture's contents and path. Values that are not finite are passed over.
  // std::invalid_argument for a path or thumbnail that is too long.
  void add(std::span<const std::pair<std::string, double>> values, std::uint64_t hash,
           Picture picture);
  // The sum keeps as many as the side that keeps fewer, which is all that it can know; a side that
  // keeps none has no say.
  void merge(const Exemplars& other);

  [[nodiscard]] const std::vector<std::uint64_t>& random() const noexcept {
    return random_.entries();
  }
  // Null if the feature is not known.
  [[nodiscard]] const Ends* find(std::string_view feature) const;
  // Of a hash that random() or find() returned.
  [[nodiscard]] const Picture& picture(std::uint64_t hash) const { return pictures_.at(hash); }

  void layout(Codec& codec);

 private:
  [[nodiscard]] std::vector<std::uint64_t> referenced() const;
  void forget_unreferenced();

  std::map<std::uint64_t, Picture> pictures_;
  FirstK<std::uint64_t> random_;
  std::map<std::string, Ends, std::less<>> ends_;
};

}  // namespace lightmeter::profile
