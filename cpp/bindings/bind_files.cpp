#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "arrays.hpp"
#include "bind_meaning.hpp"
#include "headers/picture_file.hpp"
#include "headers_to_python.hpp"
#include "measure/measured_file.hpp"
#include "profile/image_features.hpp"

namespace {

namespace headers = lightmeter::headers;
namespace measure = lightmeter::measure;
using headers::PictureKind;
using lightmeter::profile::ImageFeatures;
using measure::FileOptions;
using measure::MeasuredFile;

// Nothing for what is no path.
std::optional<py::bytes> name_of_file(py::handle path) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), &encoded) != 0) {
    return py::reinterpret_steal<py::bytes>(encoded);
  }
  PyErr_Clear();
  return std::nullopt;
}

// Nothing for a PNG file without a header.
using Header = std::variant<std::monostate, headers::JpegHeader, headers::PngHeader>;

Header header_of(PictureKind kind, std::span<const std::uint8_t> bytes) {
  headers::ForeignBytes source(bytes);
  if (kind == PictureKind::kJpeg) return headers::read_jpeg_header(source);
  try {
    return headers::read_png_header(source);
  } catch (const headers::DamagedError&) {
    return {};
  }
}

// An image that was given: a path, or bytes, and what came of it.
class File {
 public:
  explicit File(const py::object& image) {
    if (PyBytes_Check(image.ptr())) {
      given_ = image;
      bytes_ = as_bytes(given_);
    } else {
      name_ = name_of_file(image);
    }
  }

  // Without the GIL.
  void read(std::uint64_t most) {
    if (name_) file_ = headers::read_picture_file(PyBytes_AS_STRING(name_->ptr()), most);
    if (file_) bytes_ = file_->bytes();
    if (bytes_.size() <= most) kind_ = headers::picture_kind(bytes_);
  }
  void measure(const FileOptions& options) {
    if (kind_ != PictureKind::kJpeg) return;
    measured_ = measure::measure_jpeg(bytes_, options);
    if (measured_) features_.emplace(measured_->meter);
  }
  void read_header() {
    if (kind_ && !measured_) header_ = header_of(*kind_, bytes_);
  }

  [[nodiscard]] py::tuple result() {
    if (measured_) return tuple_of({py::none(), measured()});
    return tuple_of({kind_ ? picture() : py::none(), py::none()});
  }

 private:
  [[nodiscard]] py::object measured() {
    headers::ForeignBytes block(measured_->header.exif);
    py::object exif = measured_->exif ? to_python(*measured_->exif, block) : py::none();
    return tuple_of({facts_of(measured_->header), to_python(measured_->header.icc), exif,
                     bytes_.size(), measured_->channels == 1 ? "L" : "RGB",
                     std::move(measured_->meter), *std::move(features_)});
  }
  [[nodiscard]] py::object picture() const {
    py::object header = py::none();
    if (const auto* jpeg = std::get_if<headers::JpegHeader>(&header_)) header = to_python(*jpeg);
    if (const auto* png = std::get_if<headers::PngHeader>(&header_)) header = to_python(*png);
    return tuple_of(
        {kind_ == PictureKind::kJpeg ? "JPEG" : "PNG", header, file_ ? to_bytes(bytes_) : given_});
  }

  std::optional<py::bytes> name_;
  py::bytes given_;
  std::optional<headers::PictureFile> file_;
  std::span<const std::uint8_t> bytes_;
  std::optional<PictureKind> kind_;
  Header header_;
  std::optional<MeasuredFile> measured_;
  std::optional<ImageFeatures> features_;
};

// The masks that a function of Python makes, where the GIL is not held.
class Masks {
 public:
  explicit Masks(py::object make) : make_(std::move(make)) {}

  std::shared_ptr<const measure::Mask> operator()(std::int64_t width, std::int64_t height) {
    std::shared_ptr<const measure::Mask> mask;
    take_gil(PyGILState_GetThisThreadState());
    try {
      mask = py::cast<std::shared_ptr<measure::Mask>>(call_python(make_, width, height));
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_Exception)) raised_ = std::current_exception();  // an interrupt
    } catch (...) {
    }
    PyEval_SaveThread();
    if (mask == nullptr) throw std::invalid_argument("got no mask");
    return mask;
  }

  void check() const {
    if (raised_) std::rethrow_exception(raised_);
  }

 private:
  py::object make_;
  std::exception_ptr raised_;
};

// Reads and measures JPEG files, and reads PNG files, by paths or as bytes, without the GIL.
// (picture, measured) of each. `measured` is (facts, start of the colour profile, exif_tags, bytes of
// the file, mode, meter, features) of a JPEG file that the core decodes, if it has no more than
// `most_pixels`. `picture` is (format, jpeg_header or png_header, bytes) of one that another decoder
// has to look at; the header is None for a PNG file that has none. Both are None for all else: no
// such file, more than `most_bytes`. Nothing is measured without `metrics`. `mask_of` is called with
// width and height, and raises where a picture has no mask.
py::list measure_files(const std::vector<py::object>& images,
                       std::optional<std::string_view> metrics, std::uint64_t most_bytes,
                       std::uint64_t most_pixels, const py::object& mask_of) {
  std::vector<File> files;
  files.reserve(images.size());
  for (const py::object& image : images) files.emplace_back(image);
  FileOptions options{.most_pixels = most_pixels};
  if (metrics) options.set = value_of<measure::Set>(kSets, *metrics);
  Masks masks(mask_of);
  if (!mask_of.is_none()) options.mask_of = std::ref(masks);
  without_gil([&] {
    for (File& file : files) {
      file.read(most_bytes);
      if (metrics) file.measure(options);
      file.read_header();
    }
  });
  masks.check();
  py::list results;
  for (File& file : files) results.append(file.result());
  return results;
}

}  // namespace

void bind_files(py::module_& module) {
  module.def("measure_files", &measure_files, py::arg("images"), py::arg("metrics"),
             py::arg("most_bytes"), py::arg("most_pixels") = UINT64_MAX,
             py::arg("mask_of") = py::none());
}
