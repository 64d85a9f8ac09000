#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "profile/column.hpp"
#include "profile/exif_policy.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

// What was logged with a group, such as a slide or a burst: how values lie between groups and
// within them, which columns apart do not tell. Names of groups are hashed to places and not kept.
// At most kMost places are in use: where there are more, places are joined by halves, as often as
// it takes. So any order and any tree of merges has the same places and counts; means and squares
// agree to 1e-12.
class GroupMoments {
 public:
  using Place = std::uint32_t;
  static constexpr Place kPlaces = 4096;
  static constexpr std::size_t kMost = 256;
  static constexpr Place kSingle = kPlaces;    // of values that are a group each
  static constexpr std::uint32_t kCells = 64;  // that strings are hashed to
  static constexpr int kMostFolds = 4;         // leave kMost places

  // Rising keys.
  using Counts = std::vector<std::pair<std::uint32_t, std::uint64_t>>;
  struct Mean {
    Place place = 0;
    std::uint64_t n = 0;
    double x = 0.0;  // of hues the cosine
    double y = 0.0;  // of hues the sine, else 0
  };
  // xx, yy, xy: sums of squares and of products about the means.
  using Squares = std::array<double, 3>;
  struct Values {
    bool circular = false;
    std::vector<Mean> means;  // rising places; of finite numbers
    Squares within{};         // of all places but kSingle
    Squares single{};         // of kSingle
    Counts missing;
    Counts infinite;
    Counts texts;  // by kCells * place + cell
  };
  struct Images {
    Counts measured;
    std::map<ExifPolicy, Counts> exif_read;
  };

  // Without a group each value is one: kSingle. The name is not kept.
  [[nodiscard]] static Place place_of(std::optional<std::string_view> group) noexcept;

  // Adds what `column` holds, which was logged of one group, or of values that are a group each.
  void add(Place place, std::string_view name, const Column& column);
  void add(Place place, std::string_view prefix, std::uint64_t measured,
           const std::map<ExifPolicy, std::uint64_t>& exif_read);
  void merge(const GroupMoments& other);

  [[nodiscard]] bool empty() const noexcept { return in_use_.empty(); }
  // How many named groups there are, about: as many as leave so many places empty on average.
  [[nodiscard]] double groups() const noexcept;
  // Places there are beside kSingle.
  [[nodiscard]] Place places() const noexcept { return kPlaces >> folds_; }
  [[nodiscard]] const std::map<std::string, Values, std::less<>>& columns() const noexcept {
    return columns_;
  }
  // By prefix.
  [[nodiscard]] const std::map<std::string, Images, std::less<>>& images() const noexcept {
    return images_;
  }

  void encode(wire::Writer& out) const;
  [[nodiscard]] static GroupMoments decode(wire::Reader& in);

 private:
  [[nodiscard]] Place folded(Place place) const noexcept;
  void use(Place place);
  void fold();
  void halve();

  int folds_ = 0;
  std::vector<Place> in_use_;  // rising
  std::map<std::string, Values, std::less<>> columns_;
  std::map<std::string, Images, std::less<>> images_;
};

// Short names, for the sources of the class.
namespace group_parts {
using Counts = GroupMoments::Counts;
using Mean = GroupMoments::Mean;
using Place = GroupMoments::Place;
using Squares = GroupMoments::Squares;
using Values = GroupMoments::Values;
}  // namespace group_parts

}  // namespace lightmeter::profile
