#include "sketch/datasketches.hpp"

#include <algorithm>
#include <string_view>

#include "sketch/quantile_checks.hpp"

// Bytes written by the datasketches package 5.2.0.
namespace lightmeter::sketch {
namespace {

std::vector<std::uint8_t> from_hex(std::string_view hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// k = 200: 0, 1, 4, 9, 16
const auto kFiveFloats = from_hex(
    "05010f00c80008000500000000000000c8000100c30000000000000000008041000080410000104100008040000080"
    "3f"
    "00000000");
// k = 8: 0, 1/7, ..., 99/7
const auto kHundredDoubles = from_hex(
    "05010f0008000800640000000000000008000400050000000f000000100000001a0000000000000000000000"
    "9224499224492c409224499224492c400000000000002c406edbb66ddbb62b40dbb66ddbb66d2b4049922449"
    "92242b40b76ddbb66ddb2a402549922449922a409224499224492a400000000000002a406edbb66ddbb62940"
    "0000000000001c409224499224491e40922449922449204049922449922421409224499224492240dbb66ddb"
    "b66d234025499224499224406edbb66ddbb6254049922449922427409224499224492840dbb66ddbb66d2940"
    "000000000000f03f00000000000000409224499224490a406edbb66ddbb611409224499224491640b76ddbb6"
    "6ddb1a40");
// k = 8: 0, 1/4, ..., 299/4
const auto kThreeHundredFloats = from_hex(
    "05010f00080008002c0100000000000008000500050000000d00000013000000130000001a00000000000000"
    "00809542008095420000954200809442000094420080934200009342008092420000924200008c4200008d42"
    "00008e4200008f4200009042000091420000e64100006c420000744200007d42008082420000864200008a42"
    "000070400000e0400000344100006c41000096410000b6410000d4410000f64100000c4200001d4200002d42"
    "00003c4200004b4200005b42");

TEST(DataSketches, EmptyAndSingle) {
  EXPECT_EQ(from_datasketches(from_hex("02010f0108000800"), ItemType::kFloat32).n(), 0U);
  const auto one = from_datasketches(from_hex("02020f04080008000000c03f"), ItemType::kFloat32);
  expect_exact(one, {1.5});
  const auto tenth =
      from_datasketches(from_hex("02020f04080008009a9999999999b93f"), ItemType::kFloat64);
  expect_exact(tenth, {0.1});
}

TEST(DataSketches, AllValuesAreTakenOver) {
  expect_exact(from_datasketches(kFiveFloats, ItemType::kFloat32), {0.0, 1.0, 4.0, 9.0, 16.0});
}

TEST(DataSketches, SamplesKeepTheirWeights) {
  const auto doubles = from_datasketches(kHundredDoubles, ItemType::kFloat64);
  expect_sound(doubles);
  EXPECT_FALSE(doubles.is_exact());
  EXPECT_EQ(doubles.n(), 100U);
  EXPECT_EQ(doubles.view().values.size(), 27U);
  EXPECT_EQ(doubles.min(), 0.0);
  EXPECT_EQ(doubles.max(), 99.0 / 7.0);
  EXPECT_NEAR(doubles.pointwise_error(0.01), 2.296 / std::pow(8.0, 0.9723), 1e-12);
  expect_round_trip(doubles);

  const auto floats = from_datasketches(kThreeHundredFloats, ItemType::kFloat32);
  expect_sound(floats);
  EXPECT_EQ(floats.n(), 300U);
  EXPECT_EQ(floats.rank(3.5), 0.0);
  EXPECT_EQ(floats.rank(3.75), 16.0 / 300.0);
  EXPECT_EQ(floats.rank(59.0), (14 * 16 + 2 * 8) / 300.0);
  EXPECT_EQ(floats.max(), 74.75);
}

TEST(DataSketches, TheHeaderOfWhylogs) {
  std::vector<std::uint8_t> bytes(kHundredDoubles.size() + 4);
  std::copy_n(kHundredDoubles.begin(), 20, bytes.begin());
  std::copy(kHundredDoubles.begin() + 20, kHundredDoubles.end(), bytes.begin() + 24);
  bytes[0] = 6;
  const auto sketch = from_datasketches(bytes, ItemType::kFloat64);
  EXPECT_TRUE(sketch == from_datasketches(kHundredDoubles, ItemType::kFloat64));
}

TEST(DataSketches, TheWrongItemTypeIsFound) {
  EXPECT_THROW((void)from_datasketches(kHundredDoubles, ItemType::kFloat32), DecodeError);
  EXPECT_THROW((void)from_datasketches(kFiveFloats, ItemType::kFloat64), DecodeError);
}

TEST(DataSketches, ExtremaThatNoValueHasAreFound) {
  for (const std::size_t extremum : {24U, 28U}) {
    auto bytes = kFiveFloats;
    ASSERT_EQ(bytes[extremum + 2], extremum == 24 ? 0x00 : 0x80);  // of 0.0 and 16.0
    bytes[extremum + 3] = extremum == 24 ? 0xbf : 0x42;            // now below and above all
    EXPECT_THROW((void)from_datasketches(bytes, ItemType::kFloat32), DecodeError);
  }
}

// Infinities are counted apart, also if no other values are there and the sketch held them all.
TEST(DataSketches, InfiniteExtrema) {
  auto bytes = kFiveFloats;
  bytes[30] = bytes[34] = 0x80;
  bytes[31] = bytes[35] = 0x7f;
  const auto sketch = from_datasketches(bytes, ItemType::kFloat32);
  expect_exact(sketch, {0.0, 1.0, 4.0, 9.0});
  EXPECT_EQ(sketch.pos_inf(), 1U);
}

TEST(DataSketches, DamageIsHarmless) {
  for (const auto& bytes : {kFiveFloats, kThreeHundredFloats}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_THROW((void)from_datasketches(std::span(bytes).first(size), ItemType::kFloat32),
                   DecodeError);
    }
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1 << (bit % 8)));
      try {
        expect_sound(from_datasketches(flipped, ItemType::kFloat32));
      } catch (const DecodeError&) {
      }
    }
  }
}

}  // namespace
}  // namespace lightmeter::sketch
