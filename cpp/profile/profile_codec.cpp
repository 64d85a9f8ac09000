#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "error.hpp"
#include "profile/profile.hpp"
#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

// Version 1 is frozen: what may be added is in docs/format.md, "Versions".
constexpr std::uint8_t kMagic[4] = {'L', 'M', 'P', '\n'};
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeadSize = 11;

// Of the dataset timestamps, which are those of Python's datetime.
constexpr std::int64_t kYear1 = -62'135'596'800'000, kYear10000 = 253'402'300'800'000;

// Reads the head; returns the number of sections.
std::uint8_t checked_head(wire::Reader& in, std::span<const std::uint8_t> data) {
  if (data.size() < kHeadSize || !std::equal(std::begin(kMagic), std::end(kMagic), data.begin())) {
    throw DecodeError("not a lightmeter profile: got " + std::to_string(data.size()) +
                      " bytes that do not start with LMP");
  }
  (void)in.bytes(sizeof(kMagic) + 1);
  const std::uint8_t oldest = in.u8();
  if (oldest > kVersion) {
    throw DecodeError("the profile needs a reader of format version " + std::to_string(oldest) +
                      ", this one reads " + std::to_string(kVersion) + "; update lightmeter");
  }
  const std::uint8_t sections = in.u8();
  wire::require(in.u32() == wire::crc32c(data.first(kHeadSize - 4)),
                "damaged profile: the checksum of its head does not match");
  return sections;
}

void take(std::uint64_t& left, std::uint64_t part) {
  wire::require(part <= left, "groups of the profile: more than there are at all");
  left -= part;
}

// Groups hold a part of the columns and images, so that no sum of groups is above 2^56 either.
void check_groups(const Profile& profile) {
  static const Column kNone;
  for (const auto& [name, groups] : profile.by_group().columns()) {
    const Column* found = profile.find(name);
    const Column& column = found == nullptr ? kNone : *found;
    const sketch::QuantileSketch& numbers = column.numbers();
    std::uint64_t finite = numbers.n();
    std::uint64_t missing = column.null() + numbers.nan();
    std::uint64_t infinite = numbers.pos_inf() + numbers.neg_inf();
    std::uint64_t strings = column.strings();
    for (const auto& [bucket, values] : groups) {
      take(finite, values.x.n());
      take(missing, values.missing);
      take(infinite, values.infinite);
      for (const auto& [cell, count] : values.texts) take(strings, count);
    }
  }
  for (const auto& [prefix, groups] : profile.by_group().images()) {
    const auto found = profile.groups().find(prefix);
    ImageGroup left = found == profile.groups().end() ? ImageGroup() : found->second;
    for (const auto& [bucket, images] : groups) {
      take(left.images, images.images);
      for (const auto& [policy, read] : images.exif_read) take(left.exif_read[policy], read);
    }
  }
}

}  // namespace

// In the order of the file. A section is there if it has something in it.
struct Profile::Section {
  // A member with a layout of its own, or by name.
  template <auto kPart>
  static constexpr Section of(std::string_view name) {
    return {name, [](const Profile& profile) { return !(profile.*kPart).empty(); },
            [](Codec& codec, Profile& profile) { codec.part(profile.*kPart); }};
  }

  std::string_view name;
  bool (*is_there)(const Profile& profile);
  void (*layout)(Codec& codec, Profile& profile);

  static const std::array<Section, 12> kAll;
};

constinit const std::array<Profile::Section, 12> Profile::Section::kAll{{
    {"timestamp", [](const Profile& profile) { return profile.dataset_timestamp.has_value(); },
     [](Codec& codec, Profile& profile) {
       std::int64_t timestamp = profile.dataset_timestamp.value_or(0);
       codec.zigzag(timestamp);
       codec.require(timestamp >= kYear1 && timestamp < kYear10000,
                     "a dataset timestamp outside of the years 1 to 9999");
       if (codec.reads()) profile.dataset_timestamp = timestamp;
     }},
    of<&Profile::groups_>("images"),
    {"columns", [](const Profile& profile) { return !profile.columns_.empty(); },
     [](Codec& codec, Profile& profile) {
       codec.map(profile.columns_, [&](const std::string& name, Column& column) {
         const auto layout = [&](Codec& body) { column.layout(body); };
         Codec::named("column", name, [&] { codec.sized(layout); });
       });
     }},
    of<&Profile::failures>("failures"),
    of<&Profile::exemplars>("exemplars"),
    of<&Profile::rows>("rows"),
    of<&Profile::by_group_>("groups"),
    of<&Profile::vectors_>("vectors"),
    of<&Profile::joints_>("joints"),
    of<&Profile::decoders>("decoders"),
    of<&Profile::readings_>("readings"),
    of<&Profile::tags>("tags"),
}};

std::vector<std::uint8_t> Profile::encode() const {
  wire::Writer sections;
  std::uint8_t count = 0;
  for (const Section& section : Section::kAll) {
    if (!section.is_there(*this)) continue;
    wire::Writer body;
    Codec codec(body);
    section.layout(codec, const_cast<Profile&>(*this));  // which changes nothing
    sections.section(section.name, body.view());
    ++count;
  }
  wire::Writer out;
  out.bytes(kMagic);
  out.u8(kVersion);
  out.u8(kVersion);
  out.u8(count);
  out.u32(wire::crc32c(out.view()));
  out.bytes(sections.view());
  return std::move(out).take();
}

Profile Profile::decode(std::span<const std::uint8_t> data) {
  wire::Reader in(data);
  Profile profile;
  auto next = Section::kAll.begin();
  for (std::uint8_t left = checked_head(in, data); left > 0; --left) {
    auto [name, body] = in.section();
    const auto is_it = [wanted = name](const Section& known) { return known.name == wanted; };
    const auto section = std::find_if(Section::kAll.begin(), Section::kAll.end(), is_it);
    Codec::named("section", name, [&] {
      wire::require(section != Section::kAll.end(),
                    "this version of lightmeter does not know it; update lightmeter");
      wire::require(section >= next, "it is out of order");
      Codec codec(body);
      section->layout(codec, profile);
      body.expect_end();
    });
    next = section + 1;
  }
  in.expect_end();
  check_groups(profile);
  for (const auto& [prefix, readings] : profile.readings_) {
    const auto images = profile.groups_.find(prefix);
    wire::require(
        images != profile.groups_.end() && readings.observations() <= images->second.images,
        "readings of more images than there are");
  }
  for (const auto& [name, vectors] : profile.vectors_) {
    const Column* column = profile.find(name);
    wire::require(column != nullptr && column->meaning().role == Role::kVector,
                  "vectors of what is no feature of vectors");
  }
  return profile;
}

}  // namespace lightmeter::profile
