#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "measure/metric.hpp"

namespace lightmeter::measure {

// A hash of all pixels and their positions. It detects accidental repeats. It is no protection
// against somebody who constructs two images with one hash, because the keys are public.
//
// The image is cut into blocks of 256 pixels of a row. With the colour c of a pixel, the key k of
// its place in the block and the key K of the block, the hash is
//
//   H = sum over blocks of K * (sum over its pixels of c * k)   modulo the prime p = 2^61 - 1.
//
// Because it is a sum, tiles and their order do not change it. For two images of one size, let d be
// the differences of the colours. They lie between -p and p, so a d that is not 0 has an inverse
// modulo p. With keys drawn at random, a block with such a d sums to 0 with a chance of 1 / p. If
// it does not, H is the same with a chance of 1 / p again. So two different images have the same
// hash with a chance of at most 2 / p = 2^-60. The modulus must be a prime: modulo 2^64, a
// difference of 2^t in a colour would leave only 64 - t bits of its key.
//
// A colour has one more bit than its samples, which is always 1, so that an ignored pixel differs
// from a black one.
struct PixelHash {
  static constexpr Set kSet = Set::kCamera;
  static constexpr std::array kNumbers{
      Number{"PixelHash", Scale::kHash, Group::kRepeats,
             "a hash of all pixels: equal if two images are the same", Role::kHash}};

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
  void read(const ImageFacts& image, std::span<Amount> out) const noexcept {
    if (!image.is_whole || image.pixels == 0) return;
    std::uint64_t hash = scramble(sum);
    hash = scramble(hash ^ static_cast<std::uint64_t>(image.frame.width));
    hash = scramble(hash ^ static_cast<std::uint64_t>(image.frame.height));
    const unsigned kind = image.counts.is_deep() ? 16U : 8U;
    out[0] = scramble(hash ^ (kind + static_cast<unsigned>(image.counts.channels)));
  }

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

  // The colour of a pixel is a word, or two of a deep image, of at most 25 bits.
  template <class S>
  static constexpr std::size_t kWords = sizeof(S) == 1 ? 1 : 2;
  template <class S>
  [[nodiscard]] LIGHTMETER_INLINE static std::uint32_t word_of(std::size_t word, S red, S green,
                                                               S blue) noexcept {
    const std::uint32_t r = red, g = green, b = blue;
    constexpr std::uint32_t kAlways = 1U << 24;
    if constexpr (sizeof(S) == 1) return kAlways | r | g << 8 | b << 16;
    return word == 0 ? kAlways | r | (g & 0xFF) << 16 : g >> 8 | b << 8;
  }

  // Words times keys of 31 bits: sums over a block fit 64 bits. Each word has keys of its own.
  template <class S>
  LIGHTMETER_INLINE static std::uint64_t block_sum(const PixelRow<S>& row, std::size_t from,
                                                   std::size_t n, std::size_t place) noexcept {
    static constexpr std::array<Keys, 2> kKeys{make_keys(1), make_keys(1 + kBlock)};
    const S* const red = row.red + from;
    const S* const green = row.green + from;
    const S* const blue = row.blue + from;
    Wide sum = 0;
    for (std::size_t word = 0; word < kWords<S>; ++word) {
      const std::uint32_t* const low_keys = kKeys[word].low.data() + place;
      const std::uint32_t* const high_keys = kKeys[word].high.data() + place;
      std::uint64_t low = 0, high = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t bits = word_of(word, red[i], green[i], blue[i]);
        low += bits * low_keys[i];
        high += bits * high_keys[i];
      }
      sum += low + (Wide{high} << kLowBits);
    }
    return modulo(sum);
  }
};

}  // namespace lightmeter::measure
