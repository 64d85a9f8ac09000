#include "bindings.hpp"
#include "decode/png.hpp"
#include "measure/image_meter.hpp"

namespace {

using lightmeter::Pixels;
using lightmeter::decode::PngColour;
using lightmeter::decode::PngForm;
using lightmeter::decode::PngRows;
using lightmeter::decode::TakeStrip;
using lightmeter::measure::ImageMeter;

// Shows the strips of a decoder to a meter.
TakeStrip into(ImageMeter& meter, Range range) {
  return [&meter, range](const Pixels& strip) {
    Pixels pixels = strip;
    pixels.low = range.first;
    pixels.high = range.second;
    meter.update(pixels);
  };
}

// `colour` is the number in the file. `deep` asks for all bits of 16-bit colour, and of gray with
// alpha, and not for the upper 8. Throws for a form that no picture has, and for rows of more than
// 16 MB.
PngRows png_rows(std::int64_t width, std::int64_t height, int depth, int colour,
                 const py::bytes& palette, bool deep) {
  const auto entries = as_bytes(palette);
  return PngRows({.width = width,
                  .height = height,
                  .depth = depth,
                  .colour = static_cast<PngColour>(colour),
                  .palette = {entries.begin(), entries.end()},
                  .deep = deep});
}

// Counts the pixels of the next inflated bytes. False if they are no such picture; then the rows and
// the meter are of no use.
bool take(PngRows& rows, const py::bytes& inflated, ImageMeter& meter, Range range) {
  const auto bytes = as_bytes(inflated);
  bool taken = false;
  without_gil(&meter, [&] { taken = rows.take(bytes, into(meter, range)); });
  return taken;
}

}  // namespace

void bind_decode(py::module_& module) {
  py::class_<PngRows>(module, "PngRows",
                      "The rows of a PNG picture without interlace, from its inflated bytes.")
      .def(py::init(&png_rows))
      .def("take", &take)
      .def_property_readonly("is_whole", &PngRows::is_whole);
}
