#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "wire/exif_tags.hpp"
#include "wire/jpeg_header.hpp"
#include "wire/picture_file.hpp"
#include "wire/png_header.hpp"

// Bytes for libFuzzer: a file, read as JPEG, as PNG and as Exif whatever it begins like. What is found obeys
// the laws below; a broken law is thrown and ends the run. What is read of whole files is tested in
// tests/python/image/test_golden_headers.py.
namespace lightmeter::wire {
namespace {

void require(bool holds, const char* law) {
  if (!holds) throw std::logic_error(std::string("broken law: ") + law);
}

void check(const Part& part, std::size_t size) {
  require(part.offset <= size && part.size <= size - part.offset, "a part is in the file");
}

void check_jpeg(ForeignBytes& file) {
  const JpegHeader header = read_jpeg_header(file);
  for (const Part& part : header.exif) check(part, file.size());
  if (header.icc) check(*header.icc, file.size());
  if (header.pictures) check(*header.pictures, file.size());
  require(!header.quality || (*header.quality >= 1 && *header.quality <= 100), "1 to 100");
  if (!header.frame) return;
  require(header.frame->channels >= 1 && header.frame->channels <= 255, "there are channels");
  require(header.frame->channels == 1 || !header.frame->subsampling.empty(), "colour is sampled");
  require(header.frame->subsampling.size() <= 255 * 6, "a subsampling is short");
}

void check_frame(ForeignBytes& file) {
  const auto frame = find_jpeg_frame(file);
  if (frame) require(frame->body.offset <= file.size(), "a frame begins in the file");
}

void check_png(ForeignBytes& file) {
  const PngHeader header = read_png_header(file);
  if (header.exif) check(*header.exif, file.size());
  if (header.icc) check(*header.icc, file.size());
  for (const auto& [body, deflated] : header.texts) check(body, file.size());
}

void check_exif(ForeignBytes& file) {
  const ExifTags tags = read_exif_tags(file);
  for (const auto* directory : {&tags.main, &tags.exif, &tags.gps, &tags.interop}) {
    for (const ExifEntry& entry : *directory) {
      check(entry.start, file.size());
      require(entry.start.size <= ExifEntry::kMostBytes, "a start is short");
    }
  }
}

template <class Check>
void run(Check&& check_file, std::span<const std::uint8_t> bytes) {
  ForeignBytes file(bytes);
  try {
    check_file(file);
  } catch (const DamagedError&) {
  }
}

}  // namespace
}  // namespace lightmeter::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lightmeter::wire;
  const std::span bytes(data, size);
  (void)picture_kind(bytes);
  run(check_jpeg, bytes);
  run(check_frame, bytes);
  run(check_png, bytes);
  run(check_exif, bytes);
  return 0;
}
