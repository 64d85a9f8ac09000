#include "measure/byte_tables.hpp"

#include "kernels/hsv.hpp"

namespace lightmeter::measure {

struct ByteTables::Keys {
  alignas(64) std::array<std::uint32_t, kBlockPixels> value_min;
  alignas(64) std::array<std::uint32_t, kBlockPixels> chroma_x;
  alignas(64) std::array<std::uint16_t, kBlockPixels> middle;
};

void ByteTables::add(const kernels::Tier& tier, const std::uint8_t* red, const std::uint8_t* green,
                     const std::uint8_t* blue, std::size_t n, ImageCounts& counts) noexcept {
  Keys keys;
  tier.colour_keys(red, green, blue, n, keys.value_min.data(), keys.chroma_x.data(),
                   keys.middle.data());
  if (in_tables_ + n > kMost) {
    read(counts);
    *this = {};
  }
  in_tables_ += n;
  count(keys, n);
}

// Apart, as compilers do better where the keys are not a local variable.
[[gnu::noinline]] void ByteTables::count(const Keys& keys, std::size_t n) noexcept {
  const auto& tables = kernels::hsv_tables();
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
      counts.channel[kernels::kMaxChannel[sector]][i] += max_[key];
      counts.channel[kernels::kMiddleChannel[sector]][i] += middle_[key];
      counts.channel[kernels::kMinChannel[sector]][i] += min_[key];
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
