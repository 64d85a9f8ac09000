#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lightmeter::kernels {

// Undoes the filters of PNG rows (ISO/IEC 15948, 9.2), per tier like the loops of kernels.hpp.
// `coded`, `above` and `row` have n bytes each and do not overlap. A pixel has 1, 2, 3, 4, 6 or 8
// bytes; n is a multiple of that.
struct Unfilter {
  void (*sub)(const std::uint8_t* coded, std::uint8_t* row, std::size_t n,
              std::size_t pixel) noexcept;
  void (*up)(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
             std::size_t n) noexcept;
  void (*average)(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
                  std::size_t n, std::size_t pixel) noexcept;
  void (*paeth)(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
                std::size_t n, std::size_t pixel) noexcept;
};

// Those of a tier by its name. Each pixel waits for the one before it, so wider registers than 16
// bytes gain nothing.
[[nodiscard]] const Unfilter& unfilter_of(std::string_view tier);

namespace scalar {
extern const Unfilter kUnfilter;
}
namespace haswell {
extern const Unfilter kUnfilter;
}
namespace neon {
extern const Unfilter kUnfilter;
}

}  // namespace lightmeter::kernels
