#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "error.hpp"
#include "profile/codec.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

// Also of parts of a profile, which have a layout.
template <class Sketch>
std::vector<std::uint8_t> encoded(const Sketch& sketch) {
  wire::Writer out;
  profile::Codec codec(out);
  if constexpr (requires { sketch.encode(out); }) {
    sketch.encode(out);
  } else {
    Sketch(sketch).layout(codec);
  }
  return std::move(out).take();
}

template <class Sketch>
Sketch decoded(std::span<const std::uint8_t> bytes) {
  wire::Reader in(bytes);
  Sketch sketch;
  if constexpr (requires { Sketch::decode(in); }) {
    sketch = Sketch::decode(in);
  } else {
    profile::Codec codec(in);
    sketch.layout(codec);
  }
  in.expect_end();
  return sketch;
}

template <class Sketch>
void expect_round_trip(const Sketch& sketch) {
  const auto bytes = encoded(sketch);
  EXPECT_EQ(encoded(decoded<Sketch>(bytes)), bytes);
}

// Every cut must be refused; every flipped bit must be refused or give a state that can be used,
// for which `use` is called.
template <class Sketch, class Use>
void expect_damage_is_harmless(const Sketch& sketch, Use use) {
  const auto bytes = encoded(sketch);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + size);
    EXPECT_THROW((void)decoded<Sketch>(cut), DecodeError) << "cut at " << size;
  }
  const std::size_t stride = 1 + bytes.size() * 8 / 4001;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += stride) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1 << (bit % 8)));
    try {
      Sketch state = decoded<Sketch>(flipped);
      expect_round_trip(state);
      use(state);
    } catch (const DecodeError&) {
    }
  }
}

}  // namespace lightmeter::sketch
