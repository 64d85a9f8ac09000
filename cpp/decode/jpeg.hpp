#pragma once

#include <cstdint>
#include <memory>
#include <span>

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
  // With the loops of a tier. Null if the header is refused. The file must outlive the decoder.
  [[nodiscard]] static std::unique_ptr<JpegDecoder> open(
      std::span<const std::uint8_t> file, const kernels::Tier& tier = kernels::active());
  // The same of a file whose segments were found.
  [[nodiscard]] static std::unique_ptr<JpegDecoder> open(
      std::span<const std::uint8_t> file, std::span<const headers::JpegSegment> segments,
      const kernels::Tier& tier = kernels::active());
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  [[nodiscard]] int width() const noexcept;
  [[nodiscard]] int height() const noexcept;
  // 1, gray, or 3: red, green, blue.
  [[nodiscard]] int channels() const noexcept;

  // Decodes the picture, once. False if the file is refused; the strips that came do not count.
  [[nodiscard]] bool decode(const TakeStrip& take_strip);

 private:
  struct State;
  explicit JpegDecoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lightmeter::decode
