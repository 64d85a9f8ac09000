#include "measure/deep_tables.hpp"

#include <memory>

#include "kernels/colour.hpp"
#include "measure/byte_tables.hpp"

namespace lightmeter::measure {

DeepTables& DeepTables::of_thread() {
  static thread_local const auto tables = std::make_unique<DeepTables>();
  return *tables;
}

void DeepTables::add(const std::uint16_t* red, const std::uint16_t* green,
                     const std::uint16_t* blue, std::size_t n, ImageCounts& counts) noexcept {
  const auto pixels = static_cast<std::int64_t>(n);
  if (in_tables_ + pixels > kMost) drain(counts);
  in_tables_ += pixels;
  std::array<std::uint16_t, kBlockPixels> hue, saturation, value, chroma;
  for (std::size_t i = 0; i < n; ++i) {
    const auto hsv = kernels::deep_hsv(red[i], green[i], blue[i]);
    hue[i] = hsv.hue;
    saturation[i] = hsv.saturation;
    value[i] = hsv.value;
    chroma[i] = hsv.chroma;
  }
  for (std::size_t i = 0; i < n; ++i) {
    ++red_[red[i]];
    ++green_[green[i]];
    ++blue_[blue[i]];
    ++value_[value[i]];
    ++saturation_[saturation[i]];
    hue_[hue[i]] += kOne + chroma[i];
  }
}

void DeepTables::drain(ImageCounts& counts) noexcept {
  const auto move = [](const Table& from, Histogram& to) {
    for (std::size_t i = 0; i < kDeepBins; ++i) to[i] += from[i];
  };
  move(red_, counts.channel[0]);
  move(green_, counts.channel[1]);
  move(blue_, counts.channel[2]);
  move(value_, counts.value);
  move(saturation_, counts.saturation);
  for (std::size_t i = 0; i < kDeepBins; ++i) {
    counts.hue[i] += hue_[i] / kOne;
    counts.hue_chroma[i] += hue_[i] % kOne;
  }
  clear();
}

void DeepTables::clear() noexcept {
  for (Table* table : {&red_, &green_, &blue_, &value_, &saturation_}) table->fill(0);
  hue_.fill(0);
  in_tables_ = 0;
}

}  // namespace lightmeter::measure
