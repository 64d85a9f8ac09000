#include <algorithm>
#include <cmath>
#include <string>

#include "error.hpp"
#include "profile/group_moments.hpp"
#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

using namespace group_parts;  // NOLINT(google-build-using-namespace): few names

namespace {

constexpr double kMostOnCircle = 1.0 + 1e-9;  // a mean of cosines, up to rounding

using wire::require;

void encode_counts(wire::Writer& out, const Counts& counts) {
  out.varint(counts.size());
  for (const auto& [key, count] : counts) {
    out.varint(key);
    out.varint(count);
  }
}

class GroupDecoder {
 public:
  GroupDecoder(wire::Reader& in, const std::vector<Place>& in_use) : in_(in), in_use_(in_use) {}

  Counts counts(std::uint32_t cells = 1) {
    Counts counts;
    for (std::uint64_t left = in_.count(16); left > 0; --left) {
      const std::uint64_t key = in_.varint();
      require(key < std::uint64_t{cells} * (GroupMoments::kSingle + 1),
              "groups of the profile: a place that is none");
      check_place(static_cast<Place>(key / cells));
      require(counts.empty() || counts.back().first < key,
              "groups of the profile: places are out of order");
      counts.emplace_back(static_cast<std::uint32_t>(key), count());
    }
    return counts;
  }

  Values values() {
    Values values;
    const std::uint8_t circular = in_.u8();
    require(circular <= 1, "groups of the profile: marked as what is not known");
    values.circular = circular == 1;
    for (std::uint64_t left = in_.count(80); left > 0; --left) {
      const std::uint64_t place = in_.varint();
      require(place <= GroupMoments::kSingle, "groups of the profile: a place that is none");
      check_place(static_cast<Place>(place));
      require(values.means.empty() || values.means.back().place < place,
              "groups of the profile: places are out of order");
      const std::uint64_t n = count();
      values.means.push_back({static_cast<Place>(place), n, in_.f64(), 0.0});
      Mean& mean = values.means.back();
      if (values.circular) mean.y = in_.f64();
      const double most = values.circular ? kMostOnCircle : INFINITY;
      require(std::isfinite(mean.x) && std::abs(mean.x) <= most && std::abs(mean.y) <= most,
              "groups of the profile: a mean is not finite, or not on the circle");
    }
    require(!values.circular || !values.means.empty(),
            "groups of the profile: marked as hues without any");
    if (!values.means.empty()) {
      values.within = squares(values.circular);
      values.single = squares(values.circular);
    }
    values.missing = counts();
    values.infinite = counts();
    values.texts = counts(GroupMoments::kCells);
    return values;
  }

 private:
  std::uint64_t count() {
    const std::uint64_t count = in_.varint();
    require(count > 0 && count <= sketch::kMaxCount,
            "groups of the profile: a count of 0, or above 2^56");
    return count;
  }

  void check_place(Place place) const {
    require(std::ranges::binary_search(in_use_, place),
            "groups of the profile: a place that is not in use");
  }

  // Those of numbers may be infinite, as those of moments.
  Squares squares(bool circular) {
    Squares squares{in_.f64(), 0.0, 0.0};
    require(squares[0] >= 0.0, "groups of the profile: a sum of squares is negative or NaN");
    if (circular) {
      squares[1] = in_.f64();
      squares[2] = in_.f64();
      require(squares[1] >= 0.0 && std::isfinite(squares[0] + squares[1] + squares[2]),
              "groups of the profile: a sum of squares is negative or not finite");
    }
    return squares;
  }

  wire::Reader& in_;
  const std::vector<Place>& in_use_;
};

}  // namespace

// varint how often places were halved | varint places in use | each, rising: varint
// varint prefixes | each, rising: text | counts of images measured
//   | varint policies | each, rising: policy | counts of images whose Exif was read
// varint columns | each, rising: text name | u8 1 if of hues
//   | varint means | each, rising: varint place | varint n | f64 x [| f64 y of hues]
//   | unless there are none: sums of squares of groups, and of values that are a group each:
//     f64 xx [| f64 yy | f64 xy of hues]
//   | counts of missing values | of infinities | of strings, by 64 * place + cell
// counts: varint count | each, rising: varint place | varint count
void GroupMoments::encode(wire::Writer& out) const {
  out.varint(static_cast<std::uint64_t>(folds_));
  out.varint(in_use_.size());
  for (const Place place : in_use_) out.varint(place);
  out.varint(images_.size());
  for (const auto& [prefix, images] : images_) {
    out.string(prefix);
    encode_counts(out, images.measured);
    out.varint(images.exif_read.size());
    for (const auto& [policy, counts] : images.exif_read) {
      policy.encode(out);
      encode_counts(out, counts);
    }
  }
  out.varint(columns_.size());
  for (const auto& [name, values] : columns_) {
    out.string(name);
    const bool circular = values.circular && !values.means.empty();
    out.u8(circular ? 1 : 0);
    out.varint(values.means.size());
    for (const Mean& mean : values.means) {
      out.varint(mean.place);
      out.varint(mean.n);
      out.f64(mean.x);
      if (circular) out.f64(mean.y);
    }
    for (const Squares* squares : {&values.within, &values.single}) {
      if (values.means.empty()) break;
      out.f64((*squares)[0]);
      if (!circular) continue;
      out.f64((*squares)[1]);
      out.f64((*squares)[2]);
    }
    for (const Counts* counts : {&values.missing, &values.infinite, &values.texts}) {
      encode_counts(out, *counts);
    }
  }
}

GroupMoments GroupMoments::decode(wire::Reader& in) {
  GroupMoments groups;
  const std::uint64_t folds = in.varint();
  require(folds <= kMostFolds, "groups of the profile: places halved too often");
  groups.folds_ = static_cast<int>(folds);
  const std::uint64_t in_use = in.count(8);
  require(in_use > 0 && in_use <= kMost + 1, "groups of the profile: no place in use, or too many");
  for (std::uint64_t left = in_use; left > 0; --left) {
    const std::uint64_t place = in.varint();
    require(place < groups.places() || place == kSingle,
            "groups of the profile: a place that is none");
    require(groups.in_use_.empty() || groups.in_use_.back() < place,
            "groups of the profile: places are out of order");
    groups.in_use_.push_back(static_cast<Place>(place));
  }
  require(in_use <= kMost || groups.in_use_.back() == kSingle,
          "groups of the profile: too many places in use");
  GroupDecoder decoder(in, groups.in_use_);
  for (std::uint64_t left = in.count(24); left > 0; --left) {
    std::string prefix(in.string());
    require(groups.images_.empty() || groups.images_.rbegin()->first < prefix,
            "groups of the profile: prefixes are out of order");
    Images images{decoder.counts(), {}};
    for (std::uint64_t more = in.count(24); more > 0; --more) {
      ExifPolicy policy = ExifPolicy::decode(in);
      require(images.exif_read.empty() || images.exif_read.rbegin()->first < policy,
              "groups of the profile: Exif policies are out of order");
      images.exif_read.emplace_hint(images.exif_read.end(), std::move(policy), decoder.counts());
    }
    groups.images_.emplace_hint(groups.images_.end(), std::move(prefix), std::move(images));
  }
  for (std::uint64_t left = in.count(48); left > 0; --left) {
    std::string name(in.string());
    require(groups.columns_.empty() || groups.columns_.rbegin()->first < name,
            "groups of the profile: names are out of order");
    groups.columns_.emplace_hint(groups.columns_.end(), std::move(name), decoder.values());
  }
  return groups;
}

}  // namespace lightmeter::profile
