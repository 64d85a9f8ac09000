#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "decode/jpeg.hpp"
#include "decode/jpeg_file.hpp"
#include "decode/jpeg_kernels.hpp"
#include "decode/jpeg_planes.hpp"
#include "decode/jpeg_scan.hpp"
#include "headers/foreign.hpp"

namespace lightmeter::decode {
namespace {

// Few enough to stay in the cache until they are measured.
constexpr int kPixelsAtOnce = 1 << 19;

constexpr int ratio_up(int value, int divisor) noexcept { return (value + divisor - 1) / divisor; }
constexpr std::size_t size(int value) noexcept { return static_cast<std::size_t>(value); }

}  // namespace

struct JpegDecoder::State {
  State(std::unique_ptr<JpegFile> read, const kernels::Tier& tier);

  bool decode_mcu_row() noexcept;
  bool decode_mcu(int place) noexcept;
  void transform() noexcept;
  void emit(int y) noexcept;
  [[nodiscard]] Pixels strip() const noexcept;

  std::unique_ptr<JpegFile> file;
  const JpegFrame& frame;
  JpegScan scan;
  const JpegKernels& loops;
  int mcus_across, mcus_down;
  int next_mcu = 0;  // row of MCUs
  int next_row = 0;
  std::array<JpegPlane, 3> planes;
  std::array<JpegBlock, 2> blocks;  // in turns
  std::size_t turn = 0;             // the one to be read next
  struct Waiting {
    std::uint8_t* to = nullptr;
    std::ptrdiff_t stride = 0;
  } waiting;                                              // where the samples of the other block go
  std::array<std::unique_ptr<std::uint8_t[]>, 2> chroma;  // a row, as wide as the image

  // The rows that are given out: planes of `room` rows.
  int room, filled = 0;
  std::size_t plane_size;
  std::unique_ptr<std::uint8_t[]> rows;
};

JpegDecoder::State::State(std::unique_ptr<JpegFile> read, const kernels::Tier& tier)
    : file(std::move(read)),
      frame(file->frame),
      scan(*file),
      loops(jpeg_kernels(tier)),
      mcus_across(ratio_up(frame.width, 8 * file->across())),
      mcus_down(ratio_up(frame.height, 8 * file->down())),
      room(std::max(8 * file->down() + 1, kPixelsAtOnce / frame.width)),
      plane_size(size(room) * size(frame.width) + kJpegRoom),
      rows(new std::uint8_t[plane_size * size(frame.channels())]) {
  for (int i = 0; i < frame.channels(); ++i) {
    const JpegComponent& component = frame.components[size(i)];
    const int width = ratio_up(frame.width * component.across, file->across());
    planes[size(i)] =
        JpegPlane(size(width), size(8 * component.across * mcus_across), size(8 * component.down));
  }
  if (file->across() == 2) {
    for (auto& row : chroma) row.reset(new std::uint8_t[size(frame.width) + 2 * kJpegRoom]);
  }
}

// The samples of one MCU (ITU T.81, A.2.3).
bool JpegDecoder::State::decode_mcu(int place) noexcept {
  if (!scan.start_mcu()) return false;
  for (int i = 0; i < frame.channels(); ++i) {
    const JpegComponent& component = frame.components[size(i)];
    JpegPlane& plane = planes[size(i)];
    for (int y = 0; y < component.down; ++y) {
      std::uint8_t* to = plane.row(8 * y) + 8 * component.across * place;
      for (int x = 0; x < component.across; ++x, to += 8) {
        if (!scan.read(size(i), blocks[turn])) return false;
        transform();
        waiting = {to, plane.stride()};
        turn ^= 1;
      }
    }
  }
  return true;
}

// The samples of the block before, if one waits: bytes that were stored one by one and just now would
// hold up the loads of vectors.
void JpegDecoder::State::transform() noexcept {
  if (waiting.to == nullptr) return;
  const JpegBlock& block = blocks[turn ^ 1];
  (block.is_low ? loops.inverse_low_dct : loops.inverse_dct)(block.values.data(), waiting.to,
                                                             waiting.stride);
  waiting.to = nullptr;
}

// Doubled chroma lies between rows, so the last row of the MCUs waits for those below.
bool JpegDecoder::State::decode_mcu_row() noexcept {
  for (int i = 0; i < frame.channels(); ++i) planes[size(i)].keep_last();
  for (int place = 0; place < mcus_across; ++place) {
    if (!decode_mcu(place)) return false;
  }
  transform();
  if (scan.is_overrun()) return false;
  for (int i = 1; i < frame.channels(); ++i) planes[size(i)].extend();
  ++next_mcu;
  const bool is_last = next_mcu == mcus_down;
  if (is_last && !scan.end()) return false;
  const int below = 8 * file->down() * next_mcu - (file->down() == 2 ? 1 : 0);
  for (const int end = is_last ? frame.height : below; next_row < end; ++next_row) emit(next_row);
  return true;
}

// Adds a row of the image to those that are given out.
void JpegDecoder::State::emit(int y) noexcept {
  const int in_mcu = y - 8 * file->down() * (next_mcu - 1);
  const std::uint8_t* const luma = planes[0].row(in_mcu);
  const auto width = size(frame.width);
  std::uint8_t* const to = rows.get() + size(filled++) * width;
  if (frame.channels() == 1) {
    std::memcpy(to, luma, width);
    return;
  }
  const std::uint8_t* colour[2];
  for (std::size_t i = 0; i < 2; ++i) {
    JpegPlane& plane = planes[i + 1];
    if (file->across() == 1) {
      colour[i] = plane.row(in_mcu);
      continue;
    }
    std::uint8_t* const doubled = chroma[i].get();
    const auto half = size(ratio_up(frame.width, 2));
    if (file->down() == 1) {
      loops.double_across(plane.row(in_mcu), half, doubled);
    } else {
      const int near = y >> 1;
      const int far =
          std::clamp(y % 2 == 0 ? near - 1 : near + 1, 0, ratio_up(frame.height, 2) - 1);
      const int above = 8 * (next_mcu - 1);
      loops.double_both(plane.row(near - above), plane.row(far - above), half, doubled);
    }
    colour[i] = doubled;
  }
  loops.to_rgb(luma, colour[0], colour[1], width, to, to + plane_size, to + 2 * plane_size);
}

Pixels JpegDecoder::State::strip() const noexcept {
  return {.data = rows.get(),
          .width = frame.width,
          .height = filled,
          .channels = frame.channels(),
          .row_stride = frame.width,
          .pixel_stride = 1,
          .channel_stride = static_cast<std::ptrdiff_t>(plane_size)};
}

JpegDecoder::JpegDecoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
JpegDecoder::~JpegDecoder() = default;

std::unique_ptr<JpegDecoder> JpegDecoder::open(std::span<const std::uint8_t> file,
                                               const kernels::Tier& tier) {
  headers::ForeignBytes source(file);
  return open(file, headers::jpeg_segments(source), tier);
}

std::unique_ptr<JpegDecoder> JpegDecoder::open(std::span<const std::uint8_t> file,
                                               std::span<const headers::JpegSegment> segments,
                                               const kernels::Tier& tier) {
  auto read = read_jpeg_file(file, segments);
  if (read == nullptr) return nullptr;
  return std::unique_ptr<JpegDecoder>(
      new JpegDecoder(std::make_unique<State>(std::move(read), tier)));
}

int JpegDecoder::width() const noexcept { return state_->frame.width; }
int JpegDecoder::height() const noexcept { return state_->frame.height; }
int JpegDecoder::channels() const noexcept { return state_->frame.channels(); }

bool JpegDecoder::decode(const TakeStrip& take_strip) {
  State& state = *state_;
  const int most = 8 * state.file->down() + 1;  // rows that a row of MCUs may give
  while (state.next_mcu < state.mcus_down) {
    if (!state.decode_mcu_row()) return false;
    if (state.filled + most > state.room || state.next_mcu == state.mcus_down) {
      take_strip(state.strip());
      state.filled = 0;
    }
  }
  return true;
}

}  // namespace lightmeter::decode
