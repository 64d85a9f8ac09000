#include "headers/picture_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

// A descriptor, which is closed with it.
struct OpenFile {
  int file;
  ~OpenFile() {
    if (file >= 0) ::close(file);
  }
};

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
std::optional<PictureFile> read_picture_file(const char* path, std::uint64_t most) {
  constexpr std::size_t kStart = 16384;  // enough to see that it is another file
  struct stat about{};
  const auto fits = [&] {
    return S_ISREG(about.st_mode) && about.st_size > 0 &&
           static_cast<std::uint64_t>(about.st_size) <= most;
  };
  if (::stat(path, &about) != 0 || !fits()) return std::nullopt;
  const OpenFile open{::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (open.file < 0 || ::fstat(open.file, &about) != 0 || !fits()) return std::nullopt;
  const auto size = static_cast<std::size_t>(about.st_size);
  // One byte more, which shows whether the file has grown.
  PictureFile read{std::unique_ptr<std::uint8_t[]>(new std::uint8_t[size + 1]), size};
  const std::span all(read.data.get(), size + 1);
  const auto start = all.first(std::min(all.size(), kStart));
  auto done = fill(open.file, start);
  if (!done || !picture_kind(start.first(*done))) return std::nullopt;
  if (*done == start.size()) {
    const auto rest = fill(open.file, all.subspan(start.size()));
    done = rest ? std::optional(start.size() + *rest) : std::nullopt;
  }
  if (done != size) return std::nullopt;
  return read;
}

}  // namespace lightmeter::headers
