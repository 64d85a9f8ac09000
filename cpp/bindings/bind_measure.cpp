#include "arrow.hpp"
#include "bindings.hpp"
#include "lightmeter/measure/image_meter.hpp"
#include "lightmeter/profile/image_features.hpp"

namespace {

using lightmeter::Pixels;
using lightmeter::measure::Histogram;
using lightmeter::measure::ImageMeter;

// HxW, HxWx1, HxWx3 or HxWx4 of any strides, alpha last; lightmeter/meter.py has checked the shape.
Pixels view_of(const py::array_t<std::uint8_t>& array, bool bgr) {
  const bool colour = array.ndim() == 3 && array.shape(2) >= 3;
  Pixels pixels{.data = array.data(),
                .width = array.shape(1),
                .height = array.shape(0),
                .channels = colour ? 3 : 1,
                .row_stride = array.strides(0),
                .pixel_stride = array.strides(1),
                .channel_stride = colour ? array.strides(2) : 1};
  if (colour && bgr) {
    pixels.data += 2 * pixels.channel_stride;
    pixels.channel_stride = -pixels.channel_stride;
  }
  return pixels;
}

// Pillow exports gray images as uint8 and all others as fixed-size lists of 4 uint8, row by row
// without gaps. The capsule keeps the image's memory alive.
Pixels view_of(const py::capsule& exported, py::ssize_t width, py::ssize_t height, int channels) {
  const auto* array = exported.get_pointer<const ArrowArray>();
  const bool padded = array->n_children == 1;
  const ArrowArray* samples = padded ? array->children[0] : array;
  const py::ssize_t bytes_per_pixel = padded ? 4 : 1;
  if (array->offset != 0 || array->length != width * height || samples->n_buffers != 2 ||
      samples->length != width * height * bytes_per_pixel || (channels == 3 && !padded)) {
    throw std::invalid_argument("got an Arrow array of " + std::to_string(array->length) +
                                " elements; expected the uint8 pixels of an image of " +
                                std::to_string(width) + "x" + std::to_string(height));
  }
  return {.data = static_cast<const std::uint8_t*>(samples->buffers[1]) + samples->offset,
          .width = width,
          .height = height,
          .channels = channels,
          .row_stride = width * bytes_per_pixel,
          .pixel_stride = bytes_per_pixel};
}

const Histogram& histogram(const ImageMeter& meter, const std::string& name) {
  const auto& counts = meter.counts();
  if (name == "red" || name == "gray") return counts.channel[0];
  if (name == "green") return counts.channel[1];
  if (name == "blue") return counts.channel[2];
  if (name == "hue") return counts.hue;
  if (name == "saturation") return counts.saturation;
  if (name == "value") return counts.value;
  if (name == "hue_chroma") return counts.hue_chroma;
  throw std::invalid_argument("no histogram " + name +
                              "; expected red, green, blue, gray, hue, saturation, value or "
                              "hue_chroma");
}

}  // namespace

void bind_measure(py::module_& module) {
  // Pointers and sizes are read before the GIL is released; the arguments keep the memory alive.
  py::class_<ImageMeter>(module, "ImageMeter", "Exact counts of one image's pixels.")
      .def(py::init())
      .def(
          "update",
          [](ImageMeter& meter, const py::array_t<std::uint8_t>& array, bool bgr, int threads) {
            const Pixels pixels = view_of(array, bgr);
            const py::gil_scoped_release release;
            meter.update(pixels, threads);
          },
          py::arg("array").noconvert(), py::arg("bgr"), py::arg("threads"),
          "Count the pixels of a uint8 array HxW, HxWx1, HxWx3 or HxWx4, of any strides.")
      .def(
          "update_arrow",
          [](ImageMeter& meter, const py::capsule& array, py::ssize_t width, py::ssize_t height,
             int channels, int threads) {
            const Pixels pixels = view_of(array, width, height, channels);
            const py::gil_scoped_release release;
            meter.update(pixels, threads);
          },
          py::arg("array"), py::arg("width"), py::arg("height"), py::arg("channels"),
          py::arg("threads"), "Count the pixels of the `arrow_array` capsule of a Pillow image.")
      .def("append", &ImageMeter::append, py::arg("below"),
           "Add the counts of a strip that lies below.")
      .def(
          "measurement",
          [](const ImageMeter& meter) {
            py::dict numbers;
            for (const auto& [name, value] : lightmeter::profile::measurement(meter.counts())) {
              numbers[py::str(name.data(), name.size())] = value;
            }
            return numbers;
          },
          "Statistics of the image by name.")
      .def(
          "histogram",
          [](const ImageMeter& meter, const std::string& name) {
            const Histogram& counts = histogram(meter, name);
            return py::array_t<std::uint64_t>(static_cast<py::ssize_t>(counts.size()),
                                              counts.data());
          },
          py::arg("name"), "Exact counts of the 256 sample values, shape (256,), dtype uint64.");
}
