#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "bindings.hpp"
#include "headers/exif_tags.hpp"
#include "headers/jpeg_header.hpp"
#include "headers/picture_file.hpp"
#include "headers/png_header.hpp"

namespace {

namespace headers = lightmeter::headers;
using headers::Part;
using headers::PictureKind;

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
  return py::make_tuple(part->offset, part->size);
}

py::tuple to_python(const headers::JpegHeader& header) {
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
  py::list exif;
  for (const Part& part : header.exif) exif.append(part_of(part));
  return py::make_tuple(facts, exif, part_of(header.icc), part_of(header.pictures));
}

py::tuple to_python(const headers::PngHeader& header) {
  py::dict facts;
  facts["BitDepth"] = header.bit_depth;
  facts["Channels"] = header.channels;
  facts["HasAlpha"] = static_cast<int>(header.has_alpha);
  facts["Progressive"] = static_cast<int>(header.progressive);
  facts["FrameCount"] = header.frames;
  facts["ColorProfile"] = py::none();
  py::list texts;
  for (const auto& [body, deflated] : header.texts) {
    texts.append(py::make_tuple(part_of(body), deflated));
  }
  return py::make_tuple(facts, part_of(header.exif), part_of(header.icc), texts);
}

py::list to_python(const std::vector<headers::ExifEntry>& entries, headers::Foreign& file) {
  py::list tuples;
  for (const auto& [tag, type, length, start] : entries) {
    py::bytes values = to_bytes(file.read_up_to(start.offset, start.size));
    tuples.append(py::make_tuple(tag, type, length, std::move(values)));
  }
  return tuples;
}

py::object exif_tags(headers::Foreign& file) {
  try {
    const headers::ExifTags tags = headers::read_exif_tags(file);
    return py::make_tuple(tags.is_little_endian ? "<" : ">", to_python(tags.main, file),
                          to_python(tags.exif, file), to_python(tags.gps, file),
                          to_python(tags.interop, file));
  } catch (const headers::DamagedError&) {
    return py::none();
  }
}

// None for a PNG file without a header.
using Header = std::variant<std::monostate, headers::JpegHeader, headers::PngHeader>;

Header header_of(PictureKind kind, std::span<const std::uint8_t> data) {
  headers::ForeignBytes file(data);
  if (kind == PictureKind::kJpeg) return headers::read_jpeg_header(file);
  try {
    return headers::read_png_header(file);
  } catch (const headers::DamagedError&) {
    return {};
  }
}

py::tuple to_python(const Header& header, PictureKind kind, const py::bytes& data) {
  py::object said = py::none();
  if (const auto* jpeg = std::get_if<headers::JpegHeader>(&header)) said = to_python(*jpeg);
  if (const auto* png = std::get_if<headers::PngHeader>(&header)) said = to_python(*png);
  return py::make_tuple(kind == PictureKind::kJpeg ? "JPEG" : "PNG", said, data);
}

// Nothing for what is no path.
std::optional<py::bytes> name_of_file(py::handle path) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), &encoded) != 0) {
    return py::reinterpret_steal<py::bytes>(encoded);
  }
  PyErr_Clear();
  return std::nullopt;
}

py::object read_picture(const py::object& path, std::uint64_t most) {
  const auto name = name_of_file(path);
  if (!name) return py::none();
  headers::PictureFile file;
  bool is_picture = false;
  Header header;
  without_gil([&] {
    is_picture = file.open(PyBytes_AS_STRING(name->ptr()), most);
    if (is_picture && !file.whole().empty()) header = header_of(file.kind(), file.whole());
  });
  if (!is_picture) return py::none();
  if (!file.whole().empty()) {
    return to_python(header, file.kind(), to_bytes(file.whole()));
  }
  const auto data = py::reinterpret_steal<py::bytes>(
      PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(file.size())));
  if (!data) throw py::error_already_set();
  const std::span out(reinterpret_cast<std::uint8_t*>(PyBytes_AS_STRING(data.ptr())), file.size());
  bool is_whole = false;
  without_gil([&] {
    is_whole = file.read(out);
    if (is_whole) header = header_of(file.kind(), out);
  });
  if (!is_whole) return py::none();
  return to_python(header, file.kind(), data);
}

// 0 where that is not known.
std::uint64_t pixels_of(const Header& header) {
  if (const auto* png = std::get_if<headers::PngHeader>(&header)) return png->pixels;
  const auto* jpeg = std::get_if<headers::JpegHeader>(&header);
  if (jpeg == nullptr || !jpeg->frame) return 0;
  return std::uint64_t{1} * jpeg->frame->width * jpeg->frame->height;
}

struct SmallPicture {
  PictureKind kind;
  Header header;
  std::vector<std::uint8_t> data;
};

std::optional<SmallPicture> small_picture(const char* name, std::uint64_t most,
                                          std::uint64_t most_pixels) {
  headers::PictureFile file;
  if (!file.open(name, std::min<std::uint64_t>(most, headers::PictureFile::kAtOnce))) return {};
  const auto whole = file.whole();
  Header header = header_of(file.kind(), whole);
  const std::uint64_t pixels = pixels_of(header);
  if (pixels == 0 || pixels > most_pixels) return {};
  return SmallPicture{file.kind(), std::move(header), {whole.begin(), whole.end()}};
}

py::list read_small_pictures(const std::vector<py::object>& paths, std::uint64_t most,
                             std::uint64_t most_pixels) {
  std::vector<std::optional<py::bytes>> names;
  for (const py::object& path : paths) names.push_back(name_of_file(path));
  std::vector<std::optional<SmallPicture>> pictures(paths.size());
  without_gil([&] {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!names[i]) continue;
      pictures[i] = small_picture(PyBytes_AS_STRING(names[i]->ptr()), most, most_pixels);
    }
  });
  py::list result;
  for (const auto& picture : pictures) {
    if (picture) {
      result.append(to_python(picture->header, picture->kind, to_bytes(picture->data)));
    } else {
      result.append(py::none());
    }
  }
  return result;
}

}  // namespace

void bind_headers(py::module_& module) {
  module.def("read_picture", &read_picture, py::arg("path"), py::arg("most"),
             "The format, header and bytes of a regular JPEG or PNG file of at most `most` bytes.\n"
             "The header is that of jpeg_header or png_header; None for a PNG file that has none.\n"
             "None for any other file, and one that cannot be read.");
  module.def(
      "read_small_pictures", &read_small_pictures, py::arg("paths"), py::arg("most"),
      py::arg("most_pixels"),
      "The same of several files, without taking the GIL in between; None also for a file of\n"
      "more than 16 KB, or of more pixels by its header.");
  module.def(
      "jpeg_header",
      [](const py::object& file, std::uint64_t size) {
        ForeignFile source(file, size);
        return to_python(headers::read_jpeg_header(source));
      },
      py::arg("file"), py::arg("size"),
      "(facts, parts of the Exif, part of the colour profile, part of the index of pictures) of\n"
      "a JPEG file of `size` bytes. A part is (offset, size), and None where there is none.");
  module.def(
      "jpeg_frame",
      [](const py::object& file, std::uint64_t size) -> py::object {
        ForeignFile source(file, size);
        try {
          if (const auto frame = headers::find_jpeg_frame(source)) {
            return py::make_tuple(frame->marker, part_of(frame->body));
          }
        } catch (const headers::DamagedError&) {
        }
        return py::none();
      },
      py::arg("file"), py::arg("size"),
      "(marker, part) of the first header of a frame before the first scan, of JPEG-LS too.");
  module.def(
      "exif_tags",
      [](const py::object& data, std::uint64_t size) {
        if (PyBytes_Check(data.ptr())) {
          headers::ForeignBytes source(as_bytes(data));
          return exif_tags(source);
        }
        ForeignFile source(data, size);
        return exif_tags(source);
      },
      py::arg("data"), py::arg("size"),
      "(order, tags of the main directory, the Exif, the GPS, the Interop) of a TIFF structure in\n"
      "bytes or in a file of `size` bytes. A tag is (code, type, count of values, the first 512\n"
      "bytes of them). None for what is no TIFF.");
  module.def(
      "png_header",
      [](const py::object& file, std::uint64_t size) -> py::object {
        ForeignFile source(file, size);
        try {
          return to_python(headers::read_png_header(source));
        } catch (const headers::DamagedError&) {
          return py::none();
        }
      },
      py::arg("file"), py::arg("size"),
      "(facts, part of the Exif, part of the colour profile, texts that may hold Exif) of a PNG\n"
      "file. A text is its part and whether it is deflated. None for a file without a header.");
}
