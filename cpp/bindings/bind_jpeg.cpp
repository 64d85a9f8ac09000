#include <algorithm>
#include <cstring>
#include <optional>

#include "bindings.hpp"
#include "decode/jpeg_decoder.hpp"
#include "kernels/tier.hpp"

namespace {

using lightmeter::Pixels;
using lightmeter::decode::JpegDecoder;

// A decoder, and the bytes that it reads.
struct JpegFile {
  py::bytes bytes;
  std::unique_ptr<JpegDecoder> decoder;
};

// With the kernels of a tier or of the one in use. None if the decoder refuses the file.
std::optional<JpegFile> open_jpeg(const py::bytes& data, const std::optional<std::string>& tier) {
  namespace headers = lightmeter::headers;
  namespace kernels = lightmeter::kernels;
  headers::ForeignBytes source(as_bytes(data));
  auto decoder = JpegDecoder::open(as_bytes(data), headers::jpeg_segments(source),
                                   tier ? kernels::tier_named(*tier) : kernels::active());
  if (decoder == nullptr) return std::nullopt;
  return JpegFile{data, std::move(decoder)};
}

// Puts the upper left of the picture, as far as there is room for it, into uint8 of shape (channels,
// height, width), whose rows have no gaps. False if the decoder refuses the file; then any part may
// be written.
bool write_to(JpegFile& file, py::array_t<std::uint8_t>& planes) {
  JpegDecoder& decoder = *file.decoder;
  if (planes.ndim() != 3 || planes.shape(0) != decoder.channels() ||
      (planes.strides(2) != 1 && planes.shape(2) != 1)) {
    throw std::invalid_argument("expected " + std::to_string(decoder.channels()) +
                                " planes of rows without gaps");
  }
  std::uint8_t* const to = planes.mutable_data();
  const py::ssize_t plane = planes.strides(0), row = planes.strides(1);
  const py::ssize_t height = planes.shape(1);
  const auto width =
      static_cast<std::size_t>(std::min<py::ssize_t>(planes.shape(2), decoder.width()));
  bool is_whole = false;
  without_gil([&] {
    py::ssize_t y = 0;
    is_whole = decoder.decode([&](const Pixels& strip) {
      for (std::ptrdiff_t i = 0; i < strip.height && y < height; ++i, ++y) {
        const std::uint8_t* const from = strip.data + i * strip.row_stride;
        for (int channel = 0; channel < strip.channels; ++channel) {
          std::memcpy(to + channel * plane + y * row, from + channel * strip.channel_stride, width);
        }
      }
    });
  });
  return is_whole;
}

// (channels, height, width), of 1 channel, gray, or 3: red, green and blue.
py::tuple shape_of(const JpegFile& file) {
  const JpegDecoder& decoder = *file.decoder;
  return tuple_of({decoder.channels(), decoder.height(), decoder.width()});
}

}  // namespace

void bind_jpeg(py::module_& module) {
  py::class_<JpegFile>(module, "JpegFile", "Decodes a JPEG file as cameras write it, once.")
      .def_property_readonly("shape", &shape_of)
      .def("write", &write_to, py::arg().noconvert());
  module.def("open_jpeg", &open_jpeg, py::arg("data"), py::arg("tier") = py::none());
}
