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

// The sum of 128-bit integers, which small whole numbers have.
__int128 small(const ExactSums& sums, std::size_t i) {
  const auto bytes = sums.bytes(i);
  unsigned __int128 value = 0;
  for (std::size_t byte = 0; byte < 16; ++byte) {
    value |= static_cast<unsigned __int128>(bytes[40 + byte]) << (8 * byte);  // from 2^0 on
  }
  return static_cast<__int128>(value);
}

TEST(Covariance, SumsWholeNumbersExactly) {
  std::mt19937_64 random(3);
  for (const std::size_t n : {1U, 32U, 33U, 64U, 65U, 300U}) {
    Rows rows(n, std::vector<double>(3));
    std::array<__int128, 9> wanted{};
    for (auto& row : rows) {
      for (double& value : row) value = static_cast<double>(random() >> 11) - 0x1p52;
      std::size_t place = 3;
      for (std::size_t i = 0; i < 3; ++i) {
        wanted[i] += static_cast<__int128>(row[i]);
        for (std::size_t j = i; j < 3; ++j, ++place) {
          wanted[place] += static_cast<__int128>(row[i]) * static_cast<__int128>(row[j]);
        }
      }
    }
    const ExactSums sums = of(rows).sums();
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(small(sums, i) == wanted[i]) << i;
  }
}

TEST(Covariance, HasTheSameBytesInAnyOrderAndTree) {
  for (const double exponents : {0.0, 10.0, 100.0}) {
    for (const std::size_t n : {7U, 31U, 40U, 200U}) {
      Rows rows = rows_of(n, 5, exponents, n);
      const auto wanted = encoded(of(rows));
      EXPECT_EQ(encoded(decoded<Covariance>(wanted)), wanted);
      std::mt19937_64 random(n);
      for (int trial = 0; trial < 5; ++trial) {
        std::ranges::shuffle(rows, random);
        std::vector<Covariance> parts;
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
        EXPECT_EQ(encoded(parts.front()), wanted);
      }
    }
  }
}

TEST(Covariance, PicksWhatOneOfThoseNumbersAloneWouldHold) {
  for (const std::size_t n : {9U, 100U}) {
    const Rows rows = rows_of(n, 6, 3.0, 5);
    Rows some;
    for (const auto& row : rows) some.push_back({row[1], row[2], row[5]});
    const std::array<std::size_t, 3> places{1, 2, 5};
    EXPECT_EQ(encoded(of(rows).picked(places)), encoded(of(some)));
  }
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
    for (const double value : {0x1.fffffffffffffp127, -0x1p-160, 0x1p-161, 1e-300, -0.0}) {
      covariance.update(std::array{value});
    }
  }
  EXPECT_EQ(covariance.n(), 500U);
  EXPECT_EQ(encoded(decoded<Covariance>(encoded(covariance))), encoded(covariance));
}

TEST(Covariance, RefusesDamagedBytes) {
  for (const std::size_t n : {3U, 40U}) {
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
  EXPECT_EQ(hash, 10571787016345682886U);
  double squares = 0.0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    std::ranges::fill(vector, 0.0);
    vector[i] = 1.0;
    projections.project(vector, sums);
    for (const double sum : sums) squares += sum * sum;
  }
  EXPECT_NEAR(squares / 3200.0, 1.0, 0.1);
}

}  // namespace
}  // namespace lightmeter::sketch
