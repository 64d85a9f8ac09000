#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lightmeter::headers {

enum class PictureKind : std::uint8_t { kJpeg, kPng };

// What a file is by its first bytes, of which 12 tell. A file of the ISO base media format is
// neither, whatever else it looks like.
[[nodiscard]] std::optional<PictureKind> picture_kind(std::span<const std::uint8_t> start) noexcept;

// A regular file that begins like a JPEG or PNG file and is small enough to be read whole.
class PictureFile {
 public:
  static constexpr std::size_t kAtOnce = 16384;  // bytes that come with opening it

  PictureFile() = default;
  PictureFile(const PictureFile&) = delete;
  PictureFile& operator=(const PictureFile&) = delete;
  ~PictureFile();

  // False for any other file, and for one that cannot be opened. To be called once, and first.
  [[nodiscard]] bool open(const char* path, std::uint64_t most);
  [[nodiscard]] PictureKind kind() const noexcept { return kind_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // The whole file, if it came with opening it; else nothing, and read() is to be called once.
  [[nodiscard]] std::span<const std::uint8_t> whole() const noexcept {
    return std::span(start_).first(in_start_ == size_ ? size_ : 0);
  }
  // Fills `out`, which has size() bytes. False if the file has another size by now, or cannot be
  // read.
  [[nodiscard]] bool read(std::span<std::uint8_t> out);

 private:
  int file_ = -1;
  PictureKind kind_ = PictureKind::kJpeg;
  std::size_t size_ = 0;
  std::size_t in_start_ = 0;
  std::array<std::uint8_t, kAtOnce> start_;
};

}  // namespace lightmeter::headers
