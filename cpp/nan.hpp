#pragma once

#include <limits>

namespace lightmeter {

// A number that does not exist, such as the mean of nothing.
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace lightmeter
