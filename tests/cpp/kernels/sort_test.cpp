#include "kernels/tier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace lightmeter::kernels {
namespace {

void sort(float* values, float* sorted, std::size_t n) { active().floats.sort(values, sorted, n); }
void sort(double* values, double* sorted, std::size_t n) {
  active().doubles.sort(values, sorted, n);
}
bool scan(const float* values, float* copy, std::size_t n, float* least, float* greatest) {
  return active().floats.scan(values, copy, n, least, greatest);
}
bool scan(const double* values, double* copy, std::size_t n, double* least, double* greatest) {
  return active().doubles.scan(values, copy, n, least, greatest);
}

template <class T>
class SortKernel : public testing::Test {};
using ValueTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(SortKernel, ValueTypes);

// Networks sort everything if they sort zeros and ones; the sizes reach every kind of pass.
TYPED_TEST(SortKernel, SortsZerosAndOnesAndAnythingElse) {
  std::mt19937_64 random(1);
  for (std::size_t n = kLeastSort; n <= 16384; n *= 2) {
    for (int trial = 0; trial < 40; ++trial) {
      std::vector<TypeParam> values(n);
      for (TypeParam& value : values) {
        value = trial % 2 == 0 ? static_cast<TypeParam>(random() % 40 <= unsigned(trial))
                               : static_cast<TypeParam>(std::ldexp(double(random() >> 11),
                                                                   int(random() % 100) - 100)) -
                                     TypeParam{4096};
      }
      std::vector<TypeParam> expected = values;
      std::vector<TypeParam> sorted(n);
      std::ranges::sort(expected);
      sort(values.data(), sorted.data(), n);
      ASSERT_EQ(sorted, expected) << n;
    }
  }
}

TYPED_TEST(SortKernel, ScansExtremaAndFindsWhatIsNotFinite) {
  constexpr TypeParam kInf = std::numeric_limits<TypeParam>::infinity();
  for (const std::size_t n : {16, 32, 256, 1024}) {
    std::vector<TypeParam> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<TypeParam>((i * 37) % n) - 5;
    values[3] = TypeParam{-0.0};
    std::vector<TypeParam> copy(n);
    TypeParam least = 0;
    TypeParam greatest = 0;
    EXPECT_TRUE(scan(values.data(), copy.data(), n, &least, &greatest));
    EXPECT_EQ(copy, values);
    EXPECT_FALSE(std::signbit(copy[3]));
    EXPECT_EQ(least, std::ranges::min(values));
    EXPECT_EQ(greatest, std::ranges::max(values));
    for (const TypeParam bad : {kInf, -kInf, std::numeric_limits<TypeParam>::quiet_NaN()}) {
      for (std::size_t i = 0; i < n; i += 7) {
        std::vector<TypeParam> damaged = values;
        damaged[i] = bad;
        EXPECT_FALSE(scan(damaged.data(), copy.data(), n, &least, &greatest));
      }
    }
  }
}

}  // namespace
}  // namespace lightmeter::kernels
