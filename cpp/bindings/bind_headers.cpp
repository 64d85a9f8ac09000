#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "headers_to_python.hpp"

namespace {

namespace headers = lightmeter::headers;
using headers::Part;

// A seekable binary file of Python's.
class ForeignFile : public headers::Foreign {
 public:
  ForeignFile(const py::object& file, std::uint64_t size)
      : Foreign(size), seek_(file.attr("seek")), read_(file.attr("read")) {}

 private:
  std::span<const std::uint8_t> bytes(std::uint64_t offset, std::uint64_t count) override {
    call_python(seek_, offset);
    last_ = call_python(read_, count);
    const auto bytes = as_bytes(last_);
    if (bytes.size() != count) throw headers::DamagedError("got a file that shrank");
    return bytes;
  }

  py::object seek_, read_;
  py::bytes last_;
};

py::object part_of(const std::optional<Part>& part) {
  if (!part) return py::none();
  return tuple_of({part->offset, part->size});
}

py::list entries_of(const std::vector<headers::ExifEntry>& entries, headers::Foreign& file) {
  py::list tuples;
  for (const auto& [tag, type, length, start] : entries) {
    const py::bytes values = to_bytes(file.read_up_to(start.offset, start.size));
    tuples.append(tuple_of({tag, type, length, values}));
  }
  return tuples;
}

template <class Read>
py::object none_if_damaged(Read&& read) {
  try {
    return read();
  } catch (const headers::DamagedError&) {
    return py::none();
  }
}

}  // namespace

py::dict facts_of(const headers::JpegHeader& header) {
  py::dict facts;
  facts["JpegQuality"] = header.quality;
  facts["ColorProfile"] = py::none();
  facts["HasAlpha"] = 0;
  facts["FrameCount"] = 1;
  if (header.frame) {
    facts["BitDepth"] = header.frame->bit_depth;
    facts["Channels"] = header.frame->channels();
    facts["Progressive"] = static_cast<int>(header.frame->progressive);
    if (!header.subsampling.empty()) facts["ChromaSubsampling"] = header.subsampling;
  }
  return facts;
}

py::tuple to_python(const headers::JpegHeader& header) {
  return tuple_of(
      {facts_of(header), to_bytes(header.exif), to_python(header.icc), to_python(header.pictures)});
}

py::tuple to_python(const headers::PngHeader& header) {
  py::dict facts;
  facts["BitDepth"] = header.bit_depth;
  facts["Channels"] = header.channels;
  facts["HasAlpha"] = static_cast<int>(header.has_alpha);
  facts["Progressive"] = static_cast<int>(header.progressive);
  facts["FrameCount"] = header.frames;
  facts["ColorProfile"] = py::none();
  return tuple_of({facts, part_of(header.exif), part_of(header.icc)});
}

py::object to_python(const headers::ExifTags& tags, headers::Foreign& file) {
  return tuple_of({tags.is_little_endian ? "<" : ">", entries_of(tags.main, file),
                   entries_of(tags.exif, file), entries_of(tags.gps, file),
                   entries_of(tags.interop, file)});
}

namespace {

// (facts, Exif without its name, start of the colour profile, index of pictures) of a JPEG file of
// `size` bytes; of the last two None where there is none.
py::object jpeg_header(const py::object& file, std::uint64_t size) {
  ForeignFile source(file, size);
  return to_python(headers::read_jpeg_header(source));
}

// (marker, part) of the first header of a frame before the first scan, of JPEG-LS too. A part is
// (offset, size).
py::object jpeg_frame(const py::object& file, std::uint64_t size) {
  ForeignFile source(file, size);
  return none_if_damaged([&]() -> py::object {
    const auto frame = headers::find_jpeg_frame(source);
    if (!frame) return py::none();
    return tuple_of({frame->marker, part_of(frame->body)});
  });
}

// (order, tags of the main directory, the Exif, the GPS, the Interop) of a TIFF structure in bytes or
// in a file of `size` bytes. A tag is (code, type, count of values, the first 512 bytes of them).
// None for what is no TIFF.
py::object exif_tags(const py::object& data, std::uint64_t size) {
  std::unique_ptr<headers::Foreign> source;
  if (PyBytes_Check(data.ptr())) {
    source = std::make_unique<headers::ForeignBytes>(as_bytes(data));
  } else {
    source = std::make_unique<ForeignFile>(data, size);
  }
  return none_if_damaged([&] { return to_python(headers::read_exif_tags(*source), *source); });
}

// (facts, part of the Exif, part of the colour profile) of a PNG file. A
// text is its part and whether it is deflated. None for a file without a header.
py::object png_header(const py::object& file, std::uint64_t size) {
  ForeignFile source(file, size);
  return none_if_damaged([&] { return to_python(headers::read_png_header(source)); });
}

}  // namespace

void bind_headers(py::module_& module) {
  module.def("jpeg_header", &jpeg_header);
  module.def("jpeg_frame", &jpeg_frame);
  module.def("exif_tags", &exif_tags);
  module.def("png_header", &png_header);
}
