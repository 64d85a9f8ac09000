#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "decode/png.hpp"

// Bytes for libFuzzer: a form in the first ones, and inflated bytes after it, which come in one
// piece or in many. All samples of each strip are read. Both ways have the same outcome; a broken
// law is thrown and ends the run. That pixels are those of Pillow is tested in
// tests/python/image/test_encoded.py.
namespace lightmeter::decode {
namespace {

constexpr std::size_t kFormBytes = 8;

void require(bool holds, const char* law) {
  if (!holds) throw std::logic_error(law);
}

struct Outcome {
  bool taken = true;
  bool whole = false;
  std::int64_t rows = 0;
  std::uint64_t samples = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void look(const Pixels& strip, const PngForm& form, Outcome& outcome) {
  require(strip.width == form.width && strip.height > 0, "a strip has the width of the picture");
  outcome.rows += strip.height;
  const int size = strip.type == SampleType::kUint16 ? 2 : 1;
  for (std::ptrdiff_t y = 0; y < strip.height; ++y) {
    for (std::ptrdiff_t x = 0; x < strip.width; ++x) {
      for (std::ptrdiff_t at = 0; at < strip.channels * size; ++at) {
        const std::ptrdiff_t c = at / size;
        outcome.samples =
            outcome.samples * 31 + strip.data[y * strip.row_stride + x * strip.pixel_stride +
                                              c * strip.channel_stride + at % size];
      }
    }
  }
}

Outcome run(const PngForm& form, std::span<const std::uint8_t> inflated, std::size_t piece) {
  PngRows rows(form);
  Outcome outcome;
  while (!inflated.empty() && outcome.taken) {
    const auto next = inflated.first(std::min(piece, inflated.size()));
    outcome.taken = rows.take(next, [&](const Pixels& strip) { look(strip, form, outcome); });
    inflated = inflated.subspan(next.size());
  }
  outcome.whole = outcome.taken && rows.is_whole();
  require(!outcome.whole || outcome.rows == form.height, "a whole picture has all rows");
  return outcome;
}

}  // namespace
}  // namespace lightmeter::decode

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lightmeter::decode;
  if (size < kFormBytes) return 0;
  std::span<const std::uint8_t> bytes(data, size);
  PngForm form{.width = bytes[0] | (bytes[1] & 15) << 8,
               .height = bytes[2],
               .depth = 1 << bytes[3] % 6,
               .colour = static_cast<PngColour>(bytes[4] % 8),
               .palette = std::vector<std::uint8_t>(bytes[5] * 3U, bytes[6]),
               .deep = (bytes[4] & 8) != 0};
  bytes = bytes.subspan(kFormBytes);
  try {
    const Outcome whole = run(form, bytes, std::max<std::size_t>(1, bytes.size()));
    const Outcome cut = run(form, bytes, 1 + data[7] / 2);
    require(whole.taken == cut.taken && whole.whole == cut.whole, "cuts do not show");
    require(!whole.whole || whole == cut, "cuts do not show in pixels");
  } catch (const std::invalid_argument&) {  // no picture has this form
  }
  return 0;
}
