#pragma once

#include <functional>

#include "pixels.hpp"

namespace lightmeter::decode {

// Takes the rows of a picture from top to bottom, some at a time. The memory of a strip is the
// decoder's, and changes with the next one. Of samples of more than 8 bits the taker says what is
// black and white. What it throws comes out of the decoder, which is of no use afterwards.
using TakeStrip = std::function<void(const Pixels& strip)>;

}  // namespace lightmeter::decode
