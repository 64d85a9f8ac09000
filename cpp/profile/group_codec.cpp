#include <cmath>
#include <string>

#include "profile/group_moments.hpp"
#include "profile/layout.hpp"
#include "sketch/limits.hpp"

namespace lightmeter::profile {

template <class Io>
struct GroupLayout {
  static constexpr auto kOutOfOrder = "groups of the profile: places are out of order";
  Io io;
  const std::set<Bucket>& in_use;

  template <class Key>
  void key(Key& key, std::uint64_t end) {
    std::uint64_t value = key;
    io.varint(value);
    io.require(value < end, "groups of the profile: a place that is none");
    if constexpr (Io::kReads) key = static_cast<Key>(value);
  }

  // `more` is the layout of what follows the count of an entry.
  template <class Entries, class More>
  void entries(Entries& entries, std::uint64_t bits_each, More&& more) {
    entries.layout(io, entries, bits_each, kOutOfOrder, [&](auto& entry) {
      key(entry.key, std::uint64_t{entries.cells()} * (kSingle + 1));
      io.require(!Io::kReads || in_use.contains(entries.bucket(entry)),
                 "groups of the profile: a place that is not in use");
      io.varint(entry.n);
      io.require(entry.n > 0 && entry.n <= sketch::kMaxCount,
                 "groups of the profile: a count of 0, or above 2^56");
      more(entry);
    });
  }

  template <class Counts>
  void counts(Counts& counts) {
    entries(counts, 16, [](auto&) {});
  }

  // Those of numbers may be infinite, as those of moments.
  template <class Squares>
  void squares(Squares& squares, bool circular) {
    io.f64(squares[0]);
    io.require(squares[0] >= 0.0, "groups of the profile: a sum of squares is negative or NaN");
    if (!circular) return;
    io.f64(squares[1]);
    io.f64(squares[2]);
    io.require(squares[1] >= 0.0 && std::isfinite(squares[0] + squares[1] + squares[2]),
               "groups of the profile: a sum of squares is negative or not finite");
  }

  template <class Values>
  void values(Values& values) {
    std::uint8_t circular = values.circular && !values.means.empty() ? 1 : 0;
    io.u8(circular);
    io.require(circular <= 1, "groups of the profile: marked as what is not known");
    if constexpr (Io::kReads) values.circular = circular == 1;
    entries(values.means, 80, [&](auto& mean) {
      io.f64(mean.x);
      if (circular == 1) io.f64(mean.y);
      const double most = circular == 1 ? 1.0 + 1e-9 : INFINITY;  // up to rounding
      io.require(std::isfinite(mean.x) && std::abs(mean.x) <= most && std::abs(mean.y) <= most,
                 "groups of the profile: a mean is not finite, or not on the circle");
    });
    io.require(circular == 0 || !values.means.empty(),
               "groups of the profile: marked as hues without any");
    if (!values.means.empty()) {
      squares(values.within, circular == 1);
      squares(values.single, circular == 1);
    }
    for (auto* list : {&values.missing, &values.infinite, &values.texts}) counts(*list);
  }
};

// varint how often buckets were joined by halves | varint buckets in use | each, rising: varint
// varint prefixes | each, rising: text | counts of images measured
//   | varint policies | each, rising: policy | counts of images whose Exif was read
// varint columns | each, rising: text name | u8 1 if of hues
//   | varint means | each, rising: varint bucket | varint n | f64 x [| f64 y of hues]
//   | unless there are none: sums of squares of groups, and of values that are a group each:
//     f64 xx [| f64 yy | f64 xy of hues]
//   | counts of missing values | of infinities | of strings, by 64 * bucket + cell
// counts: varint count | each, rising: varint bucket | varint count
template <class Io, class Self>
void GroupMoments::layout(Io io, Self& self) {
  GroupLayout<Io> groups{io, self.in_use_};
  auto coarsenings = static_cast<std::uint64_t>(self.coarsenings_);
  io.varint(coarsenings);
  io.require(coarsenings <= kMostCoarsenings, "groups of the profile: places halved too often");
  if constexpr (Io::kReads) self.coarsenings_ = static_cast<int>(coarsenings);
  io.list(self.in_use_, 8, groups.kOutOfOrder, [&](auto& bucket) {
    groups.key(bucket, kSingle + 1);
    io.require(bucket < self.buckets() || bucket == kSingle,
               "groups of the profile: a place that is none");
  });
  io.require(!self.empty() && self.in_use_.size() <= kMost + 1,
             "groups of the profile: no place in use, or too many");
  io.require(self.named() <= kMost, "groups of the profile: too many places in use");
  io.map(self.images_, 24, "groups of the profile: prefixes are out of order",
         [&](const std::string&, auto& images) {
           groups.counts(images.measured);
           io.map(images.exif_read, 24, "groups of the profile: Exif policies are out of order",
                  [&](const ExifPolicy&, auto& counts) { groups.counts(counts); });
         });
  io.map(self.columns_, 48, "groups of the profile: names are out of order",
         [&](const std::string&, auto& values) { groups.values(values); });
}

void GroupMoments::encode(wire::Writer& out) const { layout(Packer{out}, *this); }

GroupMoments GroupMoments::decode(wire::Reader& in) { return unpacked<GroupMoments>(in); }

}  // namespace lightmeter::profile
