#include <cstring>

#include "sketch/quantile_checks.hpp"
#include "sketch/rice.hpp"
#include "sketch/sorted_floats.hpp"

namespace lightmeter::sketch {
namespace {

TEST(Packing, NumbersOfAnySizeComeBack) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<std::uint64_t> values(random() % 200);
    for (std::uint64_t& value : values) value = random() >> (random() % 64);
    wire::Writer out;
    write_rice(out, values);
    wire::Reader in(out.view());
    EXPECT_EQ(read_rice(in, values.size()), values);
    in.expect_end();
  }
}

TEST(Packing, SortedNumbersComeBack) {
  std::mt19937_64 random(2);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<double> values(random() % 100);
    for (double& value : values) {
      const std::uint64_t bits = random();
      std::memcpy(&value, &bits, sizeof(value));
      if (trial % 3 == 0) value = static_cast<double>(static_cast<float>(value));
      if (trial % 3 == 1) value = static_cast<double>(bits % 50) - 25.0;
      value = std::isfinite(value) ? value + 0.0 : 1.5;
    }
    std::ranges::sort(values);
    wire::Writer out;
    write_sorted(out, values, true);
    wire::Reader in(out.view());
    EXPECT_EQ(read_sorted(in, values.size(), true), values);
    in.expect_end();
  }
}

TEST(Packing, ContinuousValuesTakeLittleMoreThanTheirEntropy) {
  auto values = uniform(364, 1);
  for (double& value : values) value = 60.0 + 120.0 * value;
  EXPECT_LE(encoded(sketch_of(values)).size(), 6U * 364);
}

TEST(QuantileCodec, SizesOfSmallSketches) {
  EXPECT_EQ(encoded(QuantileSketch()).size(), 2U);
  EXPECT_LE(encoded(sketch_of(std::vector<double>{0.1})).size(), 24U);
  EXPECT_LE(encoded(sketch_of(std::vector<double>(364, 640.0))).size(), 12U);
}

TEST(QuantileCodec, PixelCountsTakeThreeBytesEach) {
  std::mt19937_64 random(3);
  std::vector<double> values(256);
  std::vector<std::uint64_t> counts(256);
  for (std::size_t i = 0; i < 256; ++i) {
    values[i] = static_cast<double>(i);
    counts[i] = 436000 / 2 + random() % 436000;
  }
  QuantileSketch sketch;
  sketch.update_counts(values, counts);
  EXPECT_LE(encoded(sketch).size(), 3U * 256 + 64);
}

std::vector<QuantileSketch> examples() {
  std::vector<QuantileSketch> sketches;
  sketches.emplace_back();
  sketches.push_back(sketch_of(std::vector<double>{0.1}));
  sketches.push_back(sketch_of(uniform(30, 1)));
  sketches.push_back(sketch_of(std::vector<float>{1.5F, 2.5F, -3.25F, 2.5F}));
  std::vector<double> pixels(3000);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<double>(i * i % 251);
  sketches.push_back(sketch_of(pixels));
  sketches.back().update(std::nan(""));
  sketches.push_back(sketch_of(uniform(1025, 2), 7));
  sketches.push_back(sketch_of(uniform(50000, 3), 8));
  sketches.push_back(decoded<QuantileSketch>(encoded(sketches.back())));
  for (int i = 0; i < 20; ++i) sketches.back().update(i * 0.01);
  return sketches;
}

TEST(QuantileCodec, DecodingAndEncodingGivesTheSameBytes) {
  for (const QuantileSketch& sketch : examples()) {
    expect_round_trip(sketch);
    QuantileSketch copy = decoded<QuantileSketch>(encoded(sketch));
    EXPECT_TRUE(copy == sketch);
    EXPECT_EQ(copy.n(), sketch.n());
    EXPECT_EQ(copy.nan(), sketch.nan());
    if (sketch.n() > 0) {
      EXPECT_EQ(copy.min(), sketch.min());
      EXPECT_EQ(copy.max(), sketch.max());
    }
    expect_sound(copy);
  }
}

TEST(QuantileCodec, ADecodedSketchGoesOnLikeTheFirst) {
  QuantileSketch exact = sketch_of(uniform(900, 1), 5);
  wire::Writer out;
  exact.encode(out);
  wire::Reader in(out.view());
  QuantileSketch copy = QuantileSketch::decode(in, 5);
  QuantileSketch sample = decoded<QuantileSketch>(encoded(sketch_of(uniform(9000, 2), 5)));
  QuantileSketch sample_copy = decoded<QuantileSketch>(encoded(sample));
  for (const double value : uniform(5000, 3)) {
    exact.update(value);
    copy.update(value);
    sample.update(value);
    sample_copy.update(value);
  }
  EXPECT_TRUE(copy == exact);
  EXPECT_TRUE(sample_copy == sample);
}

// Decoded few values are held as counts and not as a list, which must not show.
TEST(QuantileCodec, HowFewValuesAreHeldDoesNotShow) {
  std::mt19937_64 random(6);
  for (const std::size_t distinct : {1, 30, 256, 300}) {
    for (const std::size_t n : {2, 500, 1023, 1024}) {
      std::vector<double> values(n);
      for (double& value : values) value = static_cast<double>(random() % distinct);
      const auto live = sketch_of(values);
      for (const std::size_t more : {1, 30, 600, 5000}) {
        const auto added = uniform(more, more);
        auto a = live;
        auto b = decoded<QuantileSketch>(encoded(live));
        for (auto* sketch : {&a, &b}) {
          EXPECT_EQ(sketch->stays_exact(-1.0), live.stays_exact(-1.0));
          sketch->update(std::span<const double>(added));
          expect_sound(*sketch);
        }
        EXPECT_EQ(encoded(a), encoded(b)) << distinct << " " << n << " " << more;
        auto c = sketch_of(added);
        auto d = sketch_of(added);
        c.merge(live);
        d.merge(decoded<QuantileSketch>(encoded(live)));
        EXPECT_EQ(c.is_exact(), d.is_exact());
        if (c.is_exact()) {
          EXPECT_EQ(encoded(c), encoded(d));
        }
        EXPECT_EQ(d.n(), n + more);
        expect_sound(d);
      }
    }
  }
}

TEST(QuantileCodec, WeightsSumToTheNumberInTheHead) {
  const auto bytes = encoded(sketch_of(uniform(50'000, 4)));
  for (const int more : {-1, 1}) {
    auto other = bytes;
    other[1] = static_cast<std::uint8_t>(other[1] + more);  // of n, behind the form
    EXPECT_THROW((void)decoded<QuantileSketch>(other), DecodeError);
  }
}

TEST(QuantileCodec, DamageIsHarmless) {
  for (const QuantileSketch& sketch : examples()) {
    if (encoded(sketch).size() > 2000) continue;
    expect_damage_is_harmless(sketch, [](QuantileSketch& state) {
      expect_sound(state);
      const std::uint64_t n = state.n();
      state.update(1.25);
      state.merge(state);
      EXPECT_EQ(state.n(), 2 * (n + 1));
      expect_sound(state);
    });
  }
}

TEST(QuantileCodec, RandomBytesAreHarmless) {
  std::mt19937_64 random(4);
  for (int trial = 0; trial < 20000; ++trial) {
    std::vector<std::uint8_t> bytes(random() % 80);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (!bytes.empty()) bytes[0] &= 7;
    try {
      expect_sound(decoded<QuantileSketch>(bytes));
    } catch (const DecodeError&) {
    }
  }
}

}  // namespace
}  // namespace lightmeter::sketch
