#include "bindings.hpp"
#include "decode/png.hpp"
#include "kernels/tier.hpp"
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

using Samples = py::array_t<std::uint8_t>;

bool has_rows_without_gaps(const Samples& array) {
  return array.ndim() == 3 && (array.shape(2) == 1 || array.strides(2) == 1) &&
         (array.shape(1) == 1 || array.strides(1) == array.shape(2));
}

// Undoes the horizontal differences of a tile of uint8, HxWxC, of 1 to 4 channels. `samples` gets
// those of its upper left; it is another array. Rows have no gaps.
// The differences of a TIFF tile (TIFF 6.0, section 14) are those of PNG's filter "Sub".
void sum_differences(const Samples& tile, Samples& samples) {
  if (!has_rows_without_gaps(tile) || !has_rows_without_gaps(samples) ||
      tile.shape(0) < samples.shape(0) || tile.shape(1) < samples.shape(1) ||
      tile.shape(2) != samples.shape(2) || tile.shape(2) < 1 || tile.shape(2) > 4) {
    throw std::invalid_argument(
        "expected a tile HxWxC of rows without gaps, of 1 to 4 channels, and no more samples");
  }
  const std::uint8_t* const from = tile.data();
  std::uint8_t* const to = samples.mutable_data();
  const auto pixel = static_cast<std::size_t>(samples.shape(2));
  const std::size_t bytes = static_cast<std::size_t>(samples.shape(1)) * pixel;
  const py::ssize_t rows = samples.shape(0), step = tile.strides(0), to_step = samples.strides(0);
  without_gil([&] {
    namespace kernels = lightmeter::kernels;
    const kernels::Unfilter undo = kernels::active().unfilter[kernels::kSubFilter];
    for (py::ssize_t y = 0; y < rows; ++y) {
      undo(from + y * step, from + y * step, to + y * to_step, bytes, pixel);
    }
  });
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
  module.def("sum_differences", &sum_differences, py::arg().noconvert(), py::arg().noconvert());
}
