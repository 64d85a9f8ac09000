// What every metric has to hold to, whatever it measures: its numbers depend on the pixels alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "error.hpp"
#include "kernels/colour.hpp"
#include "measure/area.hpp"
#include "measure/count_pixels.hpp"
#include "measure/image_meter.hpp"

namespace lightmeter::measure {
namespace {

using Part = Area;
using Numbers = std::map<std::string, std::variant<std::monostate, double, std::uint64_t>>;

Numbers numbers(const std::vector<Value>& values) {
  Numbers named;
  for (const auto& [number, amount] : values) named[std::string(number->name)] = amount;
  return named;
}
Numbers numbers(ImageMeter& meter) { return numbers(meter.values()); }

enum class Kind { kGray, kSparseGray, kRgb, kBgr, kPadded, kPlanar, kDeepGray, kDeep };
constexpr Kind kKinds[] = {Kind::kGray,   Kind::kSparseGray, Kind::kRgb,      Kind::kBgr,
                           Kind::kPadded, Kind::kPlanar,     Kind::kDeepGray, Kind::kDeep};

struct Image {
  std::vector<std::uint8_t> bytes;
  Pixels view;
};

Image random_image(Kind kind, std::int64_t width, std::int64_t height, std::mt19937& random) {
  const bool deep = kind == Kind::kDeepGray || kind == Kind::kDeep;
  const bool gray = kind == Kind::kGray || kind == Kind::kSparseGray || kind == Kind::kDeepGray;
  const std::ptrdiff_t sample = deep ? 2 : 1;
  const std::ptrdiff_t pixel = kind == Kind::kPlanar || kind == Kind::kGray ? 1
                               : kind == Kind::kSparseGray                  ? 2
                               : kind == Kind::kPadded                      ? 4
                               : gray                                       ? sample
                                                                            : 3 * sample;
  const std::ptrdiff_t row = width * pixel + (kind == Kind::kPadded ? 5 : 0);
  Image image;
  image.bytes.resize(static_cast<std::size_t>(row * height * (kind == Kind::kPlanar ? 3 : 1)));
  // Runs of equal samples and noise, as in pictures.
  std::uint8_t now = 0;
  for (auto& byte : image.bytes) {
    if (random() % 3 == 0) now = static_cast<std::uint8_t>(random());
    byte = now;
  }
  image.view = {.data = image.bytes.data() + (kind == Kind::kBgr ? 2 : 0),
                .width = width,
                .height = height,
                .channels = gray ? 1 : 3,
                .row_stride = row,
                .pixel_stride = pixel,
                .channel_stride = kind == Kind::kPlanar ? row * height
                                  : kind == Kind::kBgr  ? -1
                                                        : sample,
                .type = deep ? SampleType::kUint16 : SampleType::kUint8,
                .low = 0,
                .high = 65535};
  return image;
}

std::shared_ptr<const Mask> random_mask(std::int64_t width, std::int64_t height,
                                        std::mt19937& random) {
  std::vector<std::uint8_t> ignored(static_cast<std::size_t>(width * height));
  const auto below = [&](std::int64_t n) { return static_cast<std::int64_t>(random()) % n; };
  const std::int64_t left = below(width), top = below(height);
  for (std::int64_t y = top; y < std::min(height, top + height / 3); ++y) {
    for (std::int64_t x = left; x < std::min(width, left + width / 3); ++x) {
      ignored[static_cast<std::size_t>(y * width + x)] = 7;
    }
  }
  for (auto& pixel : ignored) pixel |= random() % 40 == 0;
  return std::make_shared<const Mask>(ignored.data(), width, height, width, 1);
}

// Cuts a rectangle at random until none wants to be cut.
void cut(const Part& part, std::mt19937& random, std::vector<Part>& parts) {
  const bool across = random() % 2 == 0;
  const std::int64_t side = across ? part.width : part.height;
  if (side < 2 || random() % 5 == 0) {
    parts.push_back(part);
    return;
  }
  const std::int64_t at = 1 + static_cast<std::int64_t>(random()) % (side - 1);
  Part first = part, second = part;
  if (across) {
    first.width = at;
    second.x += at;
    second.width -= at;
  } else {
    first.height = at;
    second.y += at;
    second.height -= at;
  }
  cut(first, random, parts);
  cut(second, random, parts);
}

Pixels cropped(const Pixels& view, const Part& part) {
  Pixels crop = view;
  crop.data += part.y * view.row_stride + part.x * view.pixel_stride;
  crop.width = part.width;
  crop.height = part.height;
  return crop;
}

// Measures the parts in a random order by some meters, which are joined in a random tree.
ImageMeter measured_in_parts(const Pixels& view, std::vector<Part> parts, const ImageMeter& none,
                             std::mt19937& random) {
  std::ranges::shuffle(parts, random);
  std::vector<ImageMeter> meters(1 + random() % 4);
  for (ImageMeter& meter : meters) meter = none.empty();
  for (const Part& part : parts) {
    meters[random() % meters.size()].update(cropped(view, part), part.x, part.y);
  }
  while (meters.size() > 1) {
    const std::size_t to = random() % (meters.size() - 1);
    meters[to].add(meters.back());
    meters.pop_back();
  }
  return std::move(meters[0]);
}

constexpr std::pair<std::int64_t, std::int64_t> kSizes[] = {
    {1, 1}, {2, 2}, {1, 9}, {9, 1}, {2, 17}, {17, 2}, {3, 3}, {8, 8}, {31, 23}, {64, 33}, {600, 9}};

TEST(Laws, TilesAndTheirOrderCannotBeSeen) {
  std::mt19937 random(1);
  for (const Kind kind : kKinds) {
    for (const auto& [width, height] : kSizes) {
      const Image image = random_image(kind, width, height, random);
      for (const bool masked : {false, true}) {
        const auto mask = masked ? random_mask(width, height, random) : nullptr;
        const ImageMeter none(Set::kAll, width, height, mask);
        ImageMeter whole = none.empty();
        whole.update(image.view);
        const Numbers want = numbers(whole);
        for (int trial = 0; trial < 4; ++trial) {
          std::vector<Part> parts;
          cut({0, 0, width, height}, random, parts);
          ImageMeter got = measured_in_parts(image.view, parts, none, random);
          ASSERT_EQ(numbers(got), want)
              << "kind " << static_cast<int>(kind) << ' ' << width << 'x' << height << " in "
              << parts.size() << " parts, masked " << masked;
          ASSERT_EQ(got.counts(), whole.counts());
        }
      }
    }
  }
}

TEST(Laws, StripsCannotBeSeenWithoutASizeEither) {
  std::mt19937 random(2);
  for (const Kind kind : kKinds) {
    for (const auto& [width, height] : kSizes) {
      const Image image = random_image(kind, width, height, random);
      ImageMeter whole(Set::kAll), sized(Set::kAll, width, height), strips(Set::kAll);
      whole.update(image.view);
      sized.update(image.view);
      for (std::int64_t y = 0; y < height;) {
        const std::int64_t rows =
            std::min<std::int64_t>(height - y, 1 + static_cast<std::int64_t>(random() % 4));
        strips.update(cropped(image.view, {0, y, width, rows}));
        y += rows;
        (void)strips.values();  // reading changes nothing
      }
      ASSERT_EQ(numbers(strips), numbers(whole)) << width << 'x' << height;
      const Numbers all = numbers(sized);
      for (const auto& [name, amount] : numbers(whole)) {
        if (amount.index() != 0) {
          EXPECT_EQ(amount, all.at(name)) << name;
        }
      }
    }
  }
}

TEST(Laws, ThreadsCannotBeSeen) {
  std::mt19937 random(3);
  for (const Kind kind : {Kind::kGray, Kind::kRgb, Kind::kDeep}) {
    const Image image = random_image(kind, 1201, 900, random);
    const auto mask = random_mask(1201, 900, random);
    for (const auto& ignored : {std::shared_ptr<const Mask>(), mask}) {
      const ImageMeter none(Set::kAll, 1201, 900, ignored);
      ImageMeter want = none.empty();
      want.update(image.view);
      for (const int threads : {2, 3, 4}) {
        ImageMeter got = none.empty();
        got.update(image.view, threads);
        EXPECT_EQ(numbers(got), numbers(want)) << threads << " threads";
      }
    }
  }
}

TEST(Laws, TiersCannotBeSeen) {
  std::mt19937 random(4);
  for (const Kind kind : kKinds) {
    for (const auto& [width, height] : kSizes) {
      const Image image = random_image(kind, width, height, random);
      const bool deep = image.view.type != SampleType::kUint8;
      const auto measured = [&](const kernels::Tier& tier) {
        const Frame frame{width, height};
        ImageCounts counts = deep ? ImageCounts::deep(image.view.channels) : ImageCounts();
        RowState rows(metrics_of(Set::kAll, true), frame, {0, 0, width, height});
        ColourTables tables;
        count_pixels(tier, {image.view, 0, 0, frame, nullptr}, width * height, tables, counts,
                     rows);
        tables.drain(tier, counts);
        return numbers(read(rows.metrics, Set::kAll, rows.active,
                            {counts, counts.pixels(), frame, deep ? 257.0 : 1.0}));
      };
      for (const kernels::Tier* tier : kernels::available_tiers()) {
        ASSERT_EQ(measured(*tier), measured(kernels::kScalar))
            << tier->name << ' ' << width << 'x' << height;
      }
    }
  }
}

TEST(Laws, ASetHoldsTheSmallerOnes) {
  std::mt19937 random(5);
  const Image image = random_image(Kind::kRgb, 40, 30, random);
  const auto of = [&](Set set) {
    ImageMeter meter(set, 40, 30);
    meter.update(image.view);
    return numbers(meter);
  };
  const Numbers all = of(Set::kAll);
  EXPECT_EQ(all.size(), image_numbers().size());
  for (const Set set : {Set::kWhylogs, Set::kDefault, Set::kCamera}) {
    const Numbers some = of(set);
    for (const Number& number : image_numbers()) {
      const auto at = some.find(std::string(number.name));
      ASSERT_EQ(at != some.end(), number.set <= set) << number.name;
      if (at != some.end()) {
        EXPECT_EQ(at->second, all.at(at->first)) << number.name;
      }
    }
  }
  EXPECT_EQ(of(Set::kWhylogs).size(), 9U);
}

// A pixel counts for its neighbourhood if no pixel of that is ignored.
TEST(Laws, IgnoredPixelsAreInNothing) {
  std::mt19937 random(6);
  for (const auto& [width, height] : kSizes) {
    const Image image = random_image(Kind::kGray, width, height, random);
    const auto mask = random_mask(width, height, random);
    const auto sample = [&](std::int64_t x, std::int64_t y) {
      const auto mirrored = [](std::int64_t i, std::int64_t n) {
        return n == 1 ? 0 : i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
      };
      return std::int64_t{image.view.data[mirrored(y, height) * width + mirrored(x, width)]};
    };
    double n = 0, sum = 0, squares = 0;
    Histogram gray(kBins);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        if (!mask->ignores(x, y)) ++gray[static_cast<std::size_t>(sample(x, y))];
        bool clean = true;
        for (std::int64_t j = std::max<std::int64_t>(y - 1, 0); j <= y + 1 && j < height; ++j) {
          for (std::int64_t i = std::max<std::int64_t>(x - 1, 0); i <= x + 1 && i < width; ++i) {
            clean &= !mask->ignores(i, j);
          }
        }
        if (!clean) continue;
        const auto laplacian =
            static_cast<double>(sample(x - 1, y) + sample(x + 1, y) + sample(x, y - 1) +
                                sample(x, y + 1) - 4 * sample(x, y));
        n += 1;
        sum += laplacian;
        squares += laplacian * laplacian;
      }
    }
    ImageMeter meter(Set::kAll, width, height, mask);
    meter.update(image.view);
    EXPECT_EQ(meter.counts().channel[0], gray);
    const auto sharpness = numbers(meter).at("Sharpness");
    ASSERT_EQ(sharpness.index(), n == 0 ? 0U : 1U);
    if (n > 0) {
      EXPECT_NEAR(std::get<double>(sharpness), squares / n - sum / n * (sum / n), 1e-6);
    }
  }
}

TEST(Laws, RefusesTilesThatCannotBe) {
  std::mt19937 random(7);
  const Image image = random_image(Kind::kRgb, 8, 8, random);
  ImageMeter meter(Set::kAll, 10, 10);
  ImageMeter none = meter.copy();
  EXPECT_THROW(meter.update(image.view, 3, 0), IncompatibleError);
  EXPECT_THROW(meter.update(image.view, -1, 0), IncompatibleError);
  EXPECT_THROW(meter.update(image.view, 0, INT64_MAX), IncompatibleError);
  EXPECT_THROW(meter.update(image.view, INT64_MIN, 0), IncompatibleError);
  EXPECT_EQ(numbers(meter), numbers(none));
  meter.update(image.view, 2, 2);
  const Numbers before = numbers(meter);
  EXPECT_THROW(meter.update(image.view, 0, 0), IncompatibleError);
  EXPECT_THROW(meter.add(meter), IncompatibleError);
  ImageMeter others[] = {ImageMeter(Set::kAll, 10, 11), ImageMeter(Set::kWhylogs, 10, 10),
                         ImageMeter(Set::kAll, 10, 10, random_mask(10, 10, random))};
  for (ImageMeter& other : others) EXPECT_THROW(meter.add(other), IncompatibleError);
  EXPECT_EQ(numbers(meter), before);
  EXPECT_THROW(ImageMeter(Set::kAll, 0, 1), std::invalid_argument);
  EXPECT_THROW(ImageMeter(Set::kAll, kMaxPixels, 2), std::invalid_argument);
  EXPECT_THROW(ImageMeter(Set::kAll, 10, 11, random_mask(10, 10, random)), std::invalid_argument);
  EXPECT_THROW(ImageMeter().update(image.view, 1, 0), std::invalid_argument);
}

}  // namespace
}  // namespace lightmeter::measure
