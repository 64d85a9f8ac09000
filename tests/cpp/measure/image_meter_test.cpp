#include "measure/image_meter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "error.hpp"
#include "kernels/colour.hpp"

namespace lightmeter::measure {
namespace {

// An image whose bytes end where the last sample ends, so that a sanitizer sees any access beyond.
struct Image {
  Pixels view;
  std::unique_ptr<std::uint8_t[]> bytes;
};

struct Layout {
  const char* name;
  std::ptrdiff_t pixel_stride;      // 0: planar
  std::ptrdiff_t red, green, blue;  // byte within the pixel
  std::ptrdiff_t row_padding = 0;
  std::ptrdiff_t start = 0;  // bytes before the image: unaligned starts
};

constexpr Layout kLayouts[] = {
    {"RGB", 3, 0, 1, 2},
    {"BGR", 3, 2, 1, 0},
    {"RGBX", 4, 0, 1, 2},
    {"BGRX", 4, 2, 1, 0},
    {"XRGB", 4, 1, 2, 3},
    {"planar", 0, 0, 1, 2},
    {"planar BGR", 0, 2, 1, 0},
    {"5 bytes a pixel", 5, 0, 1, 2},
    {"apart", 7, 0, 3, 6},
    {"RGB in wide rows", 3, 0, 1, 2, 5, 1},
    {"RGBX in wide rows", 4, 0, 1, 2, 3, 3},
    {"planar in wide rows", 0, 0, 1, 2, 9, 1},
};

using Colour = std::array<std::uint8_t, 3>;

// Colours that differ in all channels and come in runs, as in pictures.
std::vector<Colour> colours(std::ptrdiff_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Colour> all(static_cast<std::size_t>(n));
  Colour now{};
  for (Colour& colour : all) {
    if (random() % 3 == 0) {
      for (auto& channel : now) channel = static_cast<std::uint8_t>(random());
    }
    colour = now;
  }
  return all;
}

Image lay_out(const std::vector<Colour>& colours, std::ptrdiff_t width, std::ptrdiff_t height,
              const Layout& layout) {
  const bool planar = layout.pixel_stride == 0;
  const std::ptrdiff_t pixel = planar ? 1 : layout.pixel_stride;
  const std::ptrdiff_t row = width * pixel + layout.row_padding;
  const std::ptrdiff_t channel = planar ? row * height : 1;
  const std::ptrdiff_t last = (height - 1) * row + (width - 1) * pixel +
                              std::max({layout.red, layout.green, layout.blue}) * channel;
  Image image;
  image.bytes.reset(new std::uint8_t[static_cast<std::size_t>(layout.start + last + 1)]);
  std::uint8_t* base = image.bytes.get() + layout.start;
  for (std::ptrdiff_t y = 0; y < height; ++y) {
    for (std::ptrdiff_t x = 0; x < width; ++x) {
      std::uint8_t* at = base + y * row + x * pixel;
      const Colour& colour = colours[static_cast<std::size_t>(y * width + x)];
      at[layout.red * channel] = colour[0];
      at[layout.green * channel] = colour[1];
      at[layout.blue * channel] = colour[2];
    }
  }
  image.view = {.data = base + layout.red * channel,
                .width = width,
                .height = height,
                .channels = 3,
                .row_stride = row,
                .pixel_stride = pixel,
                .channel_stride = (layout.green - layout.red) * channel};
  return image;
}

ImageCounts count_one_by_one(const std::vector<Colour>& colours, std::ptrdiff_t width,
                             std::ptrdiff_t height) {
  ImageCounts counts;
  counts.width = width;
  counts.height = height;
  counts.channels = 3;
  for (const Colour& colour : colours) {
    for (std::size_t c = 0; c < 3; ++c) ++counts.channel[c][colour[c]];
    const auto keys = kernels::colour_keys(colour[0], colour[1], colour[2]);
    const auto [min, max] = std::minmax_element(colour.begin(), colour.end());
    const std::uint32_t chroma = *max - *min;
    const std::uint8_t hue = kernels::hue_of(keys.chroma_x >> 16, chroma, keys.chroma_x & 0xff);
    ++counts.value[*max];
    ++counts.saturation[kernels::saturation_of(*max, *min)];
    ++counts.hue[hue];
    counts.hue_chroma[hue] += chroma;
  }
  return counts;
}

ImageCounts measure(const Pixels& view, int threads = 1) {
  ImageMeter meter;
  meter.update(view, threads);
  return meter.counts();
}

TEST(ImageMeter, CountsEveryPixelOfAnyLayout) {
  constexpr std::pair<int, int> kSizes[] = {{1, 1},    {2, 1},     {1, 7},    {3, 5},   {31, 3},
                                            {33, 2},   {63, 65},   {64, 64},  {65, 17}, {1023, 3},
                                            {1025, 2}, {211, 199}, {401, 307}};
  for (const auto& [width, height] : kSizes) {
    const auto pixels = colours(width * height, static_cast<unsigned>(width));
    const ImageCounts want = count_one_by_one(pixels, width, height);
    for (const Layout& layout : kLayouts) {
      const Image image = lay_out(pixels, width, height, layout);
      EXPECT_TRUE(measure(image.view) == want) << layout.name << ' ' << width << 'x' << height;
    }
  }
}

TEST(ImageMeter, CountsFlippedAndTransposedViews) {
  const auto pixels = colours(211 * 199, 3);
  const Image image = lay_out(pixels, 211, 199, kLayouts[0]);
  const ImageCounts want = count_one_by_one(pixels, 211, 199);

  Pixels rotated = image.view;
  rotated.data += 198 * rotated.row_stride + 210 * rotated.pixel_stride;
  rotated.row_stride = -rotated.row_stride;
  rotated.pixel_stride = -rotated.pixel_stride;
  EXPECT_TRUE(measure(rotated) == want);

  Pixels transposed = image.view;
  std::swap(transposed.width, transposed.height);
  std::swap(transposed.row_stride, transposed.pixel_stride);
  ImageCounts swapped = want;
  std::swap(swapped.width, swapped.height);
  EXPECT_TRUE(measure(transposed) == swapped);
}

TEST(ImageMeter, GrayHasNoHueAndNoSaturation) {
  for (const std::ptrdiff_t stride : {1, 2, 3}) {
    std::vector<std::uint8_t> samples(301 * 203 * static_cast<std::size_t>(stride));
    std::mt19937 random(4);
    for (auto& sample : samples) sample = static_cast<std::uint8_t>(random());
    const Pixels view = {.data = samples.data(),
                         .width = 301,
                         .height = 203,
                         .channels = 1,
                         .row_stride = 301 * stride,
                         .pixel_stride = stride};
    ImageCounts want;
    want.width = 301;
    want.height = 203;
    want.channels = 1;
    for (std::size_t i = 0; i < samples.size(); i += static_cast<std::size_t>(stride)) {
      ++want.channel[0][samples[i]];
    }
    want.value = want.channel[0];
    want.hue[0] = want.saturation[0] = 301 * 203;
    EXPECT_TRUE(measure(view) == want) << "stride " << stride;
  }
}

TEST(ImageMeter, ThreadsAndStripsDoNotChangeTheCounts) {
  const auto pixels = colours(1500 * 1100, 5);
  const Image image = lay_out(pixels, 1500, 1100, kLayouts[2]);
  const ImageCounts want = measure(image.view);
  EXPECT_EQ(want.pixels(), 1500u * 1100u);
  EXPECT_EQ(std::accumulate(want.hue.begin(), want.hue.end(), std::uint64_t{0}), want.pixels());
  for (const int threads : {-1, 0, 2, 3, 4, 64}) {
    EXPECT_TRUE(measure(image.view, threads) == want) << threads << " threads";
  }
  ImageMeter meter;
  for (std::ptrdiff_t y = 0; y < 1100; y += 73) {
    Pixels strip = image.view;
    strip.data += y * strip.row_stride;
    strip.height = std::min<std::ptrdiff_t>(73, 1100 - y);
    meter.update(strip, 1 + static_cast<int>(y % 2));
  }
  EXPECT_TRUE(meter.counts() == want);
}

// More pixels of one colour than the tables hold at a time; a row stride of 0 repeats one row.
TEST(ImageMeter, TheTablesDoNotOverflow) {
  constexpr std::ptrdiff_t kWidth = 1 << 12, kHeight = (1 << 12) + (1 << 9);
  constexpr std::uint64_t kPixels = kWidth * kHeight;
  std::vector<std::uint8_t> row(3 * kWidth);
  for (std::size_t i = 0; i < row.size(); i += 3) row[i] = 255;
  Pixels view = {.data = row.data(),
                 .width = kWidth,
                 .height = kHeight,
                 .channels = 3,
                 .row_stride = 0,
                 .pixel_stride = 3};
  const ImageCounts red = measure(view);
  EXPECT_EQ(red.channel[0][255], kPixels);
  EXPECT_EQ(red.channel[1][0], kPixels);
  EXPECT_EQ(red.channel[2][0], kPixels);
  EXPECT_EQ(red.hue[0], kPixels);
  EXPECT_EQ(red.saturation[255], kPixels);
  EXPECT_EQ(red.value[255], kPixels);
  EXPECT_EQ(red.hue_chroma[0], 255 * kPixels);

  view.channels = 1;
  EXPECT_EQ(measure(view).channel[0][255], kPixels);
}

TEST(ImageMeter, AddingMeetsTheMostPixels) {
  const std::uint8_t sample = 7;
  const Pixels pixel = {.data = &sample, .width = 1, .height = 1, .channels = 1};
  ImageMeter meter, last;
  meter.update(pixel);
  last.update(pixel, 0, kMaxPixels - 1);
  meter.add(last);
  EXPECT_EQ(meter.counts().height, kMaxPixels);
  const ImageCounts before = meter.counts();
  EXPECT_THROW(meter.update(pixel), std::invalid_argument);
  EXPECT_THROW(meter.add(last), IncompatibleError);
  EXPECT_TRUE(meter.counts() == before);
}

TEST(ImageMeter, RefusesWhatItCannotCount) {
  const std::uint8_t sample[12] = {};
  const Pixels good = {
      .data = sample, .width = 2, .height = 2, .channels = 3, .row_stride = 6, .pixel_stride = 3};
  const auto refused = [&](auto change) {
    Pixels view = good;
    change(view);
    ImageMeter meter;
    EXPECT_THROW(meter.update(view), std::invalid_argument);
    EXPECT_TRUE(meter.counts() == ImageCounts{});
  };
  refused([](Pixels& view) { view.height = kMaxPixels / 2 + 1; });
  refused([](Pixels& view) { view.width = view.height = std::ptrdiff_t{1} << 40; });

  ImageMeter meter;
  meter.update(good);
  const ImageCounts before = meter.counts();
  Pixels other = good;
  other.width = 1;
  EXPECT_THROW(meter.update(other), IncompatibleError);
  other = good;
  other.channels = 1;
  EXPECT_THROW(meter.update(other), IncompatibleError);
  EXPECT_TRUE(meter.counts() == before);
}

}  // namespace
}  // namespace lightmeter::measure
