#include <cstring>
#include <optional>

#include "bindings.hpp"
#include "kernels/kernels.hpp"
#include "lightmeter/decode/jpeg.hpp"

namespace {

using lightmeter::decode::JpegDecoder;
namespace kernels = lightmeter::kernels;

py::object decode_jpeg(const py::bytes& data, const std::optional<std::string>& tier) {
  const auto decoder =
      JpegDecoder::open(as_bytes(data), tier ? kernels::of_tier(*tier) : kernels::active());
  if (decoder == nullptr) return py::none();
  py::array_t<std::uint8_t> planes({decoder->channels(), decoder->height(), decoder->width()});
  std::uint8_t* to = planes.mutable_data();
  bool is_whole = false;
  without_gil([&] {
    const std::ptrdiff_t plane = std::ptrdiff_t{decoder->height()} * decoder->width();
    JpegDecoder::Step step = decoder->next();
    for (; step == JpegDecoder::Step::kRows; step = decoder->next()) {
      const lightmeter::Pixels rows = decoder->rows();
      const std::ptrdiff_t bytes = rows.height * rows.row_stride;
      for (int i = 0; i < rows.channels; ++i) {
        std::memcpy(to + i * plane, rows.data + i * rows.channel_stride,
                    static_cast<std::size_t>(bytes));
      }
      to += bytes;
    }
    is_whole = step == JpegDecoder::Step::kEnd;
  });
  if (!is_whole) return py::none();
  return planes;
}

}  // namespace

void bind_decode(py::module_& module) {
  module.def("decode_jpeg", &decode_jpeg, py::arg("data"), py::arg("tier") = py::none(),
             "The samples of a JPEG file, shape (1 or 3, height, width): gray, or red, green and "
             "blue.\nNone if the decoder refuses the file.");
}
