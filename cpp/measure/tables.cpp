#include "measure/tables.hpp"

#include "kernels/hsv.hpp"
#include "kernels/read_out.hpp"

namespace lightmeter::measure {
namespace {

using kernels::hsv_tables;
using kernels::kMaxChannel;
using kernels::kMiddleChannel;
using kernels::kMinChannel;

constexpr std::uint64_t kTableCarry = 1 << 16;

// A cell that has counted to 2^16 and is back at zero.
[[gnu::noinline]] void carry_value_min(std::size_t key, ImageCounts& counts) noexcept {
  const std::size_t sector = key >> 16, value = key >> 8 & 0xff;
  counts.channel[kMaxChannel[sector]][value] += kTableCarry;
  counts.channel[kMinChannel[sector]][key & 0xff] += kTableCarry;
  counts.value[value] += kTableCarry;
  counts.saturation[hsv_tables().saturation[key & 0xffff]] += kTableCarry;
}

[[gnu::noinline]] void carry_chroma_x(std::size_t key, ImageCounts& counts) noexcept {
  const std::uint8_t hue = hsv_tables().hue[key];
  counts.hue[hue] += kTableCarry;
  counts.hue_chroma[hue] += kTableCarry * (key >> 8 & 0xff);
}

}  // namespace

void KeyTables::add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
                    const std::uint8_t* blue, std::size_t n, ImageCounts& counts) noexcept {
  KeyBlock keys;
  tier.colour_keys(red, green, blue, n, keys.value_min.data(), keys.chroma_x.data(),
                   keys.middle.data());
  count(keys, n, counts);
}

void KeyTables::count(const KeyBlock& keys, std::size_t n, ImageCounts& counts) noexcept {
  in_turns(n, [&](std::size_t i) {
    const std::uint32_t value_min = keys.value_min[i], chroma_x = keys.chroma_x[i];
    if (++value_min_[value_min] == 0) [[unlikely]] {
      carry_value_min(value_min, counts);
    }
    if (++chroma_x_[chroma_x] == 0) [[unlikely]] {
      carry_chroma_x(chroma_x, counts);
    }
    ++middle_[keys.middle[i]];
  });
}

void KeyTables::drain(const kernels::Tier& tier, ImageCounts& counts) noexcept {
  kernels::KeySums sums;
  tier.read_keys(value_min_.data(), chroma_x_.data(), sums);
  for (std::size_t i = 0; i < 256; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      counts.channel[channel][i] += std::uint64_t{sums.max[channel][i]} + sums.min[channel][i];
      counts.value[i] += sums.max[channel][i];
    }
    counts.saturation[i] += sums.saturation[i];
    counts.hue[i] += sums.hue[i];
    counts.hue_chroma[i] += sums.hue_chroma[i];
  }
  for (std::size_t key = 0; key < middle_.size(); ++key) {
    counts.channel[kMiddleChannel[key >> 8]][key & 0xff] += middle_[key];
  }
  middle_ = {};
}

void KeyTables::clear() noexcept {
  value_min_ = chroma_x_ = {};
  middle_ = {};
}

void ByteTables::add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
                     const std::uint8_t* blue, std::size_t n) noexcept {
  KeyBlock keys;
  tier.colour_keys(red, green, blue, n, keys.value_min.data(), keys.chroma_x.data(),
                   keys.middle.data());
  count(keys, n);
}

// Apart, as compilers do better where the keys are not a local variable.
[[gnu::noinline]] void ByteTables::count(const KeyBlock& keys, std::size_t n) noexcept {
  const auto& tables = hsv_tables();
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t value_min = keys.value_min[i], chroma_x = keys.chroma_x[i];
    ++max_[value_min >> 8];
    ++middle_[keys.middle[i]];
    ++min_[(value_min >> 8 & 0x700) | (value_min & 0xff)];
    ++saturation_[tables.saturation[value_min & 0xffff]];
    hue_[tables.hue[chroma_x]] += (std::uint64_t{1} << 32) + (chroma_x >> 8 & 0xff);
  }
}

void ByteTables::read(ImageCounts& counts) const noexcept {
  for (std::size_t sector = 0; sector < kernels::kSectors; ++sector) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::size_t key = sector << 8 | i;
      counts.channel[kMaxChannel[sector]][i] += max_[key];
      counts.channel[kMiddleChannel[sector]][i] += middle_[key];
      counts.channel[kMinChannel[sector]][i] += min_[key];
      counts.value[i] += max_[key];
    }
  }
  for (std::size_t i = 0; i < 256; ++i) {
    counts.saturation[i] += saturation_[i];
    counts.hue[i] += hue_[i] >> 32;
    counts.hue_chroma[i] += hue_[i] & 0xffffffff;
  }
}

}  // namespace lightmeter::measure
