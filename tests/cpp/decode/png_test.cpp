#include "decode/png.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace lightmeter::decode {
namespace {

using Bytes = std::vector<std::uint8_t>;

// What a taker of strips sees: all samples, in order.
struct Shown {
  std::vector<std::uint32_t> samples;
  std::int64_t rows = 0;
  int strips = 0;

  void take(const Pixels& strip) {
    const bool wide = strip.type == SampleType::kUint16;
    for (std::ptrdiff_t y = 0; y < strip.height; ++y) {
      for (std::ptrdiff_t x = 0; x < strip.width; ++x) {
        for (std::ptrdiff_t c = 0; c < strip.channels; ++c) {
          const std::uint8_t* at =
              strip.data + y * strip.row_stride + x * strip.pixel_stride + c * strip.channel_stride;
          samples.push_back(wide ? static_cast<std::uint32_t>(at[0]) << 8 | at[1] : at[0]);
        }
      }
    }
    rows += strip.height;
    ++strips;
  }
};

bool take(PngRows& rows, std::span<const std::uint8_t> inflated, Shown& shown) {
  return rows.take(inflated, [&](const Pixels& strip) { shown.take(strip); });
}

// All samples of a picture whose rows have no filter, or nothing if it is refused.
std::vector<std::uint32_t> samples_of(const PngForm& form, const Bytes& inflated) {
  PngRows rows(form);
  Shown shown;
  if (!take(rows, inflated, shown) || !rows.is_whole()) return {};
  EXPECT_EQ(shown.rows, form.height);
  return shown.samples;
}

using Samples = std::vector<std::uint32_t>;

TEST(PngRows, GivesEveryFormItsSamples) {
  const auto form = [](int depth, PngColour colour) {
    return PngForm{.width = 2, .height = 1, .depth = depth, .colour = colour};
  };
  using enum PngColour;
  EXPECT_EQ(samples_of(form(1, kGray), {0, 0b0100'0000}), (Samples{0, 255}));
  EXPECT_EQ(samples_of(form(2, kGray), {0, 0b0110'0000}), (Samples{85, 170}));
  EXPECT_EQ(samples_of(form(4, kGray), {0, 0xF1}), (Samples{255, 17}));
  EXPECT_EQ(samples_of(form(8, kGray), {0, 7, 9}), (Samples{7, 9}));
  EXPECT_EQ(samples_of(form(16, kGray), {0, 1, 2, 3, 4}), (Samples{0x102, 0x304}));
  EXPECT_EQ(samples_of(form(8, kRgb), {0, 1, 2, 3, 4, 5, 6}), (Samples{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(samples_of(form(8, kGrayAlpha), {0, 1, 2, 3, 4}), (Samples{1, 3}));
  EXPECT_EQ(samples_of(form(16, kGrayAlpha), {0, 1, 2, 3, 4, 5, 6, 7, 8}),
            (Samples{1, 1, 1, 5, 5, 5}));
  EXPECT_EQ(samples_of(form(8, kRgbAlpha), {0, 1, 2, 3, 4, 5, 6, 7, 8}),
            (Samples{1, 2, 3, 5, 6, 7}));
  const Bytes wide = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_EQ(samples_of(form(16, kRgb), wide), (Samples{1, 3, 5, 7, 9, 11}));
}

TEST(PngRows, GivesAllBitsOfColourWhereTheyAreWanted) {
  const auto form = [](int depth, PngColour colour) {
    return PngForm{.width = 2, .height = 1, .depth = depth, .colour = colour, .deep = true};
  };
  const Bytes wide = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_EQ(samples_of(form(16, PngColour::kRgb), wide),
            (Samples{0x102, 0x304, 0x506, 0x708, 0x90A, 0xB0C}));
  EXPECT_EQ(samples_of(form(16, PngColour::kRgbAlpha),
                       {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}),
            (Samples{0x102, 0x304, 0x506, 0x90A, 0xB0C, 0xD0E}));
  EXPECT_EQ(samples_of(form(16, PngColour::kGrayAlpha), {0, 1, 2, 3, 4, 5, 6, 7, 8}),
            (Samples{0x102, 0x506}));
  EXPECT_EQ(samples_of(form(8, PngColour::kRgb), {0, 1, 2, 3, 4, 5, 6}),
            (Samples{1, 2, 3, 4, 5, 6}));
}

TEST(PngRows, RefusesNumbersThatThePaletteHasNot) {
  PngForm form{.width = 2,
               .height = 1,
               .depth = 4,
               .colour = PngColour::kPalette,
               .palette = {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(samples_of(form, {0, 0x10}), (Samples{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(samples_of(form, {0, 0x20}), Samples{});
}

TEST(PngRows, RefusesFiltersAndBytesThatAreTooManyOrTooFew) {
  const PngForm form{.width = 2, .height = 2, .depth = 8, .colour = PngColour::kGray};
  EXPECT_EQ(samples_of(form, {0, 1, 2, 2, 1, 1}), (Samples{1, 2, 2, 3}));
  EXPECT_EQ(samples_of(form, {0, 1, 2, 5, 1, 1}), Samples{});
  EXPECT_EQ(samples_of(form, {0, 1, 2, 2, 1, 1, 0}), Samples{});
  EXPECT_EQ(samples_of(form, {0, 1, 2, 2, 1}), Samples{});
}

TEST(PngRows, RefusesFormsThatNoPictureHas) {
  const auto refuses = [](const PngForm& form) {
    EXPECT_THROW(PngRows{form}, std::invalid_argument);
  };
  refuses({.width = 0, .height = 1});
  refuses({.width = 1, .height = -1});
  refuses({.width = (PngRows::kMostRowBytes / 3) + 1, .height = 1});
  refuses({.width = std::int64_t{1} << 62, .height = 1});
  refuses({.width = 1, .height = 1, .depth = 4});
  refuses({.width = 1, .height = 1, .depth = 3, .colour = PngColour::kGray});
  refuses({.width = 1, .height = 1, .colour = static_cast<PngColour>(1)});
  refuses({.width = 1, .height = 1, .depth = 16, .colour = PngColour::kPalette});
  refuses({.width = 1, .height = 1, .colour = PngColour::kPalette});
  refuses({.width = 1, .height = 1, .colour = PngColour::kPalette, .palette = Bytes(4)});
  refuses({.width = 1, .height = 1, .colour = PngColour::kPalette, .palette = Bytes(771)});
}

// A picture of several strips gives the same whichever way its bytes are cut.
TEST(PngRows, DoesNotDependOnHowTheBytesAreCut) {
  std::mt19937 random(2);
  const PngForm form{.width = 60'000, .height = 40, .depth = 8, .colour = PngColour::kRgb};
  Bytes inflated(static_cast<std::size_t>(form.height) * (3 * 60'000 + 1));
  for (std::size_t i = 0; i < inflated.size(); ++i) {
    inflated[i] = static_cast<std::uint8_t>(i % (3 * 60'000 + 1) == 0 ? random() % 5 : random());
  }
  const Samples whole = samples_of(form, inflated);
  ASSERT_EQ(whole.size(), 60'000U * 40 * 3);
  PngRows rows(form);
  Shown shown;
  for (std::span<const std::uint8_t> left = inflated; !left.empty();) {
    const std::size_t part = std::min<std::size_t>(left.size(), random() % 300'000);
    ASSERT_TRUE(take(rows, left.first(part), shown));
    left = left.subspan(part);
  }
  EXPECT_TRUE(rows.is_whole());
  EXPECT_GT(shown.strips, 5);
  EXPECT_EQ(shown.samples, whole);
}

}  // namespace
}  // namespace lightmeter::decode
