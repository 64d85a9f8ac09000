#include <algorithm>
#include <string>
#include <utility>

#include "error.hpp"
#include "profile/layout.hpp"
#include "profile/profile.hpp"
#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

// The .lmp file, version 1. Numbers are little-endian; varint is LEB128; text is varint length and
// UTF-8 bytes.
//
//   0   4 bytes  "LMP" and a line feed, which a text-mode copy would damage
//   4   u8       version of the format that wrote the file
//   5   u8       oldest version of a reader that understands it
//   6   sections, each: varint tag | varint length | body
//         1 dataset timestamp   zigzag varint, milliseconds since 1970 UTC, of the years
//                               1 to 9999; absent unless set
//         2 groups              varint count | each: text prefix | varint images | varint count of
//                               policies | each: policy (exif_policy.hpp) | varint images read
//         3 columns             varint count | each: text name | varint length | body (column.cpp)
//         4 failures            which files and why (failures.hpp); absent if there are none
//         6 exemplars           exemplars.cpp; absent unless asked for
//         7 rows                row_sample.cpp; absent unless asked for
//         8 moments by group    group_codec.cpp; absent unless something was logged with a group
//         9 vectors             varint count | each: text name | vectors (vectors.hpp);
//                               varint count | each: text prefix | joint (joint.hpp); absent
//                               if there are neither
//        64 decoders            decoders.hpp; absent if there are none
//       in rising order of tag, each at most once. A tag from 64 on that the reader does not know
//       is optional: kept as it is, dropped by a merge. Any other unknown tag is an error.
//   end u32      CRC-32C of all bytes before it
//
// Whoever changes this adds to it or raises the version; see tests/golden.
constexpr std::uint8_t kMagic[4] = {'L', 'M', 'P', '\n'};
constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kFirstOptional = 64;
constexpr std::size_t kHeadSize = 6;
constexpr std::size_t kChecksumSize = 4;

wire::Reader checked_sections(std::span<const std::uint8_t> data) {
  if (data.size() < kHeadSize + kChecksumSize ||
      !std::equal(std::begin(kMagic), std::end(kMagic), data.begin())) {
    throw DecodeError("not a lightmeter profile: got " + std::to_string(data.size()) +
                      " bytes that do not start with LMP");
  }
  if (data[5] > kVersion) {
    throw DecodeError("the profile needs a reader of format version " + std::to_string(data[5]) +
                      ", this one reads " + std::to_string(kVersion) + "; update lightmeter");
  }
  const auto body = data.first(data.size() - kChecksumSize);
  wire::Reader end(data.last(kChecksumSize));
  if (end.u32() != wire::crc32c(body)) {
    throw DecodeError("damaged or truncated profile: the checksum of its " +
                      std::to_string(data.size()) + " bytes does not match");
  }
  return wire::Reader(body.subspan(kHeadSize));
}

// Names come in rising order, so that equal profiles have equal bytes.
constexpr auto kNameOutOfOrder = [](const std::string& name) {
  return "name " + name + " is out of order in the profile";
};

template <class Io, class Images>
void layout_images(Io io, const std::string& prefix, Images& images) {
  const auto says = [&](const char* what) {
    return [&prefix, what](const auto&...) { return "images " + prefix + what; };
  };
  io.varint(images.images);
  std::uint64_t all_read = 0;
  io.map(images.exif_read, 24, says(": Exif policies out of order"),
         [&](const ExifPolicy&, auto& read) {
           io.varint(read);
           io.require(read > 0, says(": an Exif policy of no image"));
           all_read += std::min(read, sketch::kMaxCount + 1 - all_read);
         });
  io.require(std::max(images.images, all_read) <= sketch::kMaxCount, says(": a count above 2^56"));
}

// Groups hold a part of the columns and images, so that no sum of groups is above 2^56 either.
void check_groups(const Profile& profile) {
  const auto check = [](const auto& entries, std::uint64_t most) {
    for (const auto& entry : entries.entries()) {
      if (entry.n > most) throw DecodeError("groups of the profile: more than there are at all");
      most -= entry.n;
    }
  };
  static const Column kNone;
  for (const auto& [name, values] : profile.by_group().columns()) {
    const Column* found = profile.find(name);
    const Column& column = found == nullptr ? kNone : *found;
    const sketch::QuantileSketch& numbers = column.numbers();
    check(values.means, numbers.n());
    check(values.missing, column.null() + numbers.nan());
    check(values.infinite, numbers.pos_inf() + numbers.neg_inf());
    check(values.texts, column.strings());
  }
  for (const auto& [prefix, images] : profile.by_group().images()) {
    const auto found = profile.groups().find(prefix);
    const ImageGroup all = found == profile.groups().end() ? ImageGroup() : found->second;
    check(images.measured, all.images);
    for (const auto& [policy, counts] : images.exif_read) {
      const auto read = all.exif_read.find(policy);
      check(counts, read == all.exif_read.end() ? 0 : read->second);
    }
  }
}

}  // namespace

// Calls `each` with the tag of every section, by rising tag, whether a profile has it, and its
// layout.
template <class Each>
void Profile::each_section(Each&& each) {
  const auto always = [](const Profile&) { return true; };
  // A member with a layout of its own, absent if it is empty.
  const auto member = [&](std::uint64_t tag, auto which) {
    each(
        tag, [=](const Profile& profile) { return !(profile.*which).empty(); },
        [=](auto io, auto& profile) { io.part(profile.*which); });
  };
  each(
      1, [](const Profile& profile) { return profile.dataset_timestamp_.has_value(); },
      [](auto io, auto& profile) {
        std::int64_t timestamp = profile.dataset_timestamp_.value_or(0);
        io.zigzag(timestamp);
        io.require(is_date(timestamp), "a dataset timestamp outside of the years 1 to 9999");
        if constexpr (decltype(io)::kReads) profile.dataset_timestamp_ = timestamp;
      });
  each(2, always, [](auto io, auto& profile) {
    io.map(profile.groups_, 24, kNameOutOfOrder,
           [&](const std::string& prefix, auto& images) { layout_images(io, prefix, images); });
  });
  each(3, always, [](auto io, auto& profile) {
    io.map(profile.columns_, 32, kNameOutOfOrder, [&](const std::string& name, auto& column) {
      if constexpr (decltype(io)::kReads) {
        wire::Reader body(io.in.bytes(io.in.varint()));
        column = Column::decode(body, name);
        body.expect_end();
      } else {
        wire::Writer body;
        column.encode(body);
        io.bytes(body.view());
      }
    });
  });
  member(4, &Profile::failures);
  member(6, &Profile::exemplars);
  member(7, &Profile::rows);
  member(8, &Profile::by_group_);
  each(
      9,
      [](const Profile& profile) { return !profile.vectors_.empty() || !profile.joints_.empty(); },
      [](auto io, auto& profile) {
        io.map(profile.vectors_, 40, kNameOutOfOrder, [&](const std::string& name, auto& vectors) {
          io.part(vectors, name);
          const Column* column = profile.find(name);
          io.require(column != nullptr && column->meaning().role == Role::kVector,
                     [&] { return "vectors of " + name + ", which is no feature of vectors"; });
        });
        io.map(profile.joints_, 24, kNameOutOfOrder,
               [&](const std::string&, auto& joint) { io.part(joint); });
      });
  member(64, &Profile::decoders);
}

std::vector<std::uint8_t> Profile::encode() const {
  wire::Writer out;
  out.bytes(kMagic);
  out.u8(kVersion);
  out.u8(kVersion);
  each_section([&](std::uint64_t tag, auto is_there, auto layout) {
    if (!is_there(*this)) return;
    out.section(tag, [&](wire::Writer& body) { layout(Packer{body}, *this); });
  });
  for (const UnknownSection& section : unknown_) {
    out.section(section.tag, [&](wire::Writer& body) { body.bytes(section.body); });
  }
  out.u32(wire::crc32c(out.view()));
  return std::move(out).take();
}

Profile Profile::decode(std::span<const std::uint8_t> data) {
  wire::Reader sections = checked_sections(data);
  Profile profile;
  std::uint64_t last_tag = 0;
  while (!sections.at_end()) {
    wire::Section section = sections.section();
    if (section.tag <= last_tag) {
      throw DecodeError("section " + std::to_string(section.tag) + " of the profile follows " +
                        std::to_string(last_tag));
    }
    last_tag = section.tag;
    bool is_known = false;
    each_section([&](std::uint64_t tag, auto, auto layout) {
      if (tag != section.tag) return;
      is_known = true;
      layout(Unpacker{section.body}, profile);
    });
    if (!is_known && section.tag < kFirstOptional) {
      throw DecodeError("unknown section " + std::to_string(section.tag) +
                        " in the profile; update lightmeter");
    }
    if (!is_known) {
      const auto body = section.body.bytes(section.body.remaining());
      profile.unknown_.push_back({section.tag, {body.begin(), body.end()}});
    }
    section.body.expect_end();
  }
  check_groups(profile);
  return profile;
}

}  // namespace lightmeter::profile
