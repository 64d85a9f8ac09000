#include "measure/tables.hpp"

#include "kernels/hsv.hpp"

namespace lightmeter::measure {
namespace {

constexpr std::uint64_t kOnePixel = std::uint64_t{1} << 32;

constexpr std::uint64_t count_of(std::uint64_t word) { return word >> 32; }
constexpr std::uint64_t chroma_of(std::uint64_t word) { return word & 0xffffffff; }

}  // namespace

void PairTables::add(const KeyBlock& keys, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t value_chroma = keys.value_chroma[i];
    ++red_green_[keys.red_green[i]];
    ++value_chroma_[value_chroma];
    blue_hue_[keys.blue_hue[i]] += kOnePixel + (value_chroma & 0xff);
  }
}

void PairTables::drain(ImageCounts& counts) noexcept {
  const auto& saturation = kernels::saturation_table();
  std::array<std::uint32_t, 256> green{};  // the counts of one table fit 32 bits in any sum
  std::array<std::uint64_t, 256> hue{};
  for (std::size_t high = 0; high < 256; ++high) {
    std::uint32_t* red_green = &red_green_[high << 8];
    std::uint32_t red = 0;
    for (std::size_t low = 0; low < 256; ++low) {
      red += red_green[low];
      green[low] += red_green[low];
      red_green[low] = 0;
    }
    counts.channel[0][high] += red;

    std::uint32_t* value_chroma = &value_chroma_[high << 8];
    std::uint32_t value = 0;
    for (std::size_t low = 0; low <= high; ++low) value += value_chroma[low];
    counts.value[high] += value;
    for (std::size_t low = 0; value != 0 && low <= high; ++low) {
      counts.saturation[saturation[high << 8 | low]] += value_chroma[low];
      value_chroma[low] = 0;
    }

    std::uint64_t* blue_hue = &blue_hue_[high << 8];
    std::uint64_t blue = 0;
    for (std::size_t low = 0; low < 256; ++low) {
      blue += blue_hue[low];
      hue[low] += blue_hue[low];
      blue_hue[low] = 0;
    }
    counts.channel[2][high] += count_of(blue);
  }
  for (std::size_t i = 0; i < 256; ++i) {
    counts.channel[1][i] += green[i];
    counts.hue[i] += count_of(hue[i]);
    counts.hue_chroma[i] += chroma_of(hue[i]);
  }
}

void ByteTables::add(const KeyBlock& keys, std::size_t n) noexcept {
  const auto& saturation = kernels::saturation_table();
  for (std::size_t i = 0; i < n; ++i) {
    Copy& to = copies_[i & 1];
    const std::uint16_t value_chroma = keys.value_chroma[i];
    ++to.red[keys.red_green[i] >> 8];
    ++to.green[keys.red_green[i] & 0xff];
    ++to.blue[keys.blue_hue[i] >> 8];
    ++to.saturation[saturation[value_chroma]];
    ++to.value[value_chroma >> 8];
    to.hue[keys.blue_hue[i] & 0xff] += kOnePixel + (value_chroma & 0xff);
  }
}

void ByteTables::drain(ImageCounts& counts) noexcept {
  for (Copy& from : copies_) {
    for (std::size_t i = 0; i < 256; ++i) {
      counts.channel[0][i] += from.red[i];
      counts.channel[1][i] += from.green[i];
      counts.channel[2][i] += from.blue[i];
      counts.hue[i] += count_of(from.hue[i]);
      counts.saturation[i] += from.saturation[i];
      counts.value[i] += from.value[i];
      counts.hue_chroma[i] += chroma_of(from.hue[i]);
    }
    from = {};
  }
}

}  // namespace lightmeter::measure
