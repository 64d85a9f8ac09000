#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "decode/jpeg_decoder.hpp"
#include "kernels/tier.hpp"

// Bytes for libFuzzer: a JPEG file, decoded on every tier. What is found obeys the laws below; a
// broken law is thrown and ends the run. That the pixels are those of Pillow is tested in
// tests/python/image/test_jpeg.py.
namespace lightmeter::decode {
namespace {

constexpr std::int64_t kMostPixels = 1 << 16;  // so that a run is short

void require(bool holds, const char* law) {
  if (!holds) throw std::logic_error(std::string("broken law: ") + law);
}

struct Decoded {
  bool whole = false;
  std::vector<std::uint8_t> samples;  // those of the strips one after another
  bool operator==(const Decoded&) const = default;
};

Decoded decoded(std::span<const std::uint8_t> file, const kernels::Tier& tier) {
  headers::ForeignBytes source(file);
  const auto decoder = JpegDecoder::open(file, headers::jpeg_segments(source), tier);
  if (decoder == nullptr || std::int64_t{decoder->width()} * decoder->height() > kMostPixels) {
    return {};
  }
  Decoded result;
  std::int64_t rows = 0;
  result.whole = decoder->decode([&](const Pixels& strip) {
    require(strip.height > 0 && strip.width == decoder->width(), "a strip is as wide as the image");
    rows += strip.height;
    for (int i = 0; i < strip.channels; ++i) {
      const std::uint8_t* const plane = strip.data + i * strip.channel_stride;
      result.samples.insert(result.samples.end(), plane, plane + strip.height * strip.row_stride);
    }
  });
  require(rows <= decoder->height(), "there are no more rows than the header says");
  require(!result.whole || rows == decoder->height(), "a decoded image has all rows");
  return result;
}

}  // namespace
}  // namespace lightmeter::decode

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lightmeter;
  const std::span file(data, size);
  const decode::Decoded first = decode::decoded(file, kernels::kScalar);
  for (const kernels::Tier* tier : kernels::available_tiers()) {
    decode::require(decode::decoded(file, *tier) == first, "tiers agree");
  }
  return 0;
}
