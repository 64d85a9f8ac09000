// Cells and tables of keys: where colours are counted, and what they are read out as.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "kernels/cells.hpp"
#include "kernels/colour.hpp"
#include "kernels/hsv.hpp"
#include "kernels/read_out.hpp"
#include "kernels/tier.hpp"

namespace lightmeter::kernels {
namespace {

constexpr std::uint32_t kColours = 1 << 24;

class EveryTierReads : public testing::TestWithParam<const Tier*> {
 protected:
  const Tier& tier() { return *GetParam(); }
};

// How often a colour was counted: anything from 0 to 255, and runs without any.
std::uint32_t times(std::uint32_t cell) {
  const std::uint32_t run = cell / kRunCells * 2'654'435'769U;
  return run >> 30 == 0 ? 0 : (cell * 2'246'822'519U ^ run) >> 24;
}

// What has to be read out of all cells, colour by colour.
std::unique_ptr<CellSums> want(std::uint32_t (*count)(std::uint32_t cell)) {
  auto sums = std::make_unique<CellSums>();
  for (std::uint32_t red = 0; red < 256; ++red) {
    for (std::uint32_t green = 0; green < 256; ++green) {
      for (std::uint32_t blue = 0; blue < 256; ++blue) {
        const std::uint32_t n = count(cell_of(red, green, blue));
        const Hexcone colour = hexcone(red, green, blue);
        const std::uint32_t chroma = colour.max - colour.min;
        const std::uint8_t hue = hue_of(colour.sector, chroma, colour.x);
        sums->red[red] += n;
        sums->green[green] += n;
        sums->blue[blue] += n;
        sums->hue[hue] += n;
        sums->hue_chroma[hue] += std::uint64_t{n} * chroma;
        sums->chroma_value[chroma << 8 | colour.max] += n;
      }
    }
  }
  return sums;
}

std::unique_ptr<CellSums> read(const Tier& tier, std::uint32_t (*count)(std::uint32_t cell)) {
  auto sums = std::make_unique<CellSums>();
  std::vector<std::uint8_t> cells(kPageCells);
  for (std::uint32_t page = 0; page < kPages; ++page) {
    for (std::uint32_t i = 0; i < kPageCells; ++i) {
      cells[i] = static_cast<std::uint8_t>(kNoneCounted - count(page * kPageCells + i));
    }
    tier.read_page(cells.data(), page, *sums);
  }
  for (std::size_t i = 0; i < 256; ++i) {
    sums->red[i] += std::exchange(sums->red[i + 256], 0);
    sums->blue[i] += std::exchange(sums->blue[i + 256], 0);
  }
  return sums;
}

void expect_equal(const CellSums& got, const CellSums& want) {
  EXPECT_EQ(got.red, want.red);
  EXPECT_EQ(got.green, want.green);
  EXPECT_EQ(got.blue, want.blue);
  EXPECT_EQ(got.hue, want.hue);
  EXPECT_EQ(got.hue_chroma, want.hue_chroma);
  EXPECT_TRUE(got.chroma_value == want.chroma_value);
  for (std::size_t chroma = 0; chroma < 256; ++chroma) {
    const auto* const values = &got.chroma_value[chroma << 8];
    EXPECT_EQ(got.has_chroma[chroma], std::any_of(values, values + 256, [](auto n) { return n; }));
  }
}

TEST_P(EveryTierReads, CellsOfAllColours) { expect_equal(*read(tier(), times), *want(times)); }

// No sum overflows where every cell has counted as often as it can.
TEST_P(EveryTierReads, FullCells) {
  const auto sums = read(tier(), [](std::uint32_t) { return 255U; });
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(sums->red[i], 255U << 16);
    EXPECT_EQ(sums->green[i], 255U << 16);
    EXPECT_EQ(sums->blue[i], 255U << 16);
  }
  expect_equal(*sums, *want([](std::uint32_t) { return 255U; }));
}

TEST_P(EveryTierReads, EveryColourHasACellOfItsOwn) {
  constexpr std::size_t kRow = 65'536;
  std::vector<std::uint8_t> red(kRow), green(kRow), blue(kRow);
  std::vector<std::uint32_t> cells(kRow);
  for (std::size_t i = 0; i < kRow; ++i) {
    green[i] = static_cast<std::uint8_t>(i >> 8);
    blue[i] = static_cast<std::uint8_t>(i);
  }
  for (std::uint32_t r = 0; r < 256; ++r) {
    std::fill(red.begin(), red.end(), static_cast<std::uint8_t>(r));
    tier().colour_cells(red.data(), green.data(), blue.data(), kRow, cells.data());
    for (std::size_t i = 0; i < kRow; ++i) {
      ASSERT_LT(cells[i], kColours);
      const CellColour colour = colour_of(cells[i]);
      ASSERT_TRUE(colour.red() == r && colour.green == green[i] && colour.blue() == blue[i])
          << r << ' ' << +green[i] << ' ' << +blue[i];
      ASSERT_EQ(cells[i], cell_of(r, green[i], blue[i]));
    }
  }
}

TEST_P(EveryTierReads, CellsAreRightAtAnyCount) {
  std::mt19937 random(1);
  for (std::size_t n = 0; n <= 200; ++n) {
    const std::size_t room = (n + kGroup - 1) / kGroup * kGroup;
    // On the heap, so that a sanitizer sees any access beyond.
    const auto plane = [&] {
      std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[room]);
      std::generate_n(bytes.get(), room, [&] { return static_cast<std::uint8_t>(random()); });
      return bytes;
    };
    const auto red = plane(), green = plane(), blue = plane();
    const std::unique_ptr<std::uint32_t[]> cells(new std::uint32_t[room]);
    tier().colour_cells(red.get(), green.get(), blue.get(), n, cells.get());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(cells[i], cell_of(red[i], green[i], blue[i])) << i << " of " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryTierReads, testing::ValuesIn(available_tiers()),
                         [](const auto& tier) { return std::string(tier.param->name); });

}  // namespace
}  // namespace lightmeter::kernels
