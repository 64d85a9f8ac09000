#include "headers/picture_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lightmeter::headers {

namespace {

// As many bytes as there are, at most `out` has; nothing on an error.
std::optional<std::size_t> fill(int file, std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::read(file, out.data() + done, out.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

bool ends(int file) {
  std::uint8_t more = 0;
  return fill(file, {&more, 1}) == std::size_t{0};
}

}  // namespace

std::optional<PictureKind> picture_kind(std::span<const std::uint8_t> start) noexcept {
  constexpr std::array<std::uint8_t, 3> kJpeg{0xFF, 0xD8, 0xFF};
  constexpr std::array<std::uint8_t, 8> kPng{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  constexpr std::array<std::uint8_t, 4> kFileType{'f', 't', 'y', 'p'};
  const auto at = [&](std::size_t offset, auto wanted) {
    return start.size() >= offset + wanted.size() &&
           std::ranges::equal(start.subspan(offset, wanted.size()), wanted);
  };
  if (at(4, kFileType)) return std::nullopt;
  if (at(0, kJpeg)) return PictureKind::kJpeg;
  return at(0, kPng) ? std::optional(PictureKind::kPng) : std::nullopt;
}

// Opening a pipe could wait for ever and opening a device could act, so it looks first; the path may
// have become a pipe meanwhile, so it does not block, and looks again.
bool PictureFile::open(const char* path, std::uint64_t most) {
  struct stat about{};
  const auto fits = [&] {
    return S_ISREG(about.st_mode) && about.st_size > 0 &&
           static_cast<std::uint64_t>(about.st_size) <= most;
  };
  if (::stat(path, &about) != 0 || !fits()) return false;
  file_ = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0 || ::fstat(file_, &about) != 0 || !fits()) return false;
  size_ = static_cast<std::size_t>(about.st_size);
  const auto start = std::span(start_).first(std::min(size_, start_.size()));
  if (fill(file_, start) != start.size()) return false;
  in_start_ = start.size();
  const auto kind = picture_kind(start);
  if (!kind || (in_start_ == size_ && !ends(file_))) return false;
  kind_ = *kind;
  return true;
}

PictureFile::~PictureFile() {
  if (file_ >= 0) ::close(file_);
}

bool PictureFile::read(std::span<std::uint8_t> out) {
  std::ranges::copy(std::span(start_).first(in_start_), out.begin());
  const auto rest = out.subspan(in_start_);
  return fill(file_, rest) == rest.size() && ends(file_);
}

}  // namespace lightmeter::headers
