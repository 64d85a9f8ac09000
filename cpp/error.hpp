#pragma once

#include <stdexcept>

namespace lightmeter {

// One type per thing a caller can react to. A programmer's mistake is std::invalid_argument.

// Bytes that are not what they claim to be: truncated, damaged, or from a newer version.
struct DecodeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Two states that cannot be combined: unlike sketches, or unlike strips of one image.
struct IncompatibleError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A sample outside the range that the samples of its image are said to have, or not a number.
struct OutOfRangeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace lightmeter
