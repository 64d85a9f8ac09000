#include "sketch/covariance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>

#include "error.hpp"
#include "sketch/codec_checks.hpp"
#include "sketch/limits.hpp"
#include "sketch/mix.hpp"
#include "sketch/projections.hpp"

namespace lightmeter::sketch {
namespace {

using Rows = std::vector<std::vector<double>>;

Rows rows_of(std::size_t n, std::size_t dimensions, double exponents, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> exponent(-exponents, exponents);
  Rows rows(n, std::vector<double>(dimensions));
  for (auto& row : rows) {
    for (double& value : row) value = normal(random) * std::exp2(exponent(random));
  }
  return rows;
}

Covariance of(const Rows& rows) {
  Covariance covariance(rows.front().size());
  for (const auto& row : rows) covariance.update(row);
  return covariance;
}

std::size_t place_of(std::size_t dimensions, std::size_t i, std::size_t j) {
  return i * dimensions - i * (i + 1) / 2 + j;
}

// Equal to 1e-12 of the numbers' scales.
void expect_equal(const Covariance& a, const Covariance& b) {
  const std::size_t k = a.dimensions();
  ASSERT_EQ(b.dimensions(), k);
  ASSERT_EQ(a.n(), b.n());
  std::vector<double> roots;
  for (std::size_t i = 0; i < k; ++i) roots.push_back(std::sqrt(b.comoments()[place_of(k, i, i)]));
  const auto above = a.means_above(b);
  for (std::size_t i = 0; i < k; ++i) {
    EXPECT_LE(std::abs(above[i]), 1e-12 * roots[i] / std::sqrt(static_cast<double>(a.n()))) << i;
    for (std::size_t j = i; j < k; ++j) {
      const std::size_t place = place_of(k, i, j);
      EXPECT_NEAR(a.comoments()[place], b.comoments()[place], 1e-12 * roots[i] * roots[j]);
    }
  }
}

// Whole numbers in units, of which 128 bits hold what is wanted without rounding. The last case is
// of 1e8 +- 1e-3, to the last bit of a double.
TEST(Covariance, AgreesWithSumsOfWholeNumbers) {
  struct Case {
    double mean;
    double unit;
    std::int64_t most;
  };
  for (const auto& [mean, unit, most] :
       {Case{0.0, 1.0, std::int64_t{1} << 52}, Case{0.0, 0x1p-140, 1000},
        Case{0.0, 0x1p-186, std::int64_t{1} << 52}, Case{1e15, 1.0, 100},
        Case{1e8, 0x1p-26, 67'109}}) {
    std::mt19937_64 random(3);
    std::uniform_int_distribution<std::int64_t> uniform(-most, most);
    for (const std::size_t n : {1U, 2U, 33U, 300U}) {
      Covariance covariance(3);
      std::array<__int128, 3> sums{};
      std::array<__int128, 6> products{};
      for (std::size_t row = 0; row < n; ++row) {
        std::array<std::int64_t, 3> units;
        std::array<double, 3> values;
        for (std::size_t i = 0; i < 3; ++i) {
          units[i] = uniform(random) + (i == 2 ? units[0] : 0);
          values[i] = mean + static_cast<double>(units[i]) * unit;
          sums[i] += units[i];
        }
        for (std::size_t i = 0; i < 3; ++i) {
          for (std::size_t j = i; j < 3; ++j) {
            products[place_of(3, i, j)] += __int128{units[i]} * units[j];
          }
        }
        covariance.update(values);
      }
      const auto wanted = [&](std::size_t i, std::size_t j) {
        const __int128 times_n = products[place_of(3, i, j)] * static_cast<__int128>(n);
        return static_cast<double>(times_n - sums[i] * sums[j]) / static_cast<double>(n) * unit *
               unit;
      };
      for (std::size_t i = 0; i < 3; ++i) {
        const double wanted_mean =
            mean + static_cast<double>(sums[i]) * unit / static_cast<double>(n);
        EXPECT_NEAR(covariance.means()[i], wanted_mean,
                    0x1p-52 * std::abs(mean) + 1e-15 * std::sqrt(wanted(i, i)));
        for (std::size_t j = i; j < 3; ++j) {
          EXPECT_NEAR(covariance.comoments()[place_of(3, i, j)], wanted(i, j),
                      1e-13 * std::sqrt(wanted(i, i) * wanted(j, j)));
        }
      }
    }
  }
}

TEST(Covariance, AgreesInAnyOrderAndTree) {
  for (const double exponents : {0.0, 10.0, 100.0}) {
    for (const double mean : {0.0, 1e8}) {
      for (const std::size_t n : {7U, 31U, 40U, 200U, 5000U}) {
        Rows rows = rows_of(n, 5, exponents, n);
        for (auto& row : rows) {
          for (double& value : row) value += mean;
        }
        const Covariance wanted = of(rows);
        EXPECT_EQ(encoded(decoded<Covariance>(encoded(wanted))), encoded(wanted));
        std::mt19937_64 random(n);
        for (int trial = 0; trial < 5; ++trial) {
          std::ranges::shuffle(rows, random);
          std::vector<Covariance> parts(1, Covariance(5));
          for (std::size_t begin = 0; begin < n;) {
            const std::size_t end = std::min<std::size_t>(n, begin + 1 + random() % 50);
            Covariance part(5);
            for (; begin < end; ++begin) part.update(rows[begin]);
            parts.push_back(random() % 2 == 0 ? decoded<Covariance>(encoded(part)) : part);
          }
          while (parts.size() > 1) {
            const std::size_t at = random() % (parts.size() - 1);
            parts[at].merge(parts[at + 1]);
            parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
          }
          expect_equal(parts.front(), wanted);
        }
      }
    }
  }
}

TEST(Covariance, RowsInOneOrderGiveTheSameBytesInAnyBlocks) {
  const Rows rows = rows_of(300, 4, 3.0, 1);
  const auto wanted = encoded(of(rows));
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 5; ++trial) {
    Covariance whole(4);
    for (std::size_t begin = 0; begin < rows.size();) {
      const std::size_t end = std::min(rows.size(), begin + 1 + random() % Covariance::kFewRows);
      Covariance block(4);
      for (; begin < end; ++begin) block.update(rows[begin]);
      whole.merge(decoded<Covariance>(encoded(block)));
    }
    EXPECT_EQ(encoded(whole), wanted);
  }
}

// What never varies is told apart from what varies by the last bit.
TEST(Covariance, ConstantsHaveNoSpread) {
  Covariance whole(2);
  for (int i = 0; i < 1000; ++i) {
    Covariance part(2);
    for (int row = 0; row <= i % 3; ++row)
      part.update(std::array{0.1, i % 2 == 0 ? 1.0 : 1.0 + 0x1p-52});
    whole.merge(part);
  }
  EXPECT_EQ(whole.means()[0], 0.1);
  EXPECT_EQ(whole.comoments()[0], 0.0);
  EXPECT_EQ(whole.comoments()[1], 0.0);
  EXPECT_NEAR(whole.comoments()[2], 0x1p-106 * static_cast<double>(whole.n()), 0x1p-116);
}

TEST(Covariance, TakesWhatItsRangeHolds) {
  Covariance covariance(1);
  for (const double bad : {HUGE_VAL, -HUGE_VAL, std::nan(""), 0x1p128}) {
    EXPECT_THROW(covariance.update(std::array{bad}), std::invalid_argument);
  }
  EXPECT_THROW(covariance.update(std::array{1.0, 2.0}), std::invalid_argument);
  EXPECT_THROW(covariance.merge(Covariance(2)), IncompatibleError);
  EXPECT_THROW(Covariance(Covariance::kMaxDimensions + 1), std::invalid_argument);
  EXPECT_EQ(covariance.n(), 0U);
  for (int i = 0; i < 100; ++i) {
    for (const double value : {0x1.fffffffffffffp127, -0x1.fffffffffffffp127, 0x1p-241, -0.0}) {
      covariance.update(std::array{value});
    }
  }
  EXPECT_EQ(covariance.n(), 400U);
  EXPECT_DOUBLE_EQ(covariance.comoments()[0], 200 * 0x1p256);
  Covariance least(1);
  for (const double value : {0x1p-240, -0x1p-240, 1e-300, 0x1p-242})
    least.update(std::array{value});
  EXPECT_EQ(least.comoments()[0], 0x1p-479);
  EXPECT_EQ(encoded(decoded<Covariance>(encoded(covariance))), encoded(covariance));
}

TEST(Covariance, RefusesNumbersThatNoRowsHave) {
  using Numbers = std::array<double, 7>;  // two means, two rests, three co-moments
  const auto accepts = [](std::uint64_t n, const Numbers& numbers) {
    wire::Writer out;
    out.varint(2);
    out.varint(n);
    for (const double number : numbers) out.f64(number);
    try {
      return encoded(decoded<Covariance>(out.view())).size() == out.size();
    } catch (const DecodeError&) {
      return false;
    }
  };
  EXPECT_TRUE(accepts(100, {1.0, -1e38, 0x1p-54, 0.0, 4.0, -6.0, 9.0}));
  for (std::size_t i = 0; i < 7; ++i) {
    for (const double bad : {HUGE_VAL, -HUGE_VAL, std::nan(""), 1e300}) {
      Numbers numbers{1.0, -1.0, 0.0, 0.0, 4.0, -6.0, 9.0};
      numbers[i] = bad;
      EXPECT_FALSE(accepts(100, numbers)) << i << " " << bad;
    }
  }
  EXPECT_FALSE(accepts(100, {1.0, 1.0, 0x1p-52, 0.0, 4.0, -6.0, 9.0}));
  EXPECT_FALSE(accepts(100, {1.0, 1.0, 0.0, 0.0, -4.0, 0.0, 9.0}));
  EXPECT_FALSE(accepts(100, {1.0, 1.0, 0.0, 0.0, 4.0, -6.1, 9.0}));
  EXPECT_FALSE(accepts(100, {1.0, 1.0, 0.0, 0.0, 0.0, 1e-9, 9.0}));
  EXPECT_FALSE(accepts(kMaxCount + 1, {1.0, 1.0, 0.0, 0.0, 4.0, 6.0, 9.0}));
}

TEST(Covariance, RefusesDamagedBytes) {
  for (const std::size_t n : {3U, 100U}) {
    const auto good = encoded(of(rows_of(n, 3, 2.0, 1)));
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_THROW((void)decoded<Covariance>(std::span(good).first(size)), DecodeError);
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const std::uint8_t byte : {0x00, 0x7F, 0x80, 0xFF}) {
        auto bad = good;
        bad[at] = byte;
        try {
          const Covariance accepted = decoded<Covariance>(bad);
          EXPECT_EQ(encoded(accepted), bad);  // has one form only
        } catch (const DecodeError&) {
        }
      }
    }
  }
}

// The recipe is part of the file format.
TEST(Projections, HaveTheSameBitsOnEveryMachine) {
  const Projections projections(7, 100);
  ASSERT_EQ(projections.size(), 32U);
  std::vector<double> sums(32);
  std::vector<double> vector(100);
  std::iota(vector.begin(), vector.end(), -3.0);
  for (double& value : vector) value /= 7.0;
  projections.project(vector, sums);
  std::uint64_t hash = 0;
  for (const double sum : sums) hash = mix(hash, std::bit_cast<std::uint64_t>(sum));
  EXPECT_EQ(hash, 4066843859827344098U);
  double total = 0.0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    std::ranges::fill(vector, 0.0);
    vector[i] = 1.0;
    projections.project(vector, sums);
    for (const double sum : sums) {
      EXPECT_EQ(std::abs(sum), 1.0);
      total += sum;
    }
  }
  EXPECT_LE(std::abs(total), 4.0 * std::sqrt(3200.0));
}

}  // namespace
}  // namespace lightmeter::sketch
