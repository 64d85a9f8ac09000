#include "measure/measured_file.hpp"

#include <exception>
#include <utility>

#include "decode/jpeg_decoder.hpp"

namespace lightmeter::measure {

namespace {

std::optional<headers::ExifTags> exif_in(std::span<const std::uint8_t> block) {
  if (block.empty()) return std::nullopt;
  headers::ForeignBytes source(block);
  try {
    return headers::read_exif_tags(source);
  } catch (const headers::DamagedError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<MeasuredFile> measure_jpeg(std::span<const std::uint8_t> file,
                                         const FileOptions& options) try {
  headers::ForeignBytes source(file);
  const auto segments = headers::jpeg_segments(source);
  const auto decoder = decode::JpegDecoder::open(file, segments);
  if (decoder == nullptr) return std::nullopt;
  const std::int64_t width = decoder->width(), height = decoder->height();
  if (static_cast<std::uint64_t>(width * height) > options.most_pixels) return std::nullopt;
  ImageMeter meter(options.set, width, height,
                   options.mask_of ? options.mask_of(width, height) : nullptr);
  const auto measure = [&](const Pixels& strip) { meter.update(strip); };
  if (!decoder->decode(measure)) return std::nullopt;
  headers::JpegHeader header = headers::read_jpeg_header(source, segments);
  auto exif = exif_in(header.exif);
  return MeasuredFile{std::move(header), std::move(exif), decoder->channels(), std::move(meter)};
} catch (const std::exception&) {  // no memory, or no mask
  return std::nullopt;
}

}  // namespace lightmeter::measure
