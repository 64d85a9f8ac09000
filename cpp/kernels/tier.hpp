#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lightmeter::kernels {

struct CellSums;

// colour_keys works on whole groups of this many pixels.
inline constexpr std::size_t kGroup = 64;

inline constexpr std::size_t kLeastSort = 256;

template <class T>
struct SortKernels {
  // Sorts n finite values, none of them -0.0, into `sorted`; n is a power of two, at least
  // kLeastSort. What `values` is left with is not specified.
  void (*sort)(T* values, T* sorted, std::size_t n) noexcept;

  // Copies n values, a multiple of 16 and not 0, with -0.0 made 0.0, and finds their extrema.
  // Returns false if one of them is NaN or infinite; then nothing else is meaningful.
  bool (*scan)(const T* values, T* copy, std::size_t n, T* least, T* greatest) noexcept;
};

// Undoes a filter of PNG rows (ISO/IEC 15948, 9.2). `coded`, `above` and `row` have n bytes each;
// `row` does not overlap the others. A pixel has 1, 2, 3, 4, 6 or 8 bytes; n is a multiple of that.
// Each pixel waits for the one before it, so wider registers than 16 bytes gain nothing.
using Unfilter = void (*)(const std::uint8_t* coded, const std::uint8_t* above, std::uint8_t* row,
                          std::size_t n, std::size_t pixel) noexcept;
using Unfilters = std::array<Unfilter, 5>;  // by the number of the filter

// The loops that exist once per instruction set. scalar.cpp is their specification: every tier
// gives the same bytes. None allocates, throws, or reads or writes outside what is said here;
// pointers need no alignment. Rooms above have such loops of their own, once scalar and once for the
// vectors: row_kernels() of measure and jpeg_kernels() of decode find those of a tier.
struct Tier {
  std::string_view name;  // "scalar", "avx2" or "neon"
  bool has_vectors;

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

  // Adds the counts in the cells of a page, by its number, to the sums.
  void (*read_page)(const std::uint8_t* cells, std::size_t page, CellSums& sums) noexcept;

  const SortKernels<float>& floats;
  const SortKernels<double>& doubles;
  const Unfilters& unfilter;
};

// The tier in use, chosen at the first call: the best one of this machine, or the one that the
// environment variable LIGHTMETER_KERNELS names. Throws std::invalid_argument if that one is
// unknown or not available here.
[[nodiscard]] const Tier& active();

// The tier of this name; throws std::invalid_argument like active().
[[nodiscard]] const Tier& tier_named(std::string_view name);

// The tiers this build and machine have, slowest first; "scalar" is always there.
[[nodiscard]] std::vector<const Tier*> available_tiers();

// The table of the architecture's vectors is null where there is none. Whether the machine can run
// it is for tier.cpp to ask.
extern const Tier kScalar;
extern const Tier* const kVectors;

}  // namespace lightmeter::kernels
