#include "profile/profile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "error.hpp"
#include "measure/image_meter.hpp"
#include "profile/decoded_column.hpp"
#include "profile/image_features.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {
namespace {

ImageFeatures two_pixels(measure::Set set = measure::Set::kDefault) {
  const std::array<std::uint8_t, 6> samples{200, 30, 30, 10, 20, 30};
  measure::ImageMeter meter(set, 2, 1);
  meter.update(
      {.data = samples.data(), .width = 2, .height = 1, .row_stride = 6, .pixel_stride = 3});
  return ImageFeatures(meter);
}

// A file of these sections.
std::vector<std::uint8_t> with_sections(
    const std::vector<std::pair<std::string, std::vector<std::uint8_t>>>& sections) {
  wire::Writer out;
  for (const char letter : {'L', 'M', 'P', '\n', '\1', '\1'}) out.u8(std::uint8_t(letter));
  out.u8(static_cast<std::uint8_t>(sections.size()));
  out.u32(wire::crc32c(out.view()));
  for (const auto& [name, body] : sections) out.section(name, body);
  return std::move(out).take();
}

// The section of one prefix, "image".
std::vector<std::uint8_t> images_of(std::uint64_t count) {
  wire::Writer body;
  body.varint(1);
  body.string("image");
  body.varint(count);
  body.varint(0);  // no policies
  return std::move(body).take();
}

TEST(Profile, FeaturesOfAnImage) {
  Profile profile;
  log_image(profile, "image", two_pixels(), "RGB");
  const auto is_logged = [](const measure::Number& number) {
    return number.set <= measure::Set::kDefault;
  };
  const auto numbers = std::ranges::count_if(measure::image_numbers(), is_logged);
  EXPECT_EQ(profile.columns().size(), static_cast<std::size_t>(numbers) + 5);
  EXPECT_EQ(profile.groups().at("image").images, 1U);
  EXPECT_DOUBLE_EQ(profile.find("image.Brightness.mean")->moments().mean(), 115.0);
  EXPECT_EQ(profile.find("image.Hue.pixels")->values(), 2U);
  EXPECT_EQ(profile.find("no"), nullptr);
}

TEST(Profile, WhatTheFeaturesOfAnImageMean) {
  Profile profile;
  log_image(profile, "image", two_pixels(measure::Set::kAll), "RGB");
  for (const auto& [name, column] : profile.columns()) {
    EXPECT_EQ(column.meaning().origin, Origin::kImage) << name;
  }
  for (const measure::Number& number : measure::image_numbers()) {
    const Column* column = profile.find("image." + std::string(number.name));
    ASSERT_NE(column, nullptr) << number.name;
    EXPECT_EQ(column->meaning().role, number.role);
    if (column->values() > 0) {
      EXPECT_EQ(column->integral(), number.is_integer() ? 1U : 0U);
    }
    EXPECT_FALSE(number.says.empty());
  }
  EXPECT_EQ(profile.find("image.Hue.pixels")->meaning().role, Role::kAnglePixels);
  EXPECT_EQ(profile.find("image.Colorspace")->meaning().role, Role::kCategory);
  EXPECT_EQ(profile.find("image.Failure")->meaning().role, Role::kFailure);
}

TEST(Profile, MissingValuesAreDerived) {
  Profile profile;
  for (int i = 0; i < 3; ++i) log_image(profile, "image", two_pixels(), "RGB");
  for (int i = 0; i < 2; ++i) profile.count_exif_read("image", ExifPolicy{});
  profile.column("image.Make", {Role::kPlain, Origin::kExif}).update(std::string_view("SONY"));
  log_failure(profile, "image", {"a.jpg", "empty", "no bytes"});
  EXPECT_EQ(profile.failures.entries().size(), 1U);
  EXPECT_EQ(profile.missing("image.Make"), 1U);
  EXPECT_EQ(profile.missing("image.Failure"), 3U);
  EXPECT_EQ(profile.missing("image.Hue.mean"), 0U);
  EXPECT_EQ(profile.missing("no"), 0U);
}

TEST(Profile, RolesDoNotDependOnWhatCameFirst) {
  Profile images;
  log_image(images, "image", two_pixels(), "RGB");
  log_failure(images, "image", {"a", "damaged", ""});
  Profile values;
  values.column("image.Failure").update(std::string_view("x"));
  values.column("image.Failure").update_null();
  Profile values_first(values);
  values_first.merge(images);
  images.merge(values);
  EXPECT_EQ(images.encode(), values_first.encode());
  EXPECT_EQ(images.find("image.Failure")->meaning().role, Role::kFailure);
  EXPECT_EQ(images.missing("image.Failure"), 2U);

  values.column("image.Failure", {Role::kFailure, Origin::kValue});
  EXPECT_EQ(values.find("image.Failure")->meaning().role, Role::kFailure);
  values.column("image.Failure");
  EXPECT_EQ(values.find("image.Failure")->meaning().role, Role::kFailure);
}

TEST(Profile, MergeWithItselfDoublesEverything) {
  Profile profile;
  log_image(profile, "image", two_pixels(), "RGB");
  Profile twice;
  for (int i = 0; i < 2; ++i) log_image(twice, "image", two_pixels(), "RGB");
  profile.merge(profile);
  EXPECT_EQ(profile.encode(), twice.encode());
}

TEST(Profile, KeepsTheEarlierTimestamp) {
  Profile a;
  Profile b;
  b.dataset_timestamp = -5;
  a.merge(b);
  EXPECT_EQ(a.dataset_timestamp, -5);
  a.dataset_timestamp = -7;
  a.merge(b);
  EXPECT_EQ(a.dataset_timestamp, -7);
  EXPECT_EQ(Profile::decode(a.encode()).dataset_timestamp, -7);
  for (const std::int64_t known : {-62'135'596'800'000, 253'402'300'799'999}) {
    a.dataset_timestamp = known;
    EXPECT_EQ(Profile::decode(a.encode()).dataset_timestamp, known);
  }
  for (const std::int64_t unknown : {-62'135'596'800'001, 253'402'300'800'000, INT64_MIN}) {
    a.dataset_timestamp = unknown;
    EXPECT_THROW((void)Profile::decode(a.encode()), DecodeError);
  }
}

TEST(Profile, DecodeRefusesCountsThatCouldOverflow) {
  Profile groups;
  groups.count_image("image");
  EXPECT_EQ(with_sections({{"images", images_of(1)}}), groups.encode());
  const auto many = with_sections({{"images", images_of((std::uint64_t{1} << 56) + 1)}});
  EXPECT_THROW((void)Profile::decode(many), DecodeError);
  // Role and parts 0, then 2^56 + 1 missing values.
  const std::uint8_t body[] = {0, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1};
  wire::Reader in(body);
  EXPECT_THROW((void)decoded_column(in, "x"), DecodeError);
}

// Whatever came at that place before, and also in a copy, an assigned and a moved profile.
TEST(Profile, ColumnsByPlaceAreThoseByName) {
  Profile profile;
  for (const auto& names : {std::vector{"b", "a"}, {"b", "a", "c"}, {"a", "b"}, {"c"}}) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(&profile.column(i, names[i]), &profile.column(names[i]));
    }
  }
  const Column& far = profile.column(9, "d");
  EXPECT_EQ(&far, profile.find("d"));
  Profile copy(profile);
  Profile assigned;
  assigned.column(0, "c").update(1.0);
  assigned = profile;
  Profile moved(std::move(profile));
  for (Profile* each : {&copy, &assigned, &moved}) {
    EXPECT_EQ(&each->column(0, "c"), each->find("c"));
    EXPECT_EQ(&each->column(1, "b"), each->find("b"));
    EXPECT_EQ(each->columns().size(), 4U);
  }
}

TEST(Profile, MergingRefusesWhatCouldNotBeReadAgain) {
  for (const bool in_group : {false, true}) {
    Profile profile;
    profile.column("a").update(1.0);
    profile.column("b").update(std::string_view("x"));
    if (in_group) profile.count_image("image");
    for (int i = 0; i < 56; ++i) profile.merge(profile);
    EXPECT_EQ(Profile::decode(profile.encode()).encode(), profile.encode());
    const auto before = profile.encode();
    EXPECT_THROW(profile.merge(profile), IncompatibleError);
    Profile empty;
    empty.merge(profile);
    EXPECT_EQ(empty.encode(), before);
    EXPECT_EQ(profile.encode(), before);
  }
}

TEST(Profile, DecodeRefusesSectionsOutOfOrder) {
  const std::pair<std::string, std::vector<std::uint8_t>> images{"images", images_of(1)};
  const std::pair<std::string, std::vector<std::uint8_t>> timestamp{"timestamp", {2}};
  Profile profile;
  profile.count_image("image");
  profile.dataset_timestamp = 1;
  EXPECT_EQ(with_sections({timestamp, images}), profile.encode());
  EXPECT_THROW((void)Profile::decode(with_sections({images, timestamp})), DecodeError);
  EXPECT_THROW((void)Profile::decode(with_sections({timestamp, timestamp})), DecodeError);
}

}  // namespace
}  // namespace lightmeter::profile
