#include "wire/wire.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "error.hpp"

namespace lightmeter::wire {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Wire, NumbersAreLittleEndian) {
  Writer out;
  out.u8(1);
  out.u32(0x05040302);
  out.u64(0x0D0C0B0A09080706);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out.view()[i], i + 1);
}

TEST(Wire, EverythingComesBack) {
  Writer out;
  out.f32(-1.5F);
  out.f64(0.1);
  const std::uint64_t unsigned_values[] = {
      0, 127, 128, 16384, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max()};
  for (const std::uint64_t value : unsigned_values) out.varint(value);
  const std::int64_t signed_values[] = {0, -1, 1, std::numeric_limits<std::int64_t>::min(),
                                        std::numeric_limits<std::int64_t>::max()};
  for (const std::int64_t value : signed_values) out.zigzag(value);
  out.string("na\0me");
  out.section("seven", bytes_of("body"));
  out.section("eight", {});

  Reader in(out.view());
  EXPECT_EQ(in.f32(), -1.5F);
  EXPECT_EQ(in.f64(), 0.1);
  for (const std::uint64_t value : unsigned_values) EXPECT_EQ(in.varint(), value);
  for (const std::int64_t value : signed_values) EXPECT_EQ(in.zigzag(), value);
  EXPECT_EQ(in.string(), "na\0me");
  Section section = in.section();
  EXPECT_EQ(section.name, "seven");
  EXPECT_TRUE(std::ranges::equal(section.body.bytes(4), bytes_of("body")));
  section.body.expect_end();
  EXPECT_EQ(in.section().name, "eight");
  in.expect_end();
}

TEST(Wire, ADamagedSectionIsRefused) {
  Writer out;
  out.section("name", bytes_of("body"));
  const std::vector<std::uint8_t> bytes(out.view().begin(), out.view().end());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THROW((void)Reader(flipped).section(), DecodeError);
    EXPECT_THROW((void)Reader(std::span(bytes).first(bit / 8)).section(), DecodeError);
  }
  for (const std::string name : {"", "Name", "na me", "name\x1b", "a-long-name"}) {
    Writer odd;
    odd.section(name, {});
    EXPECT_THROW((void)Reader(odd.view()).section(), DecodeError) << name;
  }
}

TEST(Wire, ReadingPastTheEndThrows) {
  const std::uint8_t data[] = {0xFF, 0xFF, 0xFF};
  EXPECT_THROW((void)Reader({}).u8(), DecodeError);
  EXPECT_THROW((void)Reader(data).u32(), DecodeError);
  EXPECT_THROW((void)Reader(data).varint(), DecodeError);
  EXPECT_THROW((void)Reader(data).bytes(4), DecodeError);
  EXPECT_THROW((void)Reader(data).bytes(std::numeric_limits<std::uint64_t>::max()), DecodeError);
  EXPECT_THROW(Reader(data).expect_end(), DecodeError);
}

TEST(Wire, VarintsHaveOneForm) {
  const std::uint8_t padded[] = {0x81, 0x00};
  EXPECT_THROW((void)Reader(padded).varint(), DecodeError);
  std::uint8_t too_wide[10] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02};
  EXPECT_THROW((void)Reader(too_wide).varint(), DecodeError);
  too_wide[9] = 0x01;
  EXPECT_EQ(Reader(too_wide).varint(), std::uint64_t{1} << 63);
}

TEST(Wire, CountsAreLimitedByWhatFollows) {
  Writer out;
  out.varint(9);
  out.u8(0);
  EXPECT_THROW((void)Reader(out.view()).count(1), DecodeError);
  out.u8(0);
  EXPECT_EQ(Reader(out.view()).count(1), 9U);
  EXPECT_THROW((void)Reader(out.view()).count(8), DecodeError);
}

bool is_text(std::string_view bytes) {
  Writer out;
  out.string(bytes);
  try {
    return Reader(out.view()).string() == bytes;
  } catch (const DecodeError&) {
    return false;
  }
}

TEST(Wire, TextIsWellFormedUtf8) {
  int valid = 0;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      valid += is_text(std::string{static_cast<char>(first), static_cast<char>(second)}) ? 1 : 0;
    }
  }
  EXPECT_EQ(valid, 128 * 128 + 0x800 - 0x80);  // two ASCII characters, or one of U+0080..U+07FF
  for (const char* good : {"\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"}) {
    EXPECT_TRUE(is_text(good)) << good;
  }
  for (const char* bad : {"\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xe2\x82", "\xe2\x82\x28", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(is_text(bad)) << bad;
  }
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE3069283U);
  const std::uint8_t zeros[32] = {};
  EXPECT_EQ(crc32c(zeros), 0x8A9136AAU);  // RFC 3720, B.4
}

}  // namespace
}  // namespace lightmeter::wire
