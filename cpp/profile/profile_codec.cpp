#include <algorithm>
#include <string>
#include <utility>

#include "error.hpp"
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
constexpr std::uint64_t kTimestamp = 1;
constexpr std::uint64_t kGroups = 2;
constexpr std::uint64_t kColumns = 3;
constexpr std::uint64_t kFailures = 4;
constexpr std::uint64_t kExemplars = 6;
constexpr std::uint64_t kRows = 7;
constexpr std::uint64_t kByGroup = 8;
constexpr std::uint64_t kVectors = 9;
constexpr std::uint64_t kFirstOptional = 64;
constexpr std::uint64_t kDecoders = 64;
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
template <class Map>
std::string next_name(wire::Reader& in, const Map& so_far) {
  std::string name(in.string());
  if (!so_far.empty() && so_far.rbegin()->first >= name) {
    throw DecodeError("name " + name + " is out of order in the profile");
  }
  return name;
}

ImageGroup decode_group(wire::Reader& in, const std::string& prefix) {
  ImageGroup group;
  group.images = in.varint();
  std::uint64_t all_read = 0;
  for (std::uint64_t left = in.count(24); left > 0; --left) {
    ExifPolicy policy = ExifPolicy::decode(in);
    if (!group.exif_read.empty() && group.exif_read.rbegin()->first >= policy) {
      throw DecodeError("images " + prefix + ": Exif policies out of order");
    }
    const std::uint64_t read = in.varint();
    if (read == 0) throw DecodeError("images " + prefix + ": an Exif policy of no image");
    all_read += std::min(read, sketch::kMaxCount + 1 - all_read);
    group.exif_read.emplace(std::move(policy), read);
  }
  if (std::max(group.images, all_read) > sketch::kMaxCount) {
    throw DecodeError("images " + prefix + ": a count above 2^56");
  }
  return group;
}

// Groups hold a part of the columns and images, so that no sum of groups is above 2^56 either.
void check_groups(const Profile& profile) {
  const auto check = [](const GroupMoments::Counts& counts, std::uint64_t most) {
    for (const auto& [place, count] : counts) {
      if (count > most) throw DecodeError("groups of the profile: more than there are at all");
      most -= count;
    }
  };
  static const Column kNone("");
  for (const auto& [name, values] : profile.by_group().columns()) {
    const Column* found = profile.find(name);
    const Column& column = found == nullptr ? kNone : *found;
    const sketch::QuantileSketch& numbers = column.numbers();
    GroupMoments::Counts finite;
    for (const auto& mean : values.means) finite.emplace_back(mean.place, mean.n);
    check(finite, numbers.n());
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

std::vector<std::uint8_t> Profile::encode() const {
  wire::Writer out;
  out.bytes(kMagic);
  out.u8(kVersion);
  out.u8(kVersion);
  if (dataset_timestamp_) {
    out.section(kTimestamp, [&](wire::Writer& body) { body.zigzag(*dataset_timestamp_); });
  }
  out.section(kGroups, [&](wire::Writer& body) {
    body.varint(groups_.size());
    for (const auto& [prefix, group] : groups_) {
      body.string(prefix);
      body.varint(group.images);
      body.varint(group.exif_read.size());
      for (const auto& [policy, read] : group.exif_read) {
        policy.encode(body);
        body.varint(read);
      }
    }
  });
  out.section(kColumns, [&](wire::Writer& body) {
    body.varint(columns_.size());
    for (const auto& [name, column] : columns_) {
      wire::Writer framed;
      column.encode(framed);
      body.string(name);
      body.varint(framed.size());
      body.bytes(framed.view());
    }
  });
  if (!failures.entries().empty()) {
    out.section(kFailures, [&](wire::Writer& body) { failures.encode(body); });
  }
  if (exemplars.keep() > 0) {
    out.section(kExemplars, [&](wire::Writer& body) { exemplars.encode(body); });
  }
  if (rows.keep() > 0) {
    out.section(kRows, [&](wire::Writer& body) { rows.encode(body); });
  }
  if (!by_group_.empty()) {
    out.section(kByGroup, [&](wire::Writer& body) { by_group_.encode(body); });
  }
  if (!vectors_.empty() || !joints_.empty()) {
    out.section(kVectors, [&](wire::Writer& body) {
      body.varint(vectors_.size());
      for (const auto& [name, vectors] : vectors_) {
        body.string(name);
        vectors.encode(body);
      }
      body.varint(joints_.size());
      for (const auto& [prefix, joint] : joints_) {
        body.string(prefix);
        joint.encode(body);
      }
    });
  }
  if (!decoders.entries().empty()) {
    out.section(kDecoders, [&](wire::Writer& body) { decoders.encode(body); });
  }
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
    wire::Reader& in = section.body;
    if (section.tag <= last_tag) {
      throw DecodeError("section " + std::to_string(section.tag) + " of the profile follows " +
                        std::to_string(last_tag));
    }
    last_tag = section.tag;
    if (section.tag == kTimestamp) {
      profile.dataset_timestamp_ = in.zigzag();
      if (!is_date(*profile.dataset_timestamp_)) {
        throw DecodeError("a dataset timestamp outside of the years 1 to 9999");
      }
    } else if (section.tag == kGroups) {
      for (std::uint64_t left = in.count(24); left > 0; --left) {
        const std::string prefix = next_name(in, profile.groups_);
        profile.groups_[prefix] = decode_group(in, prefix);
      }
    } else if (section.tag == kColumns) {
      for (std::uint64_t left = in.count(32); left > 0; --left) {
        const std::string name = next_name(in, profile.columns_);
        wire::Reader body(in.bytes(in.varint()));
        profile.columns_.emplace(name, Column::decode(body, name));
        body.expect_end();
      }
    } else if (section.tag == kFailures) {
      profile.failures = Failures::decode(in);
    } else if (section.tag == kExemplars) {
      profile.exemplars = Exemplars::decode(in);
    } else if (section.tag == kRows) {
      profile.rows = RowSample::decode(in);
    } else if (section.tag == kByGroup) {
      profile.by_group_ = GroupMoments::decode(in);
      check_groups(profile);
    } else if (section.tag == kVectors) {
      for (std::uint64_t left = in.count(40); left > 0; --left) {
        const std::string name = next_name(in, profile.vectors_);
        profile.vectors_.emplace(name, Vectors::decode(in, name));
        const Column* column = profile.find(name);
        if (column == nullptr || column->meaning().role != Role::kVector) {
          throw DecodeError("vectors of " + name + ", which is no feature of vectors");
        }
      }
      for (std::uint64_t left = in.count(24); left > 0; --left) {
        const std::string prefix = next_name(in, profile.joints_);
        profile.joints_.emplace(prefix, Joint::decode(in));
      }
    } else if (section.tag == kDecoders) {
      profile.decoders = Decoders::decode(in);
    } else if (section.tag >= kFirstOptional) {
      const auto body = in.bytes(in.remaining());
      profile.unknown_.push_back({section.tag, {body.begin(), body.end()}});
    } else {
      throw DecodeError("unknown section " + std::to_string(section.tag) +
                        " in the profile; update lightmeter");
    }
    in.expect_end();
  }
  return profile;
}

}  // namespace lightmeter::profile
