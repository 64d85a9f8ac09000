#include <bit>
#include <cmath>

#include "arrays.hpp"
#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "measure/image_meter.hpp"
#include "profile/image_features.hpp"

namespace {

// The structure of the Arrow C data interface that is read here, laid out as its specification
// fixes it (https://arrow.apache.org/docs/format/CDataInterface.html).
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

using lightmeter::Pixels;
using lightmeter::SampleType;
using lightmeter::measure::ImageMeter;
using lightmeter::measure::Mask;
using lightmeter::profile::ImageFeatures;

SampleType type_of(char kind, py::ssize_t size) {
  if (kind == 'u' && size == 1) return SampleType::kUint8;
  if (kind == 'u' && size == 2) return SampleType::kUint16;
  if (kind == 'i' && size == 4) return SampleType::kInt32;
  if (kind == 'f' && size == 4) return SampleType::kFloat32;
  if (kind == 'f' && size == 8) return SampleType::kFloat64;
  throw std::invalid_argument("no samples of kind " + std::string(1, kind) + " and " +
                              std::to_string(size) + " bytes");
}

Pixels samples_of(const py::dtype& dtype, Range range) {
  constexpr char kOtherOrder = std::endian::native == std::endian::little ? '>' : '<';
  return {.type = type_of(dtype.kind(), dtype.itemsize()),
          .swapped = dtype.byteorder() == kOtherOrder,
          .low = range.first,
          .high = range.second};
}

// HxW, HxWx1, HxWx3 or HxWx4 of any strides, alpha last; lightmeter/meter.py has checked the shape.
Pixels pixels_of(const py::array& array, bool bgr, Range range) {
  const bool colour = array.ndim() == 3 && array.shape(2) >= 3;
  Pixels pixels = samples_of(array.dtype(), range);
  pixels.data = static_cast<const std::uint8_t*>(array.data());
  pixels.width = array.shape(1);
  pixels.height = array.shape(0);
  pixels.channels = colour ? 3 : 1;
  pixels.row_stride = array.strides(0);
  pixels.pixel_stride = array.strides(1);
  pixels.channel_stride = colour ? array.strides(2) : 0;
  if (colour && bgr) {
    pixels.data += 2 * pixels.channel_stride;
    pixels.channel_stride = -pixels.channel_stride;
  }
  return pixels;
}

// Pillow exports gray images as one number a pixel and all others as fixed-size lists of 4 uint8,
// row by row without gaps. The capsule keeps the image's memory alive.
Pixels pixels_of(const py::capsule& exported, py::ssize_t width, py::ssize_t height, int channels,
                 const py::dtype& dtype, Range range) {
  const auto* array =
      static_cast<const ArrowArray*>(PyCapsule_GetPointer(exported.ptr(), "arrow_array"));
  if (array == nullptr) throw py::error_already_set();  // a capsule of another name
  if (array->release == nullptr) {
    throw std::invalid_argument("got an Arrow array that was released; export the image again");
  }
  const bool padded = array->n_children == 1;
  const ArrowArray* samples = padded ? array->children[0] : array;
  const py::ssize_t bytes_per_pixel = (padded ? 4 : 1) * dtype.itemsize();
  if (array->offset != 0 || array->length != width * height || samples->n_buffers != 2 ||
      samples->offset != 0 || samples->length != width * height * (padded ? 4 : 1) ||
      (channels == 3 && !padded) || samples->buffers == nullptr) {
    throw std::invalid_argument("got an Arrow array of " + std::to_string(array->length) +
                                " elements; expected the pixels of an image of " +
                                std::to_string(width) + "x" + std::to_string(height));
  }
  Pixels pixels = samples_of(dtype, range);
  pixels.data = static_cast<const std::uint8_t*>(samples->buffers[1]);
  pixels.width = width;
  pixels.height = height;
  pixels.channels = channels;
  pixels.row_stride = width * bytes_per_pixel;
  pixels.pixel_stride = bytes_per_pixel;
  return pixels;
}

// Exact counts of the sample values by name, of shape (256,) or, of a deep image, (65536,).
py::dict histograms(ImageMeter& meter) {
  py::dict result;
  const auto add = [&](const char* name, const auto& counts) { result[name] = as_array(counts); };
  lightmeter::measure::for_each_histogram(add, meter.counts());
  return result;
}

constexpr std::array<std::string_view, 8> kScales{"sample",  "squares", "bits",   "share",
                                                  "percent", "ratio",   "length", "hash"};
constexpr std::array<std::string_view, 8> kGroups{"colour",      "light", "focus",   "noise",
                                                  "compression", "where", "repeats", "size"};

// (name, role, scale, group, set, whether it is an integer, the name below that of a band, what it
// says) of every number of an image.
py::list image_numbers() {
  py::list numbers;
  for (const auto& number : lightmeter::measure::image_numbers()) {
    numbers.append(
        tuple_of({number.name, text_of(kRoleNames, number.role), text_of(kScales, number.scale),
                  text_of(kGroups, number.group), text_of(kSets, number.set), number.is_integer(),
                  lightmeter::profile::band_number(number.name, number.group), number.says}));
  }
  return numbers;
}

using Place = std::pair<std::int64_t, std::int64_t>;  // (x, y), or (width, height)

// Ignores pixels of a mask: HxW of one byte each, which is not 0 where a pixel is ignored, of which
// (x, y) is the first.
void ignore(Mask& mask, const py::array& ignored, std::int64_t x, std::int64_t y) {
  if (ignored.ndim() != 2 || ignored.itemsize() != 1) {
    throw std::invalid_argument("got a mask of " + std::to_string(ignored.ndim()) +
                                " dimensions and " + std::to_string(ignored.itemsize()) +
                                " bytes a pixel; expected HxW of one byte");
  }
  const std::int64_t height = ignored.shape(0), width = ignored.shape(1);
  if (x < 0 || y < 0 || x > mask.width() - width || y > mask.height() - height) {
    throw std::invalid_argument("got pixels outside of the mask");
  }
  mask.ignore(static_cast<const std::uint8_t*>(ignored.data()), x, y, width, height,
              ignored.strides(0), ignored.strides(1));
}

// HxW, likewise.
Mask mask_of(const py::array& ignored) {
  const bool is_plane = ignored.ndim() == 2;
  Mask mask(is_plane ? ignored.shape(1) : 0, is_plane ? ignored.shape(0) : 0);
  ignore(mask, ignored, 0, 0);
  return mask;
}

// A meter of a set of metrics, for an image of `size` if that is known; a mask gives it too.
ImageMeter make_meter(std::string_view set, std::optional<Place> size,
                      const std::shared_ptr<Mask>& mask) {
  const auto metrics = value_of<lightmeter::measure::Set>(kSets, set);
  if (mask != nullptr && !size) size = Place{mask->width(), mask->height()};
  if (!size && lightmeter::measure::needs_size(metrics)) {
    throw std::invalid_argument("the metrics '" + std::string(set) +
                                "' need the size of the image before its pixels; give "
                                "size=(width, height)");
  }
  if (!size) return ImageMeter(metrics);
  return ImageMeter(metrics, size->first, size->second, mask);
}

// Pointers and sizes are read before the GIL is released; the arguments keep the memory alive.
void update(ImageMeter& meter, const Pixels& pixels, std::optional<Place> at, int threads) {
  without_gil(&meter, [&] {
    if (at) {
      meter.update(pixels, at->first, at->second, threads);
    } else {
      meter.update(pixels, threads);
    }
  });
}

// Counts the pixels of an array HxW, HxWx1, HxWx3 or HxWx4, of any strides and byte order: the next
// strip, or the tile whose first pixel is `at`.
void update_array(ImageMeter& meter, const py::array& array, bool bgr, Range range, int threads,
                  std::optional<Place> at) {
  update(meter, pixels_of(array, bgr, range), at, threads);
}

// Counts the pixels of the `arrow_array` capsule of a Pillow image, likewise.
void update_arrow(ImageMeter& meter, const py::capsule& array, py::ssize_t width,
                  py::ssize_t height, int channels, const py::dtype& dtype, Range range,
                  int threads, std::optional<Place> at) {
  update(meter, pixels_of(array, width, height, channels, dtype, range), at, threads);
}

// What a measured image adds to a profile. It takes some ten microseconds, a hundred where all
// metrics are measured, and longer where samples are deep.
ImageFeatures features_of(ImageMeter& meter) {
  std::optional<ImageFeatures> features;
  without_gil(&meter, [&] { features.emplace(meter); });
  return *std::move(features);
}

// How many pixels were counted, which leaves out the ignored ones.
std::uint64_t pixels(ImageMeter& meter) { return meter.counts().pixels(); }

// The numbers of the image by name; those that are not defined are left out.
py::dict measurement(ImageMeter& meter) {
  py::dict numbers;
  for (const auto& [number, amount] : meter.values()) {
    const py::str name(number->name.data(), number->name.size());
    if (const double* value = std::get_if<double>(&amount)) {
      numbers[name] = number->is_integer() ? py::object(py::int_(static_cast<std::int64_t>(*value)))
                                           : py::object(py::float_(*value));
    } else if (const std::uint64_t* hash = std::get_if<std::uint64_t>(&amount)) {
      numbers[name] = lightmeter::measure::hash_text(*hash);
    }
  }
  return numbers;
}

}  // namespace

void bind_measure(py::module_& module) {
  module.def("image_numbers", &image_numbers);
  module.def("features_of", &features_of);
  py::class_<ImageFeatures>(module, "ImageFeatures", "What a measured image adds to a profile.");
  py::class_<Mask, std::shared_ptr<Mask>>(module, "Mask", "Which pixels of an image are ignored.")
      .def(py::init<std::int64_t, std::int64_t>())
      .def(py::init(&mask_of))
      .def("ignore", &ignore)
      .def_property_readonly("count", &Mask::count);
  py::class_<ImageMeter>(module, "ImageMeter",
                         "Exact counts of one image's pixels. RuntimeError if two threads use\n"
                         "it at once.")
      .def(py::init(&make_meter))
      .def("update", &update_array)
      .def("update_arrow", &update_arrow)
      .def_property_readonly("pixels", &pixels)
      .def_property_readonly("rows", &ImageMeter::rows)
      .def_property_readonly("ignored_percent", &ImageMeter::ignored_percent)
      .def("copy", &ImageMeter::copy)
      .def("empty", &ImageMeter::empty)
      .def("add", &ImageMeter::add)
      .def("measurement", &measurement)
      .def_property_readonly("histograms", &histograms);
}
