#include "decode/jpeg_decoder.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lightmeter::decode {
namespace {

// Few enough to stay in the cache until they are measured.
constexpr int kPixelsAtOnce = 1 << 19;

constexpr int ratio_up(int value, int divisor) noexcept { return (value + divisor - 1) / divisor; }
constexpr std::size_t size(int value) noexcept { return static_cast<std::size_t>(value); }

}  // namespace

JpegDecoder::JpegDecoder(std::unique_ptr<JpegFile> file, const kernels::Tier& tier)
    : file_(std::move(file)),
      frame_(file_->frame),
      scan_(*file_),
      loops_(jpeg_kernels(tier)),
      mcus_across_(ratio_up(frame_.width, 8 * file_->across())),
      mcus_down_(ratio_up(frame_.height, 8 * file_->down())),
      room_(std::max(8 * file_->down() + 1, kPixelsAtOnce / frame_.width)),
      plane_size_(size(room_) * size(frame_.width) + kJpegRoom),
      rows_(new std::uint8_t[plane_size_ * size(channels())]) {
  for (int i = 0; i < channels(); ++i) {
    const JpegComponent& component = frame_.components[size(i)];
    const int width = ratio_up(frame_.width * component.across, file_->across());
    planes_[size(i)] =
        JpegPlane(size(width), size(8 * component.across * mcus_across_), size(8 * component.down));
  }
  if (file_->across() == 2) {
    for (auto& row : chroma_) row.resize(size(frame_.width) + 2 * kJpegRoom);
  }
}

// The samples of one MCU (ITU T.81, A.2.3).
bool JpegDecoder::decode_mcu(int place) noexcept {
  if (!scan_.start_mcu()) return false;
  for (int i = 0; i < channels(); ++i) {
    const JpegComponent& component = frame_.components[size(i)];
    JpegPlane& plane = planes_[size(i)];
    for (int y = 0; y < component.down; ++y) {
      std::uint8_t* to = plane.row(8 * y) + 8 * component.across * place;
      for (int x = 0; x < component.across; ++x, to += 8) {
        if (!scan_.read(size(i), blocks_[turn_])) return false;
        transform();
        waiting_ = to;
        waiting_stride_ = plane.stride();
        turn_ ^= 1;
      }
    }
  }
  return true;
}

// The samples of the block before, if one waits: bytes that were stored one by one and just now would
// hold up the loads of vectors.
void JpegDecoder::transform() noexcept {
  if (waiting_ == nullptr) return;
  const JpegBlock& block = blocks_[turn_ ^ 1];
  (block.is_low ? loops_.inverse_low_dct : loops_.inverse_dct)(block.values.data(), waiting_,
                                                               waiting_stride_);
  waiting_ = nullptr;
}

// Doubled chroma lies between rows, so the last row of the MCUs waits for those below.
bool JpegDecoder::decode_mcu_row() noexcept {
  for (int i = 0; i < channels(); ++i) planes_[size(i)].keep_last();
  for (int place = 0; place < mcus_across_; ++place) {
    if (!decode_mcu(place)) return false;
  }
  transform();
  if (scan_.is_overrun()) return false;
  for (int i = 1; i < channels(); ++i) planes_[size(i)].extend();
  ++next_mcu_;
  const bool is_last = next_mcu_ == mcus_down_;
  if (is_last && !scan_.end()) return false;
  const int below = 8 * file_->down() * next_mcu_ - (file_->down() == 2 ? 1 : 0);
  for (const int end = is_last ? frame_.height : below; next_row_ < end; ++next_row_)
    emit(next_row_);
  return true;
}

// Adds a row of the image to those that are given out.
void JpegDecoder::emit(int y) noexcept {
  const int in_mcu = y - 8 * file_->down() * (next_mcu_ - 1);
  const std::uint8_t* const luma = planes_[0].row(in_mcu);
  const auto width = size(frame_.width);
  std::uint8_t* const to = rows_.get() + size(filled_++) * width;
  if (channels() == 1) {
    std::memcpy(to, luma, width);
    return;
  }
  const std::uint8_t* colour[2];
  for (std::size_t i = 0; i < 2; ++i) {
    JpegPlane& plane = planes_[i + 1];
    if (file_->across() == 1) {
      colour[i] = plane.row(in_mcu);
      continue;
    }
    std::uint8_t* const doubled = chroma_[i].data();
    const auto half = size(ratio_up(frame_.width, 2));
    if (file_->down() == 1) {
      loops_.double_across(plane.row(in_mcu), half, doubled);
    } else {
      const int near = y >> 1;
      const int far =
          std::clamp(y % 2 == 0 ? near - 1 : near + 1, 0, ratio_up(frame_.height, 2) - 1);
      const int above = 8 * (next_mcu_ - 1);
      loops_.double_both(plane.row(near - above), plane.row(far - above), half, doubled);
    }
    colour[i] = doubled;
  }
  loops_.to_rgb(luma, colour[0], colour[1], width, to, to + plane_size_, to + 2 * plane_size_);
}

Pixels JpegDecoder::strip() const noexcept {
  return {.data = rows_.get(),
          .width = frame_.width,
          .height = filled_,
          .channels = channels(),
          .row_stride = frame_.width,
          .pixel_stride = 1,
          .channel_stride = static_cast<std::ptrdiff_t>(plane_size_)};
}

std::unique_ptr<JpegDecoder> JpegDecoder::open(std::span<const std::uint8_t> file,
                                               std::span<const headers::JpegSegment> segments,
                                               const kernels::Tier& tier) {
  auto read = read_jpeg_file(file, segments);
  if (read == nullptr) return nullptr;
  return std::unique_ptr<JpegDecoder>(new JpegDecoder(std::move(read), tier));
}

bool JpegDecoder::decode(const TakeStrip& take_strip) {
  const int most = 8 * file_->down() + 1;  // rows that a row of MCUs may give
  while (next_mcu_ < mcus_down_) {
    if (!decode_mcu_row()) return false;
    if (filled_ + most > room_ || next_mcu_ == mcus_down_) {
      take_strip(strip());
      filled_ = 0;
    }
  }
  return true;
}

}  // namespace lightmeter::decode
