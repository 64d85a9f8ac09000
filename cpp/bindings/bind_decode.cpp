#include <cstring>
#include <optional>

#include "bindings.hpp"
#include "kernels/kernels.hpp"
#include "lightmeter/decode/jpeg.hpp"
#include "lightmeter/measure/image_meter.hpp"
#include "lightmeter/profile/image_features.hpp"

namespace {

using lightmeter::Pixels;
using lightmeter::decode::JpegDecoder;
using lightmeter::measure::ImageMeter;
using lightmeter::profile::ImageFeatures;

std::optional<ImageFeatures> measure(JpegDecoder& decoder, ImageMeter& meter) {
  std::optional<ImageFeatures> features;
  without_gil(&meter, [&] {
    if (decoder.decode([&](const Pixels& strip) { meter.update(strip); })) features.emplace(meter);
  });
  return features;
}

py::object samples_of(JpegDecoder& decoder) {
  py::array_t<std::uint8_t> planes({decoder.channels(), decoder.height(), decoder.width()});
  std::uint8_t* to = planes.mutable_data();
  const std::ptrdiff_t plane = std::ptrdiff_t{decoder.height()} * decoder.width();
  bool is_whole = false;
  without_gil([&] {
    is_whole = decoder.decode([&](const Pixels& strip) {
      const std::ptrdiff_t bytes = strip.height * strip.row_stride;
      for (int i = 0; i < strip.channels; ++i) {
        std::memcpy(to + i * plane, strip.data + i * strip.channel_stride,
                    static_cast<std::size_t>(bytes));
      }
      to += bytes;
    });
  });
  if (!is_whole) return py::none();
  return planes;
}

}  // namespace

void bind_decode(py::module_& module) {
  py::class_<JpegDecoder>(module, "JpegDecoder",
                          "Decodes a JPEG file of the kind that cameras write, once.")
      .def_property_readonly("size",
                             [](const JpegDecoder& decoder) {
                               return py::make_tuple(decoder.width(), decoder.height());
                             })
      .def_property_readonly("channels", &JpegDecoder::channels)
      .def("measure", &measure, py::arg("meter"),
           "Count the pixels; returns what they add to a profile. None if the decoder refuses the\n"
           "file; then the meter is of no use.")
      .def("samples", &samples_of,
           "uint8 of shape (1 or 3, height, width): gray, or red, green and blue. None likewise.");
  module.def(
      "open_jpeg",
      [](const py::bytes& data, const std::optional<std::string>& tier) {
        namespace kernels = lightmeter::kernels;
        return JpegDecoder::open(as_bytes(data),
                                 tier ? kernels::of_tier(*tier) : kernels::active());
      },
      py::arg("data"), py::arg("tier") = py::none(), py::keep_alive<0, 1>(),
      "A decoder of a file, by the kernels of a tier or the ones in use; None if the decoder\n"
      "refuses it.");
}
