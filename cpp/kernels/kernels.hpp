#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lightmeter::kernels {

struct CellSums;
struct KeySums;

// colour_keys works on whole groups of this many pixels.
inline constexpr std::size_t kGroup = 64;

// The loops that exist once per instruction set. scalar.cpp is their specification: every tier
// gives the same bytes. None allocates, throws, or reads or writes outside what is said here;
// pointers need no alignment.
struct Kernels {
  // The tier: "scalar", "haswell" (AVX2) or "neon".
  const char* name;

  // Splits n packed pixels of three bytes (reads 3 n bytes) into three planes of n bytes.
  void (*split_packed)(const std::uint8_t* pixels, std::size_t n, std::uint8_t* first,
                       std::uint8_t* second, std::uint8_t* third) noexcept;

  // The same for pixels padded to four bytes. Reads 4 n - 1 bytes for n > 0: the padding of the
  // last pixel may not exist.
  void (*split_padded)(const std::uint8_t* pixels, std::size_t n, std::uint8_t* first,
                       std::uint8_t* second, std::uint8_t* third) noexcept;

  // The ColourKeys (colour.hpp) of n pixels, from which every count of an image follows. All six
  // arrays have room for n rounded up to a multiple of kGroup; elements from n on are read without
  // effect on the first n, and left with any value.
  void (*colour_keys)(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                      std::size_t n, std::uint32_t* value_min, std::uint32_t* chroma_x,
                      std::uint16_t* middle) noexcept;

  // The luma of n pixels, as Pillow's convert("L") of RGB.
  void (*luma)(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
               std::size_t n, std::uint8_t* luma) noexcept;

  // The cells (cells.hpp) of n pixels, with the same room and the same rest as colour_keys.
  void (*colour_cells)(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                       std::size_t n, std::uint32_t* cells) noexcept;

  // Adds what tables count by the keys value_min and chroma_x of colours to the sums, and makes the
  // tables zero. A table has 2^16 numbers for each sector.
  void (*read_keys)(std::uint16_t* value_min, std::uint16_t* chroma_x, KeySums& sums) noexcept;

  // Adds the counts in the cells of a page, by its number, to the sums.
  void (*read_page)(const std::uint8_t* cells, std::size_t page, CellSums& sums) noexcept;
};

// The table in use, chosen at the first call: the best tier of this machine, or the one that the
// environment variable LIGHTMETER_KERNELS names. Throws std::invalid_argument if that one is
// unknown or not available here.
[[nodiscard]] const Kernels& active();

// The table of a tier by name; throws std::invalid_argument like active().
[[nodiscard]] const Kernels& of_tier(std::string_view tier);

// The tiers this build and machine have, slowest first; "scalar" is always there.
[[nodiscard]] std::vector<std::string_view> available_tiers();

// One table per file, or null where the file is built for another architecture. Whether the machine
// can run it is for dispatch.cpp to ask.
extern const Kernels* const kScalar;
extern const Kernels* const kHaswell;
extern const Kernels* const kNeon;

}  // namespace lightmeter::kernels
