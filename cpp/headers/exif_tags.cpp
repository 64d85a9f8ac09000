#include "headers/exif_tags.hpp"

#include <algorithm>
#include <set>
#include <span>

namespace lightmeter::headers {

namespace {

constexpr std::uint64_t kMaxEntries = 2048;
constexpr std::uint16_t kExif = 34665, kGps = 34853, kInterop = 40965;
constexpr std::uint16_t kSignedLong = 9, kSignedLong8 = 17;

// Bytes of one value by its type; 0 for an unknown type.
constexpr std::array<std::uint8_t, 19> kSizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                              8, 4, 8, 4, 0, 0, 8, 8, 8};

std::uint64_t size_of(std::uint16_t type) noexcept {
  return type < kSizes.size() ? kSizes[type] : 0;
}

// The standard wants LONG; some writers take other whole numbers.
bool is_pointer(std::uint16_t type) noexcept {
  return (type >= 3 && type <= 4) || type == kSignedLong || type == 13 ||
         (type >= 16 && type <= 18);
}

class Directories {
 public:
  explicit Directories(Foreign& file) : file_(file) {
    const auto head = file.read(0, 8);
    const bool is_little = head[0] == 'I' && head[1] == 'I';
    if (!is_little && (head[0] != 'M' || head[1] != 'M')) {
      throw DamagedError("got no byte order of TIFF");
    }
    little_ = is_little;
    // 43 is BigTIFF. Any other number is read as classic TIFF: raw formats have their own.
    big_ = number(head.subspan(2, 2)) == 43;
    first_ = big_ ? number(file.read(8, 8)) : number(head.subspan(4, 4));
  }

  [[nodiscard]] bool is_little_endian() const noexcept { return little_; }
  [[nodiscard]] std::vector<ExifEntry> first() { return read(first_); }

  // That of a tag of another directory; empty where that does not lead to one.
  [[nodiscard]] std::vector<ExifEntry> below(const std::vector<ExifEntry>& parent,
                                             std::uint16_t tag) {
    const auto entry = std::ranges::find(parent, tag, &ExifEntry::tag);
    if (entry == parent.end() || !is_pointer(entry->type) || entry->length != 1) return {};
    const std::uint64_t width = size_of(entry->type);
    if (entry->start.size < width) return {};
    try {
      const std::uint64_t offset = number(file_.read(entry->start.offset, width));
      const bool is_signed = entry->type == kSignedLong || entry->type == kSignedLong8;
      if (is_signed && offset >> (8 * width - 1) != 0) return {};
      return read(offset);
    } catch (const DamagedError&) {
      return {};
    }
  }

 private:
  [[nodiscard]] std::uint64_t number(std::span<const std::uint8_t> bytes) const noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value = value << 8 | bytes[little_ ? bytes.size() - 1 - i : i];
    }
    return value;
  }

  [[nodiscard]] std::vector<ExifEntry> read(std::uint64_t offset) {
    const std::uint64_t head = big_ ? 8 : 2, row = big_ ? 20 : 12, inline_bytes = big_ ? 8 : 4;
    const std::uint64_t count = std::min(number(file_.read(offset, head)), kMaxEntries);
    const auto rows = file_.read_up_to(offset + head, count * row);
    std::vector<ExifEntry> entries;
    std::set<std::uint16_t> seen;
    for (std::size_t at = 0; at + row <= rows.size(); at += row) {
      const auto fields = rows.subspan(at, row);
      const auto tag = static_cast<std::uint16_t>(number(fields.first(2)));
      const auto type = static_cast<std::uint16_t>(number(fields.subspan(2, 2)));
      const std::uint64_t each = size_of(type);
      if (each == 0 || !seen.insert(tag).second) continue;
      const std::uint64_t length = number(fields.subspan(4, row - 4 - inline_bytes));
      // At most kMostBytes and one value more, so that no length makes the product overflow.
      const std::uint64_t size = std::min(length, ExifEntry::kMostBytes / each + 1) * each;
      Part start{offset + head + at + row - inline_bytes, size};
      if (size > inline_bytes) {
        start.offset = std::min(number(fields.last(inline_bytes)), file_.size());
        const std::uint64_t left = file_.size() - start.offset;
        start.size = std::min({size, ExifEntry::kMostBytes, left});
      }
      entries.push_back({tag, type, length, start});
    }
    return entries;
  }

  Foreign& file_;
  bool little_ = true;
  bool big_ = false;
  std::uint64_t first_ = 0;
};

}  // namespace

ExifTags read_exif_tags(Foreign& file) {
  Directories directories(file);
  ExifTags tags;
  tags.is_little_endian = directories.is_little_endian();
  tags.main = directories.first();
  tags.exif = directories.below(tags.main, kExif);
  tags.gps = directories.below(tags.main, kGps);
  tags.interop = directories.below(tags.exif, kInterop);
  return tags;
}

}  // namespace lightmeter::headers
