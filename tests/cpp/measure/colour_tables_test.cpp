// Tables that colours are counted in: cells, bytes, the change from the one to the other, and tables
// that stay full between two tiles of an image.

#include "measure/colour_tables.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "measure/image_meter.hpp"

namespace lightmeter::measure {
namespace {

constexpr std::int64_t kWidth = 500, kHeight = 400;

struct Picture {
  std::vector<std::uint8_t> bytes;

  [[nodiscard]] Pixels rows(std::int64_t first, std::int64_t last) const {
    return {.data = bytes.data() + 3 * kWidth * first,
            .width = kWidth,
            .height = last - first,
            .channels = 3,
            .row_stride = 3 * kWidth,
            .pixel_stride = 3};
  }
  [[nodiscard]] Pixels all() const { return rows(0, kHeight); }
};

// Colours near a few, or any, or first the ones and then the others: they are counted in cells, in
// bytes, and in both.
enum class Colours { kFew, kAny, kFewThenAny };
constexpr Colours kColours[] = {Colours::kFew, Colours::kAny, Colours::kFewThenAny};

Picture picture(Colours colours, unsigned seed) {
  std::mt19937 random(seed);
  Picture picture{.bytes = std::vector<std::uint8_t>(3 * kWidth * kHeight)};
  const bool bright = seed % 2 == 0;
  for (std::size_t i = 0; i < picture.bytes.size(); ++i) {
    // The last rows are few among the pixels that are looked at before.
    const bool any = colours == Colours::kAny ||
                     (colours == Colours::kFewThenAny && i > picture.bytes.size() * 9 / 10);
    const std::uint32_t near = (bright ? 241 : 3) + 4 * (i % 3 == 1) + random() % 7;
    picture.bytes[i] = static_cast<std::uint8_t>(any ? random() : near);
  }
  return picture;
}

// Colour by colour, by the functions that define what is counted.
ImageCounts count_one_by_one(const Picture& picture) {
  ImageCounts counts;
  counts.width = kWidth;
  counts.height = kHeight;
  counts.channels = 3;
  for (std::size_t i = 0; i < picture.bytes.size(); i += 3) {
    const std::uint8_t* const rgb = &picture.bytes[i];
    for (std::size_t c = 0; c < 3; ++c) ++counts.channel[c][rgb[c]];
    const kernels::Hexcone colour = kernels::hexcone(rgb[0], rgb[1], rgb[2]);
    const std::uint32_t chroma = colour.max - colour.min;
    const std::uint8_t hue = kernels::hue_of(colour.sector, chroma, colour.x);
    ++counts.value[colour.max];
    ++counts.saturation[kernels::saturation_of(colour.max, colour.min)];
    ++counts.hue[hue];
    counts.hue_chroma[hue] += chroma;
  }
  return counts;
}

TEST(ColourTables, CountEveryTierRight) {
  for (const Colours colours : kColours) {
    for (const unsigned seed : {1, 2}) {
      const Picture image = picture(colours, seed);
      ImageCounts want = count_one_by_one(image);
      for (const kernels::Tier* available : kernels::available_tiers()) {
        const kernels::Tier& tier = *available;
        ColourTables tables;
        const Tile tile{image.all(), 0, 0, {kWidth, kHeight}, nullptr};
        tables.prepare(tile, 12'000'000);
        ImageCounts got = want;
        for_each_histogram([](const char*, Histogram& all) { std::ranges::fill(all, 0); }, got);
        std::vector<std::uint8_t> planes[3];
        for (std::size_t c = 0; c < 3; ++c) {
          planes[c].resize(kWidth * kHeight + kBlockPixels);
          for (std::size_t i = 0; i < kWidth * kHeight; ++i) {
            planes[c][i] = image.bytes[3 * i + c];
          }
        }
        for (std::size_t at = 0; at < kWidth * kHeight; at += kBlockPixels) {
          const std::size_t n = std::min<std::size_t>(kBlockPixels, kWidth * kHeight - at);
          tables.add(tier, &planes[0][at], &planes[1][at], &planes[2][at], n, got);
        }
        tables.drain(tier, got);
        EXPECT_TRUE(got == want) << tier.name << ", colours " << static_cast<int>(colours);
      }
    }
  }
}

TEST(ColourTables, WaitingCannotBeSeen) {
  for (const Colours colours : kColours) {
    const Picture image = picture(colours, 3);
    const ImageCounts want = count_one_by_one(image);
    const auto measured = [&](bool sized, auto&& between) {
      ImageMeter meter = sized ? ImageMeter(Set::kDefault, kWidth, kHeight) : ImageMeter();
      for (std::int64_t y = 0; y < kHeight; y += 150) {
        meter.update(image.rows(y, std::min(kHeight, y + 150)));
        between(meter);
      }
      return meter;
    };
    for (const bool sized : {false, true}) {
      EXPECT_TRUE(measured(sized, [](ImageMeter&) {}).counts() == want);
      EXPECT_TRUE(measured(sized, [](ImageMeter& meter) { (void)meter.counts(); }).counts() ==
                  want);
      EXPECT_TRUE(measured(sized, [](ImageMeter& meter) { (void)meter.values(); }).counts() ==
                  want);
      EXPECT_TRUE(measured(sized, [](ImageMeter& meter) { meter = meter.copy(); }).counts() ==
                  want);
      EXPECT_TRUE(measured(sized, [](ImageMeter& meter) {
                    ImageMeter moved = std::move(meter);
                    meter = std::move(moved);
                  }).counts() == want);
      // A copy goes its own way.
      std::vector<ImageMeter> copies;
      EXPECT_TRUE(measured(sized, [&](ImageMeter& meter) {
                    copies.push_back(meter.copy());
                  }).counts() == want);
      EXPECT_EQ(copies[0].counts().pixels(), static_cast<std::uint64_t>(150 * kWidth));
    }
  }
}

TEST(ColourTables, MetersThatWaitAreAdded) {
  for (const Colours colours : kColours) {
    const Picture image = picture(colours, 4);
    ImageMeter whole(Set::kAll, kWidth, kHeight);
    ImageMeter first = whole.empty(), second = whole.empty();
    whole.update(image.all());
    first.update(image.rows(200, 400), 0, 200);
    second.update(image.rows(0, 150), 0, 0);
    first.add(second);
    second = first.empty();
    second.update(image.rows(150, 200), 0, 150);
    first.add(second);
    EXPECT_TRUE(first.counts() == whole.counts());
    const auto got = first.values(), want = whole.values();
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].amount, want[i].amount);
  }
}

// A tile that is refused leaves what waits in the tables as it was.
TEST(ColourTables, ARefusedTileChangesNothing) {
  const Picture image = picture(Colours::kFew, 5);
  ImageMeter meter(Set::kDefault, kWidth, kHeight);
  meter.update(image.rows(0, 200));
  EXPECT_ANY_THROW(meter.update(image.rows(0, 200), 0, 100));
  EXPECT_ANY_THROW(meter.update(image.rows(0, 400), 0, 200));
  meter.update(image.rows(200, 400), 3);
  EXPECT_TRUE(meter.counts() == count_one_by_one(image));
}

// Long runs of planes are counted where they are, of which the rest is copied. Nothing of a plane is
// read beyond its samples, which a sanitizer sees.
TEST(ColourTables, PlanesAreCountedAsPixelsAre) {
  constexpr std::int64_t kRows = 33;
  for (const std::int64_t width : {2047, 2048, 2049, 2600}) {
    const auto samples = static_cast<std::size_t>(width * kRows);
    std::mt19937 random(9);
    std::vector<std::uint8_t> packed(3 * samples), planes(3 * samples);
    for (std::size_t i = 0; i < samples; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        packed[3 * i + c] = planes[c * samples + i] = static_cast<std::uint8_t>(random() % 40);
      }
    }
    for (const Set set : {Set::kWhylogs, Set::kAll}) {
      ImageMeter want(set, width, kRows), got(set, width, kRows);
      want.update({packed.data(), width, kRows, 3, 3 * width, 3});
      got.update({.data = planes.data(),
                  .width = width,
                  .height = kRows,
                  .channels = 3,
                  .row_stride = width,
                  .pixel_stride = 1,
                  .channel_stride = static_cast<std::ptrdiff_t>(samples)});
      EXPECT_TRUE(got.counts() == want.counts()) << width;
      const auto numbers = got.values(), expected = want.values();
      ASSERT_EQ(numbers.size(), expected.size());
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        EXPECT_EQ(numbers[i].amount, expected[i].amount) << width << ", number " << i;
      }
    }
  }
}

// Far more of one colour than a cell holds, in strips that wait. The colours are those at
// which sums of cells pass 256, or do not.
TEST(ColourTables, NoCounterOverflows) {
  constexpr std::int64_t kColumns = 1000, kRows = 90, kStrips = 4;
  constexpr std::uint8_t kShades[][3] = {{0, 0, 0},     {255, 255, 255}, {255, 0, 1},
                                         {0, 255, 254}, {31, 32, 33},    {224, 223, 225}};
  for (const auto& rgb : kShades) {
    std::vector<std::uint8_t> row;
    for (std::int64_t x = 0; x < kColumns; ++x) row.insert(row.end(), rgb, rgb + 3);
    const Pixels strip{.data = row.data(),
                       .width = kColumns,
                       .height = kRows,
                       .channels = 3,
                       .row_stride = 0,
                       .pixel_stride = 3};
    for (const Set set : {Set::kWhylogs, Set::kDefault}) {
      ImageMeter meter(set, kColumns, kRows * kStrips);
      for (std::int64_t i = 0; i < kStrips; ++i) meter.update(strip);
      const std::uint64_t n = kColumns * kRows * kStrips;
      const kernels::Hexcone colour = kernels::hexcone(rgb[0], rgb[1], rgb[2]);
      const std::uint32_t chroma = colour.max - colour.min;
      const std::uint8_t hue = kernels::hue_of(colour.sector, chroma, colour.x);
      const ImageCounts& counts = meter.counts();
      for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(counts.channel[c][rgb[c]], n);
      EXPECT_EQ(counts.value[colour.max], n);
      EXPECT_EQ(counts.saturation[kernels::saturation_of(colour.max, colour.min)], n);
      EXPECT_EQ(counts.hue[hue], n);
      EXPECT_EQ(counts.hue_chroma[hue], n * chroma);
    }
  }
}

TEST(ColourTables, BytesAreReadBeforeTheyOverflow) {
  const std::vector<std::uint8_t> full(kBlockPixels, 255), none(kBlockPixels, 0);
  const auto tables = std::make_unique<ByteTables>();
  ImageCounts counts;
  constexpr std::uint64_t kBlocks = (std::uint64_t{3} << 24) / kBlockPixels + 1;
  for (std::uint64_t i = 0; i < kBlocks; ++i) {
    tables->add(kernels::active(), full.data(), none.data(), none.data(), kBlockPixels, counts);
  }
  tables->read(counts);
  EXPECT_EQ(counts.hue[0], kBlocks * kBlockPixels);
  EXPECT_EQ(counts.hue_chroma[0], 255 * kBlocks * kBlockPixels);
  EXPECT_EQ(counts.channel[0][255], kBlocks * kBlockPixels);
}

// However many images are unfinished, few have tables, and those that are finished have none.
TEST(ColourTables, FewWait) {
  const int most = std::max(4, static_cast<int>(std::thread::hardware_concurrency()));
  const Picture image = picture(Colours::kFew, 6);
  const Tile tile{image.all(), 0, 0, {kWidth, kHeight}, nullptr};
  const kernels::Tier& tier = kernels::active();
  const std::vector<std::uint8_t> plane(kBlockPixels, 9);
  ImageCounts counts;
  for (int round = 0; round < 2; ++round) {  // those of the first round are gone in the second
    std::vector<std::unique_ptr<ColourTables>> all;
    int waiting = 0;
    for (int i = 0; i < most + 40; ++i) {
      all.push_back(std::make_unique<ColourTables>());
      all.back()->prepare(tile, 1'000'000);
      all.back()->add(tier, plane.data(), plane.data(), plane.data(), kBlockPixels, counts);
      if (all.back()->may_wait()) {
        ++waiting;
      } else {
        all.back()->drain(tier, counts);
      }
    }
    EXPECT_EQ(waiting, most);
    EXPECT_TRUE(all.front()->may_wait());
    all.front()->drain(tier, counts);
    all.back()->prepare(tile, 1'000'000);
    EXPECT_TRUE(all.back()->may_wait());
  }
}

// Meters move from thread to thread while tables wait.
TEST(ColourTables, MetersMoveBetweenThreads) {
  std::vector<Picture> images;
  std::vector<ImageCounts> want;
  for (const Colours colours : kColours) {
    images.push_back(picture(colours, 7));
    want.push_back(count_one_by_one(images.back()));
  }
  constexpr std::int64_t kHalf = 200;
  std::vector<ImageMeter> meters(12);
  for (ImageMeter& meter : meters) meter = ImageMeter(Set::kWhylogs, kWidth, kHeight);
  for (const std::int64_t top : {std::int64_t{0}, kHalf}) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t, top] {
        for (std::size_t i = t; i < meters.size(); i += 4) {
          ImageMeter& meter = meters[(i + static_cast<std::size_t>(top)) % meters.size()];
          const Picture& image = images[static_cast<std::size_t>(&meter - meters.data()) % 3];
          meter.update(image.rows(top, top + kHalf), 1 + static_cast<int>(t % 2));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (std::size_t i = 0; i < meters.size(); ++i) {
    EXPECT_TRUE(meters[i].counts() == want[i % 3]) << i;
  }
}

// A process that forks while threads take tables and give them back leaves its child what it needs
// to count, and to go on with an image that waits. These threads allocate nothing meanwhile, as not
// every sanitizer knows what to do with its own locks.
TEST(ColourTables, AChildCountsWhateverOthersDid) {
  const Picture image = picture(Colours::kFew, 8);
  const ImageCounts want = count_one_by_one(image);
  const Tile tile{image.all(), 0, 0, {kWidth, kHeight}, nullptr};
  const std::vector<std::uint8_t> plane(kBlockPixels, 9);
  {
    std::array<ColourTables, 4> before;
    for (ColourTables& tables : before) tables.prepare(tile, 1'000'000);
    ImageCounts none;
    for (ColourTables& tables : before) tables.drain(kernels::active(), none);
  }
  std::atomic<int> ready{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      ImageCounts counts;
      for (ColourTables tables; !stop; ready.fetch_add(1)) {
        tables.prepare(tile, 1'000'000);
        tables.add(kernels::active(), plane.data(), plane.data(), plane.data(), plane.size(),
                   counts);
        tables.drain(kernels::active(), counts);
      }
    });
  }
  while (ready < 100) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    ImageMeter meter(Set::kWhylogs, kWidth, kHeight);
    meter.update(image.rows(0, 200));
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      meter.update(image.rows(200, 400));
      ImageMeter other;
      other.update(image.all());
      _exit(meter.counts() == want && other.counts() == want ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    meter.update(image.rows(200, 400));
    EXPECT_TRUE(meter.counts() == want);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace lightmeter::measure
