#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "measure/metric.hpp"

namespace lightmeter::measure {

// A hash of all pixels and where they are. It is for accidents, not against somebody who looks for
// two pictures of one hash: the keys are known.
//
// The image is cut into blocks of 256 pixels of a row. With c the colour of a pixel, k the key of
// its place in the block and K the key of the block, the hash is
//
//   H = sum over blocks of K * (sum over its pixels of c * k)   modulo the prime p = 2^61 - 1,
//
// a sum, so that tiles and their order cannot show. For two pictures of one size let d be the
// differences of the colours. They lie between -p and p, so one that is not 0 has an inverse
// modulo p: with keys drawn at random, a block with such a d sums to 0 with a chance of 1 / p.
// Given a block that does not, H is the same with a chance of 1 / p again. So two pictures that
// differ have one hash with a chance of at most 2 / p = 2^-60. A prime is needed: modulo 2^64 a
// difference of 2^t in a colour would leave only 64 - t bits of its key.
//
// A colour has a bit more than its samples, always 1, so that an ignored pixel is not a black one.
struct PixelHash {
  static constexpr Set kSet = Set::kCamera;
  static constexpr std::array kNumbers{
      Number{"PixelHash", Role::kHash, Scale::kHash, Group::kRepeats, false,
             "a hash of all pixels: equal where two pictures are the same"}};

  std::uint64_t sum = 0;  // below kPrime

  template <class S>
  LIGHTMETER_INLINE void pixels(const PixelRow<S>& row) noexcept {
    const std::int64_t end = row.x + static_cast<std::int64_t>(row.n);
    for (std::int64_t x = row.x; x < end;) {
      const std::int64_t block = x / kBlock;
      const std::int64_t next = std::min(end, (block + 1) * kBlock);
      const auto n = static_cast<std::size_t>(next - x);
      const std::uint64_t pixels = block_sum(row, static_cast<std::size_t>(x - row.x), n,
                                             static_cast<std::size_t>(x - block * kBlock));
      sum = (sum + times(pixels, block_key(row.y, block))) % kPrime;
      x = next;
    }
  }

  void add(const PixelHash& other) noexcept { sum = (sum + other.sum) % kPrime; }

  // None of a part of an image, or of no pixel: other pictures begin alike.
  [[nodiscard]] std::optional<std::uint64_t> hash(const ImageFacts& image) const noexcept {
    if (!image.is_whole || image.pixels == 0) return std::nullopt;
    std::uint64_t hash = scramble(sum);
    hash = scramble(hash ^ static_cast<std::uint64_t>(image.frame.width));
    hash = scramble(hash ^ static_cast<std::uint64_t>(image.frame.height));
    const unsigned kind = image.counts.is_deep() ? 16U : 8U;
    return scramble(hash ^ (kind + static_cast<unsigned>(image.counts.channels)));
  }

  friend bool operator==(const PixelHash&, const PixelHash&) = default;

 private:
  static constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;
  static constexpr std::int64_t kBlock = 256;
  static constexpr int kLowBits = 31;

  // Bits of a 64-bit number that each depend on all of its bits (the finaliser of MurmurHash3).
  [[nodiscard]] static constexpr std::uint64_t scramble(std::uint64_t x) noexcept {
    x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDU;
    x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53U;
    return x ^ (x >> 33);
  }

  // A key of 61 bits, in two parts: low + 2^31 high.
  struct Keys {
    std::array<std::uint32_t, kBlock> low;
    std::array<std::uint32_t, kBlock> high;
  };
  [[nodiscard]] static constexpr Keys make_keys(std::uint64_t first) noexcept {
    Keys keys{};
    for (std::size_t i = 0; i < kBlock; ++i) {
      const std::uint64_t key = scramble(first + i) >> 3;
      keys.low[i] = static_cast<std::uint32_t>(key & ((1U << kLowBits) - 1));
      keys.high[i] = static_cast<std::uint32_t>(key >> kLowBits);
    }
    return keys;
  }
  [[nodiscard]] LIGHTMETER_INLINE static std::uint64_t block_key(std::int64_t y,
                                                                 std::int64_t block) noexcept {
    const std::uint64_t row = scramble(static_cast<std::uint64_t>(y) + 0x9E3779B97F4A7C15U);
    return scramble(row + static_cast<std::uint64_t>(block)) >> 3;
  }

  // Modulo 2^61 - 1 the bits from the 61st on count like those from the first on.
  [[nodiscard]] LIGHTMETER_INLINE static std::uint64_t modulo(Wide x) noexcept {
    x = (x & kPrime) + (x >> 61);
    return static_cast<std::uint64_t>((x & kPrime) + (x >> 61)) % kPrime;
  }
  [[nodiscard]] LIGHTMETER_INLINE static std::uint64_t times(std::uint64_t a,
                                                             std::uint64_t b) noexcept {
    return modulo(Wide{a} * b);
  }

  // Words of at most 25 bits times keys of 31: sums over a block fit 64 bits. A deep colour is two
  // words, each with keys of its own.
  template <class S>
  LIGHTMETER_INLINE static std::uint64_t block_sum(const PixelRow<S>& row, std::size_t from,
                                                   std::size_t n, std::size_t place) noexcept {
    static constexpr Keys kKeys = make_keys(1);
    static constexpr Keys kMoreKeys = make_keys(1 + kBlock);
    constexpr std::uint32_t kAlways = 1U << 24;
    const S* const red = row.red + from;
    const S* const green = row.green + from;
    const S* const blue = row.blue + from;
    const std::uint32_t* const low_keys = kKeys.low.data() + place;
    const std::uint32_t* const high_keys = kKeys.high.data() + place;
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if constexpr (sizeof(S) == 1) {
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t colour = kAlways | static_cast<std::uint32_t>(red[i]) |
                                     static_cast<std::uint32_t>(green[i]) << 8 |
                                     static_cast<std::uint32_t>(blue[i]) << 16;
        low += std::uint64_t{colour} * low_keys[i];
        high += std::uint64_t{colour} * high_keys[i];
      }
      return modulo(low + (Wide{high} << kLowBits));
    } else {
      const std::uint32_t* const more_low_keys = kMoreKeys.low.data() + place;
      const std::uint32_t* const more_high_keys = kMoreKeys.high.data() + place;
      std::uint64_t more_low = 0;
      std::uint64_t more_high = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t colour = kAlways | static_cast<std::uint32_t>(red[i]) |
                                     (static_cast<std::uint32_t>(green[i]) & 0xFF) << 16;
        const std::uint32_t more =
            static_cast<std::uint32_t>(green[i]) >> 8 | static_cast<std::uint32_t>(blue[i]) << 8;
        low += std::uint64_t{colour} * low_keys[i];
        high += std::uint64_t{colour} * high_keys[i];
        more_low += std::uint64_t{more} * more_low_keys[i];
        more_high += std::uint64_t{more} * more_high_keys[i];
      }
      return modulo(Wide{low} + more_low + ((Wide{high} + more_high) << kLowBits));
    }
  }
};

}  // namespace lightmeter::measure
