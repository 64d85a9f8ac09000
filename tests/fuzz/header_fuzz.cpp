#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "headers/exif_tags.hpp"
#include "headers/jpeg_header.hpp"
#include "headers/picture_file.hpp"
#include "headers/png_header.hpp"

// Bytes for libFuzzer: a file, read as JPEG, as PNG and as Exif whatever it begins like. What is
// found obeys the laws below; a broken law is thrown and ends the run. The facts of whole files are
// tested in tests/python/image/test_exif.py.
namespace lightmeter::headers {
namespace {

void require(bool holds, const char* law) {
  if (!holds) throw std::logic_error(std::string("broken law: ") + law);
}

// Each read is a piece of memory of its own that the next read takes away, so that the address
// sanitizer sees who looks beyond its end or too late. It counts the work.
class Pieces : public Foreign {
 public:
  explicit Pieces(std::span<const std::uint8_t> data) noexcept
      : Foreign(data.size()), data_(data) {}

  void check_work() const {
    require(reads_ <= 4 * size() + 64, "reads are a small multiple of the bytes");
    require(bytes_ <= 16 * size() + 4096, "bytes that are read are a small multiple of the bytes");
  }

 private:
  std::span<const std::uint8_t> bytes(std::uint64_t offset, std::uint64_t count) override {
    require(count <= kMostBytes && offset <= size() && count <= size() - offset,
            "a read lies in the file and is bounded");
    ++reads_;
    bytes_ += count;
    piece_.reset(new std::uint8_t[count]);
    std::ranges::copy(data_.subspan(offset, count), piece_.get());
    return {piece_.get(), static_cast<std::size_t>(count)};
  }

  std::span<const std::uint8_t> data_;
  std::unique_ptr<std::uint8_t[]> piece_;
  std::uint64_t reads_ = 0;
  std::uint64_t bytes_ = 0;
};

void check(const Part& part, std::uint64_t size) {
  require(part.offset <= size && part.size <= size - part.offset, "a part is in the file");
}

void write(std::ostream& facts, const Part& part) {
  facts << part.offset << '+' << part.size << ' ';
}

void write(std::ostream& facts, const std::optional<Part>& part) {
  if (part) write(facts, *part);
  facts << ';';
}

std::string jpeg_facts(Foreign& file) {
  const JpegHeader header = read_jpeg_header(file);
  std::ostringstream facts;
  const auto write_bytes = [&](const std::vector<std::uint8_t>& bytes) {
    facts << std::string(bytes.begin(), bytes.end()) << ';';
  };
  require(header.exif.size() <= (4 << 20) + (1 << 16), "the Exif is bounded");
  write_bytes(header.exif);
  for (const auto& piece : {header.icc, header.pictures}) {
    require(!piece || piece->size() < 1 << 16, "a piece of a colour profile is a segment");
    if (piece) write_bytes(*piece);
  }
  require(!header.quality || (*header.quality >= 1 && *header.quality <= 100), "1 to 100");
  facts << header.quality.value_or(0);
  if (!header.frame) return facts.str();
  const JpegFrame& frame = *header.frame;
  require(frame.channels() >= 1 && frame.channels() <= 255, "there are channels");
  require(frame.channels() == 1 || !header.subsampling.empty(), "colour is sampled");
  require(header.subsampling.size() <= 255 * 6, "a subsampling is short");
  facts << ' ' << frame.bit_depth << ' ' << frame.channels() << ' ' << frame.progressive << ' '
        << frame.width << ' ' << frame.height << ' ' << header.subsampling;
  return facts.str();
}

std::string frame_facts(Foreign& file) {
  std::ostringstream facts;
  if (const auto frame = find_jpeg_frame(file)) {
    require(frame->body.offset <= file.size(), "a frame begins in the file");
    require(frame->body.size < 1 << 16, "a frame is a segment");
    facts << int{frame->marker} << ' ';
    write(facts, frame->body);
  }
  return facts.str();
}

std::string png_facts(Foreign& file) {
  const PngHeader header = read_png_header(file);
  std::ostringstream facts;
  if (header.exif) check(*header.exif, file.size());
  if (header.icc) check(*header.icc, file.size());
  write(facts, header.exif);
  write(facts, header.icc);
  require(!header.channels || (*header.channels >= 1 && *header.channels <= 4), "1 to 4 channels");
  facts << header.bit_depth << ' ' << header.pixels << ' ' << header.channels.value_or(0) << ' '
        << header.has_alpha << header.progressive << ' ' << header.frames;
  return facts.str();
}

std::string exif_facts(Foreign& file) {
  const ExifTags tags = read_exif_tags(file);
  std::ostringstream facts;
  facts << tags.is_little_endian;
  for (const auto* directory : {&tags.main, &tags.exif, &tags.gps, &tags.interop}) {
    std::set<std::uint16_t> seen;
    facts << ';';
    for (const ExifEntry& entry : *directory) {
      require(seen.insert(entry.tag).second, "a tag comes once");
      check(entry.start, file.size());
      require(entry.start.size <= ExifEntry::kMostBytes, "a start is short");
      facts << entry.tag << ' ' << entry.type << ' ' << entry.length << ' ';
      write(facts, entry.start);
    }
  }
  return facts.str();
}

std::string facts_of(std::string (*read)(Foreign&), Foreign& file) {
  try {
    return read(file);
  } catch (const DamagedError&) {
    return "damaged";
  }
}

void run(std::string (*read)(Foreign&), std::span<const std::uint8_t> bytes) {
  ForeignBytes whole(bytes);
  Pieces pieces(bytes);
  require(facts_of(read, whole) == facts_of(read, pieces), "the same facts, whole and in pieces");
  pieces.check_work();
}

}  // namespace
}  // namespace lightmeter::headers

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lightmeter::headers;
  const std::span bytes(data, size);
  const auto kind = picture_kind(bytes);
  require(kind == picture_kind(bytes.first(std::min<std::size_t>(size, 12))), "12 bytes tell");
  for (const auto read : {jpeg_facts, frame_facts, png_facts, exif_facts}) run(read, bytes);
  return 0;
}
