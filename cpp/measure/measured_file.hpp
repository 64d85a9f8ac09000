#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "headers/exif_tags.hpp"
#include "headers/jpeg_header.hpp"
#include "measure/image_meter.hpp"

namespace lightmeter::measure {

// What is wanted of a file.
struct FileOptions {
  Set set = Set::kDefault;
  std::uint64_t most_pixels = UINT64_MAX;
  // The mask of a picture by its width and height; it throws where there is none. May be empty.
  std::function<std::shared_ptr<const Mask>(std::int64_t width, std::int64_t height)> mask_of = {};
};

// A JPEG file: its header, its pixels, and the directories of its Exif.
struct MeasuredFile {
  headers::JpegHeader header;
  std::optional<headers::ExifTags> exif;  // of the block in the header
  int channels;                           // 1, gray, or 3
  ImageMeter meter;
};

// Walks the segments of a JPEG file, decodes and measures it. Nothing if another decoder has to look,
// or if the picture has too many pixels or no mask.
[[nodiscard]] std::optional<MeasuredFile> measure_jpeg(std::span<const std::uint8_t> file,
                                                       const FileOptions& options);

}  // namespace lightmeter::measure
