#include "kernels/tier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/colour.hpp"

namespace lightmeter::kernels {
namespace {

// An array of exactly n elements on the heap, so that a sanitizer sees any access beyond it.
template <typename T>
struct Exact {
  explicit Exact(std::size_t n) : size(n), data(new T[n]) {}
  std::size_t size;
  std::unique_ptr<T[]> data;
  T* begin() { return data.get(); }
};

// Hue and saturation of all colours are tested against Pillow, in tests/python/image/test_meter.py.
class EveryTier : public testing::TestWithParam<const Tier*> {
 protected:
  const Tier& tier() { return *GetParam(); }
};

TEST_P(EveryTier, LumaIsPillowsForAllColours) {
  constexpr std::size_t kPixels = 65536;
  std::vector<std::uint8_t> red(kPixels), green(kPixels), blue(kPixels), luma(kPixels);
  for (std::size_t i = 0; i < kPixels; ++i) {
    green[i] = static_cast<std::uint8_t>(i >> 8);
    blue[i] = static_cast<std::uint8_t>(i);
  }
  for (int r = 0; r < 256; ++r) {
    std::fill(red.begin(), red.end(), static_cast<std::uint8_t>(r));
    tier().luma(red.data(), green.data(), blue.data(), kPixels, luma.data());
    for (std::size_t i = 0; i < kPixels; ++i) {
      ASSERT_EQ(luma[i], (19595 * r + 38470 * green[i] + 7471 * blue[i] + 32768) >> 16)
          << "red " << r << " green " << +green[i] << " blue " << +blue[i];
    }
  }
}

TEST_P(EveryTier, LumaTouchesNoPixelMoreAtAnyCount) {
  std::mt19937 random(7);
  for (std::size_t n = 0; n < 200; ++n) {
    Exact<std::uint8_t> red(n), green(n), blue(n), luma(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (auto* plane : {&red, &green, &blue}) {
        plane->data[i] = static_cast<std::uint8_t>(random());
      }
    }
    tier().luma(red.begin(), green.begin(), blue.begin(), n, luma.begin());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(luma.data[i], luma_of(red.data[i], green.data[i], blue.data[i]))
          << i << " of " << n;
    }
  }
}

TEST_P(EveryTier, KeysAreTheScalarOnesAtAnyCount) {
  std::mt19937 random(1);
  for (std::size_t n = 0; n <= 200; ++n) {
    const std::size_t room = (n + kGroup - 1) / kGroup * kGroup;
    Exact<std::uint8_t> red(room), green(room), blue(room);
    for (auto* plane : {&red, &green, &blue}) {
      std::generate_n(plane->begin(), room, [&] { return static_cast<std::uint8_t>(random()); });
    }
    Exact<std::uint32_t> value_min(room), chroma_x(room);
    Exact<std::uint16_t> middle(room);
    tier().colour_keys(red.begin(), green.begin(), blue.begin(), n, value_min.begin(),
                       chroma_x.begin(), middle.begin());
    for (std::size_t i = 0; i < n; ++i) {
      const ColourKeys want = colour_keys(red.data[i], green.data[i], blue.data[i]);
      ASSERT_EQ(value_min.data[i], want.value_min) << "pixel " << i << " of " << n;
      ASSERT_EQ(chroma_x.data[i], want.chroma_x) << "pixel " << i << " of " << n;
      ASSERT_EQ(middle.data[i], want.middle) << "pixel " << i << " of " << n;
    }
  }
}

TEST_P(EveryTier, KeysOfAllColoursAreTheScalarOnes) {
  constexpr std::size_t kRow = 256;
  std::vector<std::uint8_t> red(kRow), green(kRow), blue(kRow);
  std::iota(blue.begin(), blue.end(), std::uint8_t{0});
  std::array<std::uint32_t, kRow> value_min, chroma_x;
  std::array<std::uint16_t, kRow> middle;
  for (std::uint32_t r = 0; r < 256; ++r) {
    std::ranges::fill(red, static_cast<std::uint8_t>(r));
    for (std::uint32_t g = 0; g < 256; ++g) {
      std::ranges::fill(green, static_cast<std::uint8_t>(g));
      tier().colour_keys(red.data(), green.data(), blue.data(), kRow, value_min.data(),
                         chroma_x.data(), middle.data());
      for (std::uint32_t b = 0; b < 256; ++b) {
        const ColourKeys want = colour_keys(r, g, b);
        ASSERT_TRUE(value_min[b] == want.value_min && chroma_x[b] == want.chroma_x &&
                    middle[b] == want.middle)
            << r << ' ' << g << ' ' << b;
      }
    }
  }
}

TEST_P(EveryTier, SplitsStayInsideTheirPixels) {
  std::mt19937 random(2);
  for (const std::size_t stride : {3, 4}) {
    const auto split = stride == 3 ? tier().split_packed : tier().split_padded;
    for (std::size_t n = 0; n <= 200; ++n) {
      for (std::size_t offset : {0, 1, 7}) {
        Exact<std::uint8_t> pixels(offset + (n == 0 ? 0 : stride * (n - 1) + 3));
        std::generate_n(pixels.begin(), pixels.size,
                        [&] { return static_cast<std::uint8_t>(random()); });
        Exact<std::uint8_t> plane[3] = {Exact<std::uint8_t>(n), Exact<std::uint8_t>(n),
                                        Exact<std::uint8_t>(n)};
        split(pixels.begin() + offset, n, plane[0].begin(), plane[1].begin(), plane[2].begin());
        for (std::size_t i = 0; i < n; ++i) {
          for (std::size_t c = 0; c < 3; ++c) {
            ASSERT_EQ(plane[c].data[i], pixels.data[offset + stride * i + c])
                << "stride " << stride << ", pixel " << i << " of " << n;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryTier, testing::ValuesIn(available_tiers()),
                         [](const auto& tier) { return std::string(tier.param->name); });

#if defined(__x86_64__)
TEST(Kernels, TheCpuIsAskedAsTheCompilerAsksIt) {
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  EXPECT_EQ(available_tiers().size(), has_avx2 ? 2 : 1);
  EXPECT_EQ(available_tiers().back()->name, has_avx2 ? "avx2" : "scalar");
}
#endif

TEST(Kernels, ScalarIsAlwaysAvailable) { EXPECT_EQ(available_tiers().front()->name, "scalar"); }

TEST(Kernels, AnUnknownTierNamesTheAvailableOnes) {
  try {
    (void)tier_named("sse9");
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("sse9"), std::string::npos) << message;
    for (const Tier* tier : available_tiers()) {
      EXPECT_NE(message.find(tier->name), std::string::npos) << message;
    }
  }
}

TEST(Kernels, TheEnvironmentForcesATier) {
  const char* forced = std::getenv("LIGHTMETER_KERNELS");
  if (forced != nullptr && *forced == '\0') forced = nullptr;
  EXPECT_EQ(active().name, forced != nullptr ? forced : available_tiers().back()->name);
}

}  // namespace
}  // namespace lightmeter::kernels
