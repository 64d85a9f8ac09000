#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "decode/jpeg_bits.hpp"
#include "decode/jpeg_file.hpp"

namespace lightmeter::decode {

// The coefficients of 8x8 samples times their divisors, column by column.
struct JpegBlock {
  alignas(64) std::array<std::int16_t, 64> values;
  bool is_low;  // all but the first four of the first four columns are 0
};

// The entropy-coded data of a scan (ITU T.81, F.2.2 and E.2.4).
class JpegScan {
 public:
  // The file must outlive the scan.
  explicit JpegScan(const JpegFile& file) noexcept : file_(file), bits_(file.data) {}

  // Before each MCU but the first: goes behind a restart marker if one is due. False if it is not
  // there.
  [[nodiscard]] bool start_mcu() noexcept;
  // Decodes the next block of a component. False if the data are damaged, or so extreme that the
  // implementations of libjpeg disagree on the samples.
  [[nodiscard]] bool read(std::size_t component, JpegBlock& block) noexcept;
  // Whether bits were taken that are not there.
  [[nodiscard]] bool is_overrun() const noexcept { return bits_.is_overrun(); }
  // Whether the image ends where it should.
  [[nodiscard]] bool end() noexcept;

 private:
  const JpegFile& file_;
  BitReader bits_;
  std::array<int, 3> dc_{};  // of the last block of each component
  int in_interval_ = 0;
  int restarts_ = 0;
};

}  // namespace lightmeter::decode
