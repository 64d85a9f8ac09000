#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace lightmeter::decode {

// A Huffman table (ITU T.81, C.2 and F.2.2.3) with the answers for the next ten bits.
struct HuffmanTable {
  static constexpr int kAhead = 10;
  static constexpr std::size_t kEntries = std::size_t{1} << kAhead;

  // A symbol and how many bits its code has; 0 where ten bits do not tell.
  struct Code {
    std::uint8_t symbol;
    std::uint8_t bits;
  };
  // What ten bits say in whole, additional bits included: a DC difference, or up to two AC
  // coefficients and the end of the block. Of AC coefficients, how many places the first is after
  // the last one before, and the last of them; `second` is 0 if there is one only. An end alone is a
  // 0 one place on. Where ten bits do not tell, `places` is kUnknown.
  struct Ahead {
    std::int16_t first;
    std::int16_t second;
    std::uint8_t first_places;
    std::uint8_t places;
    std::uint8_t bits;
    bool ends;
  };
  static constexpr std::uint8_t kUnknown = 64;  // further than any block goes

  std::array<Code, kEntries> codes;
  std::array<Ahead, kEntries> ahead;

  // Sets the table from the numbers of codes of 1 to 16 bits and their symbols. False if more codes
  // of a length are said than fit beside that of ones, or if the symbols are not as many.
  [[nodiscard]] bool set(std::span<const std::uint8_t, 16> counts,
                         std::span<const std::uint8_t> symbols) noexcept;

  // Sets what is ahead, of a table for DC or AC.
  void look_ahead(bool is_ac) noexcept;

  // The code at the start of 16 bits, by the canonical way; 0 bits if there is none.
  [[nodiscard]] Code find(std::uint32_t bits) const noexcept;

 private:
  struct Part;
  [[nodiscard]] Part part(std::uint32_t bits, int left) const noexcept;
  [[nodiscard]] Ahead coefficients(std::uint32_t bits) const noexcept;

  // By length: the end of its codes, moved up to 16 bits; and the place of its first symbol less
  // its first code.
  std::array<std::uint32_t, 17> end_{};
  std::array<std::int32_t, 17> place_{};
  std::array<std::uint8_t, 256> symbols_{};
};

// The table of a class, DC or AC. Null where set() says false, or for a symbol without a meaning. The
// last tables of a thread are kept, as one camera, and most programs, write the same ones into every
// file.
[[nodiscard]] std::shared_ptr<const HuffmanTable> huffman_table(
    bool is_ac, std::span<const std::uint8_t, 16> counts, std::span<const std::uint8_t> symbols);

// The value of `size` additional bits, size <= 15 (F.2.2.1, EXTEND).
[[nodiscard]] constexpr int extend(std::uint32_t bits, int size) noexcept {
  const auto value = static_cast<int>(bits);
  return size > 0 && value < (1 << (size - 1)) ? value - (1 << size) + 1 : value;
}

}  // namespace lightmeter::decode
