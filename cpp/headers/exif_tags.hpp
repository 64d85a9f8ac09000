#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "headers/foreign.hpp"

namespace lightmeter::headers {

// One tag of a directory, of a type that TIFF knows.
struct ExifEntry {
  // Of a longer value only the start is read.
  static constexpr std::uint64_t kMostBytes = 512;

  std::uint16_t tag;
  std::uint16_t type;
  std::uint64_t length;  // how many values
  Part start;            // the first kMostBytes of the values, or those of them that are there
};

// The directories of a TIFF structure that hold Exif: classic and BigTIFF, both byte orders. Each
// tag comes once. A directory that is damaged is empty, or has the tags before the end of the file.
struct ExifTags {
  bool is_little_endian = true;
  std::vector<ExifEntry> main, exif, gps, interop;
};

// DamagedError unless the file begins as TIFF does and has a first directory.
[[nodiscard]] ExifTags read_exif_tags(Foreign& file);

}  // namespace lightmeter::headers
