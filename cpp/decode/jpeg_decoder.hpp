#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "decode/jpeg_file.hpp"
#include "decode/jpeg_kernels.hpp"
#include "decode/jpeg_plane.hpp"
#include "decode/jpeg_scan.hpp"
#include "decode/strips.hpp"
#include "headers/jpeg_segments.hpp"
#include "kernels/tier.hpp"

namespace lightmeter::decode {

// Decodes the JPEG files that cameras write: sequential, 8 bits, Huffman-coded, one scan; gray, or
// YCbCr at 4:4:4, 4:2:2 or 4:2:0. The pixels are those of libjpeg-turbo with its accurate integer
// IDCT and its fancy upsampling. Every other file, and every doubt about one, is refused: the caller
// then asks another decoder. Memory depends on the width alone.
class JpegDecoder {
 public:
  // Of a file and its segments, with the loops of a tier. Null if the header is refused. The file
  // must outlive the decoder.
  [[nodiscard]] static std::unique_ptr<JpegDecoder> open(
      std::span<const std::uint8_t> file, std::span<const headers::JpegSegment> segments,
      const kernels::Tier& tier = kernels::active());
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  [[nodiscard]] int width() const noexcept { return frame_.width; }
  [[nodiscard]] int height() const noexcept { return frame_.height; }
  // 1, gray, or 3: red, green, blue.
  [[nodiscard]] int channels() const noexcept { return frame_.channels(); }

  // Decodes the picture, once. False if the file is refused; the strips that came do not count.
  [[nodiscard]] bool decode(const TakeStrip& take_strip);

 private:
  JpegDecoder(std::unique_ptr<JpegFile> file, const kernels::Tier& tier);

  [[nodiscard]] bool decode_mcu_row() noexcept;
  [[nodiscard]] bool decode_mcu(int place) noexcept;
  void transform() noexcept;
  void emit(int y) noexcept;
  [[nodiscard]] Pixels strip() const noexcept;

  std::unique_ptr<JpegFile> file_;
  const JpegFrame& frame_;
  JpegScan scan_;
  const JpegKernels& loops_;
  int mcus_across_, mcus_down_;
  int next_mcu_ = 0;  // row of MCUs
  int next_row_ = 0;
  std::array<JpegPlane, 3> planes_;
  std::array<JpegBlock, 2> blocks_;  // in turns
  std::size_t turn_ = 0;             // the one to be read next
  // Where the samples of the other block go; null if none waits.
  std::uint8_t* waiting_ = nullptr;
  std::ptrdiff_t waiting_stride_ = 0;
  std::array<std::vector<std::uint8_t>, 2> chroma_;  // a row, as wide as the image

  // The rows that are given out: planes of `room_` rows.
  int room_, filled_ = 0;
  std::size_t plane_size_;
  std::unique_ptr<std::uint8_t[]> rows_;
};

}  // namespace lightmeter::decode
