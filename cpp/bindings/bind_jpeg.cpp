#include <cstring>
#include <optional>

#include "bindings.hpp"
#include "kernels/kernels.hpp"
#include "lightmeter/decode/jpeg.hpp"
#include "lightmeter/measure/image_meter.hpp"

namespace {

using lightmeter::Pixels;
using lightmeter::decode::JpegDecoder;
using lightmeter::measure::ImageMeter;

std::unique_ptr<JpegDecoder> open_jpeg(const py::bytes& data,
                                       const std::optional<std::string>& tier) {
  namespace kernels = lightmeter::kernels;
  return JpegDecoder::open(as_bytes(data), tier ? kernels::of_tier(*tier) : kernels::active());
}

bool measure(JpegDecoder& decoder, ImageMeter& meter) {
  bool is_whole = false;
  without_gil(&meter, [&] {
    is_whole = decoder.decode([&](const Pixels& strip) { meter.update(strip); });
  });
  return is_whole;
}

py::object samples_of(JpegDecoder& decoder) {
  py::array_t<std::uint8_t> planes({decoder.channels(), decoder.height(), decoder.width()});
  const std::ptrdiff_t plane = std::ptrdiff_t{decoder.height()} * decoder.width();
  std::uint8_t* to = planes.mutable_data();
  const bool is_whole = decoder.decode([&](const Pixels& strip) {
    const std::ptrdiff_t bytes = strip.height * strip.row_stride;
    for (int i = 0; i < strip.channels; ++i) {
      std::memcpy(to + i * plane, strip.data + i * strip.channel_stride,
                  static_cast<std::size_t>(bytes));
    }
    to += bytes;
  });
  if (!is_whole) return py::none();
  return planes;
}

}  // namespace

void bind_jpeg(py::module_& module) {
  py::class_<JpegDecoder>(module, "JpegDecoder", "Decodes a JPEG file as cameras write it, once.")
      .def_property_readonly(
          "size",
          [](const JpegDecoder& decoder) {
            return py::make_tuple(decoder.width(), decoder.height());
          },
          "Width and height.")
      .def_property_readonly("channels", &JpegDecoder::channels,
                             "1, gray, or 3: red, green and blue.")
      .def("measure", &measure, py::arg("meter"),
           "Count all pixels. False if the decoder refuses the file; then the meter is of no use.")
      .def("samples", &samples_of,
           "uint8 of shape (channels, height, width); None if the decoder refuses the file.");
  module.def("open_jpeg", &open_jpeg, py::arg("data"), py::arg("tier") = py::none(),
             py::keep_alive<0, 1>(),
             "A decoder of the bytes of a file, with the kernels of a tier or of the one in use.\n"
             "None if the decoder refuses the file.");
}
