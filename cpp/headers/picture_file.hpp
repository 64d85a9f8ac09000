#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace lightmeter::headers {

enum class PictureKind : std::uint8_t { kJpeg, kPng };

// What a file is by its first bytes, of which 12 tell. A file of the ISO base media format is
// neither, whatever else it looks like.
[[nodiscard]] std::optional<PictureKind> picture_kind(std::span<const std::uint8_t> start) noexcept;

// The bytes of a file.
struct PictureFile {
  std::unique_ptr<std::uint8_t[]> data;
  std::size_t size = 0;

  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {data.get(), size}; }
};

// Reads a regular file that begins like a JPEG or PNG file and has at most `most` bytes. Nothing for
// any other, and for one that cannot be read or changes meanwhile.
[[nodiscard]] std::optional<PictureFile> read_picture_file(const char* path, std::uint64_t most);

}  // namespace lightmeter::headers
