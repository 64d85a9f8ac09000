#pragma once

#include "kernels/kernels.hpp"
#include "measure/metrics.hpp"

namespace lightmeter::measure {

// The metrics' loops, compiled once per instruction set from rows.inl. Each function shows a row to
// those metrics in `active` that look at such rows.
struct Rows {
  void (*pixels)(const PixelRow<std::uint8_t>& row, Active active, Metrics& metrics) noexcept;
  void (*neighbours)(const LumaRow<std::uint8_t>& row, Active active, Metrics& metrics) noexcept;
  void (*deep_pixels)(const PixelRow<std::uint16_t>& row, Active active, Metrics& metrics) noexcept;
  void (*deep_neighbours)(const LumaRow<std::uint16_t>& row, Active active,
                          Metrics& metrics) noexcept;
  // Fills elements -1 to n of the wide luma and 0 to n - 1 of its second differences.
  void (*bend_luma)(const std::uint8_t* luma, std::size_t n, std::int16_t* wide,
                    std::int16_t* bent) noexcept;
  void (*bend_deep_luma)(const std::uint16_t* luma, std::size_t n, std::int32_t* wide,
                         std::int32_t* bent) noexcept;

  void show(const PixelRow<std::uint8_t>& row, Active active, Metrics& metrics) const noexcept {
    pixels(row, active, metrics);
  }
  void show(const PixelRow<std::uint16_t>& row, Active active, Metrics& metrics) const noexcept {
    deep_pixels(row, active, metrics);
  }
  void show(const LumaRow<std::uint8_t>& row, Active active, Metrics& metrics) const noexcept {
    neighbours(row, active, metrics);
  }
  void show(const LumaRow<std::uint16_t>& row, Active active, Metrics& metrics) const noexcept {
    deep_neighbours(row, active, metrics);
  }
  void bend(const std::uint8_t* luma, std::size_t n, std::int16_t* wide,
            std::int16_t* bent) const noexcept {
    bend_luma(luma, n, wide, bent);
  }
  void bend(const std::uint16_t* luma, std::size_t n, std::int32_t* wide,
            std::int32_t* bent) const noexcept {
    bend_deep_luma(luma, n, wide, bent);
  }
};

// Those of a tier.
[[nodiscard]] const Rows& rows_of(const kernels::Kernels& tier) noexcept;

// One table per file, or null where the file is built for another architecture.
extern const Rows* const kRowsScalar;
extern const Rows* const kRowsHaswell;
extern const Rows* const kRowsNeon;

}  // namespace lightmeter::measure
