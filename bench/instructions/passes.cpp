// The main passes of the core, each counted by callgrind on its own: see guard.py.
//
// Each pass runs once before, so that memory is there and tables are made.

#include <valgrind/callgrind.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "decode/jpeg_decoder.hpp"
#include "decode/png.hpp"
#include "drift/numbers.hpp"
#include "headers/exif_tags.hpp"
#include "headers/foreign.hpp"
#include "headers/jpeg_header.hpp"
#include "measure/image_meter.hpp"
#include "profile/image_features.hpp"
#include "profile/profile.hpp"
#include "sketch/quantiles.hpp"

namespace {

namespace lm = lightmeter;
using lm::measure::ImageMeter;
using lm::measure::Set;
using lm::profile::Profile;
using lm::sketch::QuantileSketch;
using Bytes = std::vector<std::uint8_t>;

std::size_t kept = 0;  // what passes make of it, so that no compiler leaves them out

template <class Pass>
void count(const char* name, const Pass& pass) {
  kept += pass();
  CALLGRIND_TOGGLE_COLLECT;
  kept += pass();
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(name);
}

void must(bool holds) {
  if (!holds) throw std::runtime_error("the picture is not the one that belongs here");
}

// The samples of a picture, red, green and blue beside each other.
struct Picture {
  std::int64_t width = 0;
  std::int64_t height = 0;
  Bytes samples = {};

  [[nodiscard]] lm::Pixels pixels() const {
    return {samples.data(), width, height, 3, 3 * width, 3};
  }
};

auto decoder_of(std::span<const std::uint8_t> file) {
  lm::headers::ForeignBytes source(file);
  return lm::decode::JpegDecoder::open(file, lm::headers::jpeg_segments(source));
}

Picture decoded(std::span<const std::uint8_t> file) {
  const auto decoder = decoder_of(file);
  must(decoder != nullptr && decoder->channels() == 3);
  Picture picture{decoder->width(), decoder->height()};
  must(decoder->decode([&](const lm::Pixels& strip) {
    for (std::ptrdiff_t y = 0; y < strip.height; ++y) {
      for (std::ptrdiff_t x = 0; x < strip.width; ++x) {
        for (int c = 0; c < 3; ++c) {
          picture.samples.push_back(
              strip.data[y * strip.row_stride + x * strip.pixel_stride + c * strip.channel_stride]);
        }
      }
    }
  }));
  return picture;
}

// The inflated bytes of a PNG file. Any bytes behind the five filters are a picture.
Bytes filtered(const Picture& picture) {
  Bytes bytes;
  const auto row = static_cast<std::size_t>(3 * picture.width);
  for (std::size_t y = 0; y < static_cast<std::size_t>(picture.height); ++y) {
    bytes.push_back(static_cast<std::uint8_t>(y % 5));
    const auto start = picture.samples.begin() + static_cast<std::ptrdiff_t>(y * row);
    bytes.insert(bytes.end(), start, start + static_cast<std::ptrdiff_t>(row));
  }
  return bytes;
}

std::vector<double> numbers(std::size_t n, std::uint64_t state) {
  std::vector<double> values(n);
  for (double& value : values) {
    state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth, MMIX
    value = static_cast<double>(state >> 40) / 1024;
  }
  return values;
}

QuantileSketch sketch_of(std::size_t n, std::uint64_t seed) {
  QuantileSketch sketch(seed);
  sketch.update(numbers(n, seed));
  return sketch;
}

void count_measuring(std::span<const std::uint8_t> file, const Picture& picture) {
  const auto measure = [&](Set set) {
    return [&, set] {
      ImageMeter meter(set, picture.width, picture.height);
      meter.update(picture.pixels());
      return meter.values().size();
    };
  };
  count("measure whylogs", measure(Set::kWhylogs));
  count("measure default", measure(Set::kDefault));
  count("measure all", measure(Set::kAll));
  count("JPEG decode and measure", [&] {
    ImageMeter meter(Set::kDefault, picture.width, picture.height);
    const auto decoder = decoder_of(file);
    must(decoder->decode([&](const lm::Pixels& strip) { meter.update(strip); }));
    return meter.values().size();
  });
  const Bytes inflated = filtered(picture);
  count("PNG rows and measure", [&] {
    ImageMeter meter(Set::kDefault, picture.width, picture.height);
    lm::decode::PngRows rows({picture.width, picture.height});
    must(rows.take(inflated, [&](const lm::Pixels& strip) { meter.update(strip); }));
    return meter.values().size();
  });
  count("header and Exif", [&] {
    lm::headers::ForeignBytes bytes(file);
    const auto header = lm::headers::read_jpeg_header(bytes);
    lm::headers::ForeignBytes tags(header.exif);
    return lm::headers::read_exif_tags(tags).exif.size();
  });
}

void count_sketches() {
  const auto values = numbers(100'000, 1);
  count("sketch update", [&] {
    QuantileSketch sketch;
    for (const double value : values) sketch.update(value);
    return sketch.n();
  });
  count("sketch update of an array", [&] {
    QuantileSketch sketch;
    sketch.update(values);
    return sketch.n();
  });
  std::vector<QuantileSketch> sketches;
  for (std::uint64_t seed = 0; seed < 32; ++seed) sketches.push_back(sketch_of(5000, seed));
  count("sketch merge", [&] {
    QuantileSketch sketch;
    for (const QuantileSketch& other : sketches) sketch.merge(other);
    return sketch.n();
  });
  for (const std::size_t n : {500, 50'000}) {
    const auto target = sketch_of(n, 1), reference = sketch_of(n, 2);
    lm::sketch::Moments moments;
    for (const double value : numbers(n, 1)) moments.update(value);
    count(n == 500 ? "compare exact" : "compare sampled", [&] {
      const auto drift = lm::drift::compare_numbers({target, moments}, {reference, moments},
                                                    lm::drift::Axis::kLine, true, 0.01);
      return static_cast<std::size_t>(drift.p_value.value * 1000);
    });
  }
}

void count_profiles(const Picture& picture) {
  const auto profile_of = [&](std::int64_t images) {
    Profile profile;
    for (std::int64_t i = 0; i < images; ++i) {
      ImageMeter meter;  // of some rows, so that images differ
      lm::Pixels rows = picture.pixels();
      rows.data += i * rows.row_stride;
      rows.height = 8;
      meter.update(rows);
      log_image(profile, "image", lm::profile::ImageFeatures(meter), "RGB");
    }
    return profile;
  };
  ImageMeter meter;
  meter.update(picture.pixels());
  count("log an image", [&] {
    Profile profile;
    log_image(profile, "image", lm::profile::ImageFeatures(meter), "RGB");
    return profile.columns().size();
  });
  const Profile profile = profile_of(64);
  count("profile merge", [&] {
    Profile merged;
    for (int i = 0; i < 32; ++i) merged.merge(profile);
    return merged.columns().size();
  });
  const Bytes bytes = profile.encode();
  count("profile write", [&] { return profile.encode().size(); });
  count("profile read", [&] { return Profile::decode(bytes).columns().size(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--compiler") {
#ifdef __clang__
    std::cout << __VERSION__ << '\n';
#else
    std::cout << "GCC " << __VERSION__ << '\n';
#endif
    return EXIT_SUCCESS;
  }
  if (argc != 2) {
    std::cerr << "usage: lightmeter_passes picture.jpg, or --compiler\n";
    return EXIT_FAILURE;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const Bytes file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const Picture picture = decoded(file);
  count_measuring(file, picture);
  count_sketches();
  count_profiles(picture);
  std::cout << kept << '\n';
  return EXIT_SUCCESS;
}
