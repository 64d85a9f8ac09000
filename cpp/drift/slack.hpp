#pragma once

namespace lightmeter::drift {

// Times a statistic, to absorb its rounding, which is far less than the distance of two values that
// it can have.
inline constexpr double kSlack = 1.0 - 1e-12;

}  // namespace lightmeter::drift
