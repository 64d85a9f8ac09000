#include "bindings.hpp"
#include "lightmeter/decode/png.hpp"
#include "lightmeter/measure/image_meter.hpp"
#include "lightmeter/profile/image_features.hpp"

namespace {

using lightmeter::Pixels;
using lightmeter::decode::PngColour;
using lightmeter::decode::PngForm;
using lightmeter::decode::PngRows;
using lightmeter::decode::TakeStrip;
using lightmeter::measure::ImageMeter;
using lightmeter::profile::ImageFeatures;

// The samples of black and white.
using Range = std::pair<double, double>;

// Shows the strips of a decoder to a meter.
TakeStrip into(ImageMeter& meter, Range range) {
  return [&meter, range](const Pixels& strip) {
    Pixels pixels = strip;
    pixels.low = range.first;
    pixels.high = range.second;
    meter.update(pixels);
  };
}

PngRows png_rows(std::int64_t width, std::int64_t height, int depth, int colour,
                 const py::bytes& palette) {
  const auto entries = as_bytes(palette);
  return PngRows({.width = width,
                  .height = height,
                  .depth = depth,
                  .colour = static_cast<PngColour>(colour),
                  .palette = {entries.begin(), entries.end()}});
}

}  // namespace

void bind_decode(py::module_& module) {
  module.def(
      "features_of",
      [](ImageMeter& meter) {
        std::optional<ImageFeatures> features;
        without_gil(&meter, [&] { features.emplace(meter); });
        return *std::move(features);
      },
      py::arg("meter"), "What a measured image adds to a profile.");
  py::class_<PngRows>(module, "PngRows",
                      "The rows of a PNG picture without interlace, from its inflated bytes.")
      .def(
          py::init(&png_rows), py::arg("width"), py::arg("height"), py::arg("depth"),
          py::arg("colour"), py::arg("palette"),
          "`colour` is the number in the file. ValueError for a form that no picture has, and for\n"
          "rows of more than 16 MB.")
      .def(
          "take",
          [](PngRows& rows, const py::bytes& inflated, ImageMeter& meter, Range range) {
            const auto bytes = as_bytes(inflated);
            bool taken = false;
            without_gil(&meter, [&] { taken = rows.take(bytes, into(meter, range)); });
            return taken;
          },
          py::arg("inflated"), py::arg("meter"), py::arg("value_range"),
          "Count the pixels of the next inflated bytes. False if they are no such picture; then "
          "the\n"
          "rows and the meter are of no use.")
      .def_property_readonly("is_whole", &PngRows::is_whole, "Whether all rows have come.");
}
