#include "kernels/tier.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

namespace lightmeter::kernels {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Unfilters& tier() { return active().unfilter; }

// The row that a filter of a tier makes, in a buffer of exactly its size.
Bytes undone(const Unfilters& by, int filter, const Bytes& coded, const Bytes& above,
             std::size_t pixel) {
  Bytes row(coded.size());
  by[static_cast<std::size_t>(filter)](coded.data(), above.data(), row.data(), row.size(), pixel);
  return row;
}

// ISO/IEC 15948, 9.2: the predictor of a byte by those at its left, above, and above at its left.
int predicted(int filter, int left, int up, int up_left) {
  if (filter == 1) return left;
  if (filter == 2) return up;
  if (filter == 3) return (left + up) / 2;
  const int p = left + up - up_left;
  const int a = std::abs(p - left), b = std::abs(p - up), c = std::abs(p - up_left);
  return a <= b && a <= c ? left : b <= c ? up : up_left;
}

TEST(Unfilter, IsWhatTheSpecificationSays) {
  std::mt19937 random(1);
  for (const std::size_t pixel : {1, 2, 3, 4, 6, 8}) {
    for (std::size_t width = 1; width <= 70; ++width) {
      Bytes coded(width * pixel), above(width * pixel);
      for (auto& byte : coded) byte = static_cast<std::uint8_t>(random());
      for (auto& byte : above) byte = static_cast<std::uint8_t>(random());
      for (int filter = 1; filter <= 4; ++filter) {
        Bytes expected(coded.size());
        for (std::size_t i = 0; i < coded.size(); ++i) {
          const bool first = i < pixel;
          const int by = predicted(filter, first ? 0 : expected[i - pixel], above[i],
                                   first ? 0 : above[i - pixel]);
          expected[i] = static_cast<std::uint8_t>(coded[i] + by);
        }
        ASSERT_EQ(undone(tier(), filter, coded, above, pixel), expected)
            << "filter " << filter << ", " << pixel << " bytes a pixel, " << width << " pixels";
        ASSERT_EQ(undone(kScalar.unfilter, filter, coded, above, pixel), expected);
      }
    }
  }
}

// Two pixels of 8 bytes: the first one is what is at the left, as nothing is above at its left and
// its coded bytes are chosen so; the second shows the predictor, as its coded bytes are 0.
TEST(Unfilter, PredictsAllTriples) {
  Bytes coded(16), above(16);
  for (int up_left = 0; up_left < 256; ++up_left) {
    for (int up = 0; up < 256; ++up) {
      for (int start = 0; start < 256; start += 8) {
        for (std::size_t i = 0; i < 8; ++i) {
          const int left = start + static_cast<int>(i);
          // Paeth of (0, up_left, 0) is up_left, and the average is half of it.
          above[i] = static_cast<std::uint8_t>(up_left);
          above[8 + i] = static_cast<std::uint8_t>(up);
          coded[i] = static_cast<std::uint8_t>(left - up_left);
        }
        const Bytes row = undone(tier(), 4, coded, above, 8);
        for (std::size_t i = 0; i < 8; ++i) {
          const int left = start + static_cast<int>(i);
          ASSERT_EQ(row[i], left);
          ASSERT_EQ(row[8 + i], predicted(4, left, up, up_left)) << left << ' ' << up;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lightmeter::kernels
