#pragma once

#include "bindings.hpp"
#include "headers/exif_tags.hpp"
#include "headers/jpeg_header.hpp"
#include "headers/png_header.hpp"

// What headers say, as lightmeter/_core.pyi describes it.

py::dict facts_of(const lightmeter::headers::JpegHeader& header);
py::tuple to_python(const lightmeter::headers::JpegHeader& header);
py::tuple to_python(const lightmeter::headers::PngHeader& header);
// `file` is the one of the tags.
py::object to_python(const lightmeter::headers::ExifTags& tags, lightmeter::headers::Foreign& file);

inline py::object to_python(const std::optional<std::vector<std::uint8_t>>& bytes) {
  return bytes ? py::object(to_bytes(*bytes)) : py::none();
}
