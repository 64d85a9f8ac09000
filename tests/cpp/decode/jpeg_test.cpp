#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "decode/jpeg_bits.hpp"
#include "decode/jpeg_dct.hpp"
#include "decode/jpeg_huffman.hpp"
#include "decode/jpeg_kernels.hpp"
#include "kernels/tier.hpp"

// That whole files give the samples of Pillow is tested in tests/python/image/test_jpeg.py.
namespace lightmeter::decode {
namespace {

const JpegKernels& tier() { return jpeg_kernels(kernels::active()); }

std::vector<std::uint8_t> noise(std::size_t n, std::mt19937& random) {
  std::vector<std::uint8_t> bytes(n + 2 * kJpegRoom);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// ITU T.81, table K.5: the codes of luminance AC coefficients.
constexpr std::array<std::uint8_t, 16> kCounts = {0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125};

// That many symbols, all of them different and with a meaning.
std::vector<std::uint8_t> symbols() {
  std::vector<std::uint8_t> all = {0x00, 0xF0};
  for (int run = 0; run < 16; ++run) {
    for (int size = 1; size <= 10; ++size)
      all.push_back(static_cast<std::uint8_t>(run << 4 | size));
  }
  return all;
}

TEST(JpegDct, KeepsTheNormThatTheBoundRestsOn) {
  for (int x = 0; x < 4; ++x) {
    double square = 0;
    for (int i = 0; i < 4; ++i) {
      square += std::pow(kEvenPart[x][i] / 8192.0, 2) + std::pow(kOddPart[x][i] / 8192.0, 2);
    }
    EXPECT_NEAR(square, 8.0, 0.002) << x;
  }
}

TEST(JpegDct, WhatIsExactAtAGlanceIsExactInFull) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::array<std::int16_t, 64> values{};
    const int coefficients = 1 + static_cast<int>(random() % 63);
    const int each = static_cast<int>(350 / std::sqrt(coefficients));
    std::int64_t energy = 0;
    for (int i = 1; i <= coefficients; ++i) {
      const int value = random() % 2 == 0 ? each : -each;
      values[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(value);
      energy += std::int64_t{value} * value;
    }
    const int first = random() % 2 == 0 ? 1200 : -1200;
    values[0] = static_cast<std::int16_t>(first);
    ASSERT_LE(energy, 350 * 350);
    ASSERT_TRUE(is_exact_in_full(first, energy, values));
  }
}

TEST(JpegDct, ExtremeBlocksAreNotExact) {
  std::array<std::int16_t, 64> values{};
  values[0] = 4092;  // a sample of 511.5, which rounds up
  EXPECT_FALSE(is_exact(4092, 0, values));
  values[0] = 4091;
  EXPECT_TRUE(is_exact(4091, 0, values));
  values[0] = -4095;
  EXPECT_TRUE(is_exact(-4095, 0, values));
  values[0] = -4096;
  EXPECT_FALSE(is_exact(-4096, 0, values));
  EXPECT_FALSE(is_exact(kMostValue + 1, 0, values));
  EXPECT_FALSE(is_exact(0, std::int64_t{kMostValue} * kMostValue + 1, values));
}

TEST(JpegKernels, InverseDctIsThatOfTheSpecification) {
  std::mt19937 random(2);
  alignas(64) std::array<std::int16_t, 64> values;
  for (int round = 0; round < 20'000; ++round) {
    const bool low = round % 2 == 0;
    values.fill(0);
    const int most = 1 + static_cast<int>(random() % 1500);
    std::int64_t energy = 0;
    for (std::size_t i = 0; i < 64; ++i) {
      if (random() % 3 == 0 || (low && (i % 8 > 3 || i / 8 > 3))) continue;
      const int value = static_cast<int>(random() % (2U * static_cast<unsigned>(most))) - most;
      values[i] = static_cast<std::int16_t>(value);
      if (i > 0) energy += std::int64_t{value} * value;
    }
    if (!is_exact(values[0], energy, values)) continue;
    std::array<std::uint8_t, 80> expected{}, got{};
    scalar::kJpeg.inverse_dct(values.data(), expected.data(), 10);
    tier().inverse_dct(values.data(), got.data(), 10);
    ASSERT_EQ(got, expected);
    if (!low) continue;
    got = {};
    tier().inverse_low_dct(values.data(), got.data(), 10);
    ASSERT_EQ(got, expected);
  }
}

TEST(JpegKernels, DoublingIsThatOfTheSpecification) {
  std::mt19937 random(3);
  for (std::size_t n = 3; n < 150; ++n) {
    const auto near = noise(n, random), far = noise(n, random);
    std::vector<std::uint8_t> expected(2 * n + kJpegRoom), got(2 * n + kJpegRoom);
    const auto compare = [&] {
      expected.resize(2 * n);
      got.resize(2 * n);
      ASSERT_EQ(got, expected) << n;
      expected.resize(2 * n + kJpegRoom);
      got.resize(2 * n + kJpegRoom);
    };
    scalar::kJpeg.double_across(&near[kJpegRoom], n, expected.data());
    tier().double_across(&near[kJpegRoom], n, got.data());
    compare();
    scalar::kJpeg.double_both(&near[kJpegRoom], &far[kJpegRoom], n, expected.data());
    tier().double_both(&near[kJpegRoom], &far[kJpegRoom], n, got.data());
    compare();
  }
}

TEST(JpegKernels, AllColoursAreThoseOfTheSpecification) {
  constexpr std::size_t n = 256;
  std::array<std::uint8_t, n> y, cb, cr;
  for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<std::uint8_t>(i);
  std::array<std::array<std::uint8_t, n>, 3> expected{}, got{};
  for (int b = 0; b < 256; ++b) {
    cb.fill(static_cast<std::uint8_t>(b));
    for (int r = 0; r < 256; ++r) {
      cr.fill(static_cast<std::uint8_t>(r));
      scalar::kJpeg.to_rgb(y.data(), cb.data(), cr.data(), n, expected[0].data(),
                           expected[1].data(), expected[2].data());
      tier().to_rgb(y.data(), cb.data(), cr.data(), n, got[0].data(), got[1].data(), got[2].data());
      ASSERT_EQ(got, expected) << b << ' ' << r;
    }
  }
}

TEST(JpegHuffman, TenBitsTellWhatTheCanonicalWayTells) {
  HuffmanTable table;
  ASSERT_TRUE(table.set(kCounts, symbols()));
  for (std::uint32_t bits = 0; bits < 1 << 16; ++bits) {
    const auto code = table.find(bits);
    const auto ahead = table.codes[bits >> 6];
    if (ahead.bits != 0) {
      ASSERT_EQ(ahead.bits, code.bits);
      ASSERT_EQ(ahead.symbol, code.symbol);
    } else {
      ASSERT_TRUE(code.bits == 0 || code.bits > HuffmanTable::kAhead);
    }
  }
}

// Symbol by symbol, as far as each is whole within the ten bits.
HuffmanTable::Ahead one_by_one(const HuffmanTable& table, std::uint32_t ten) {
  HuffmanTable::Ahead expected{};
  std::size_t coefficients = 0;
  int at = 0, places = 0;
  while (!expected.ends) {
    const auto [symbol, length] = table.find(ten << (6 + at) & 0xFFFF);
    const int size = symbol & 15, end = at + length + size;
    if (length == 0 || end > HuffmanTable::kAhead || symbol == 0xF0) break;
    if (size != 0 && coefficients == 2) break;
    if (size != 0) {
      const int value = extend(ten >> (HuffmanTable::kAhead - end) & ((1U << size) - 1), size);
      places += (symbol >> 4) + 1;
      (coefficients++ == 0 ? expected.first : expected.second) = static_cast<std::int16_t>(value);
      if (coefficients == 1) expected.first_places = static_cast<std::uint8_t>(places);
    }
    expected.ends = size == 0;
    at = end;
  }
  if (coefficients == 0) expected.first_places = 1, places = 1;
  expected.bits = static_cast<std::uint8_t>(at);
  expected.places = at == 0 ? HuffmanTable::kUnknown : static_cast<std::uint8_t>(places);
  return expected;
}

TEST(JpegHuffman, WhatIsAheadIsWhatComesSymbolBySymbol) {
  HuffmanTable table;
  ASSERT_TRUE(table.set(kCounts, symbols()));
  table.look_ahead(true);
  for (std::uint32_t ten = 0; ten < HuffmanTable::kEntries; ++ten) {
    const auto expected = one_by_one(table, ten);
    const auto& ahead = table.ahead[ten];
    ASSERT_EQ(ahead.first, expected.first) << ten;
    ASSERT_EQ(ahead.second, expected.second) << ten;
    ASSERT_EQ(ahead.first_places, expected.first_places) << ten;
    ASSERT_EQ(ahead.places, expected.places) << ten;
    ASSERT_EQ(ahead.bits, expected.bits) << ten;
    ASSERT_EQ(ahead.ends, expected.ends) << ten;
  }
}

TEST(JpegHuffman, DifferencesAheadAreThoseOfTheCanonicalWay) {
  const std::array<std::uint8_t, 16> counts = {0, 1, 5, 1, 1, 1, 1, 1, 1};  // T.81, table K.3
  const std::array<std::uint8_t, 12> sizes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  HuffmanTable table;
  ASSERT_TRUE(table.set(counts, sizes));
  table.look_ahead(false);
  for (std::uint32_t ten = 0; ten < HuffmanTable::kEntries; ++ten) {
    const auto [size, length] = table.find(ten << 6);
    const auto& ahead = table.ahead[ten];
    const int end = length + size;
    if (length == 0 || end > HuffmanTable::kAhead) {
      ASSERT_EQ(ahead.places, HuffmanTable::kUnknown) << ten;
      continue;
    }
    ASSERT_EQ(ahead.places, 0) << ten;
    ASSERT_EQ(ahead.bits, end) << ten;
    ASSERT_EQ(ahead.first, extend(ten >> (HuffmanTable::kAhead - end) & ((1U << size) - 1), size))
        << ten;
  }
}

TEST(JpegHuffman, RefusesTablesThatNoCodesFit) {
  HuffmanTable table;
  std::array<std::uint8_t, 16> counts{};
  counts[0] = 3;
  EXPECT_FALSE(table.set(counts, std::array<std::uint8_t, 3>{1, 2, 3}));
  counts[0] = 2;  // one of them is all ones
  EXPECT_FALSE(table.set(counts, std::array<std::uint8_t, 2>{1, 2}));
  counts[0] = 1;
  EXPECT_FALSE(table.set(counts, std::array<std::uint8_t, 3>{1, 2, 3}));
  EXPECT_TRUE(table.set(counts, std::array<std::uint8_t, 1>{1}));
  EXPECT_EQ(table.find(0xFFFF).bits, 0);
  const std::array<std::uint8_t, 1> twelve{12};
  EXPECT_EQ(huffman_table(false, counts, twelve), nullptr);
  EXPECT_NE(huffman_table(true, counts, std::array<std::uint8_t, 1>{0x1A}), nullptr);
  EXPECT_EQ(huffman_table(true, counts, std::array<std::uint8_t, 1>{0x1B}), nullptr);
  EXPECT_EQ(huffman_table(true, counts, std::array<std::uint8_t, 1>{0x10}), nullptr);
}

TEST(JpegHuffman, ExtendsAsTheStandardSays) {
  EXPECT_EQ(extend(0, 1), -1);
  EXPECT_EQ(extend(1, 1), 1);
  EXPECT_EQ(extend(0, 3), -7);
  EXPECT_EQ(extend(3, 3), -4);
  EXPECT_EQ(extend(4, 3), 4);
}

TEST(JpegBits, StuffedZerosAreNoBits) {
  const std::vector<std::uint8_t> bytes = {0x12, 0xFF, 0x00, 0x34, 0xFF, 0x00, 0x56, 0x78, 0x9A,
                                           0xBC, 0xDE, 0xF0, 0xFF, 0xD0, 0x80, 0xFF, 0xD9};
  BitReader bits(bytes);
  for (const std::uint32_t byte : {0x12, 0xFF, 0x34, 0xFF, 0x56, 0x78, 0x9A, 0xBC, 0xDE}) {
    bits.refill();
    EXPECT_EQ(bits.peek(8), byte);
    bits.skip(8);
  }
  BitReader early = bits;
  EXPECT_FALSE(early.end_segment(0xD0));  // a byte is left
  bits.refill();
  bits.skip(1);
  EXPECT_FALSE(BitReader(bits).end_segment(0xD1));
  EXPECT_TRUE(bits.end_segment(0xD0));
  bits.refill();
  bits.skip(8);
  EXPECT_FALSE(bits.is_overrun());
  BitReader late = bits;
  late.skip(1);
  EXPECT_TRUE(late.is_overrun());
  EXPECT_FALSE(late.end_segment(0xD9));
  EXPECT_TRUE(bits.end_segment(0xD9));
}

}  // namespace
}  // namespace lightmeter::decode
