#pragma once

namespace lightmeter::drift {

// A number, and between which ends the number of the unsampled data lies. All three are the same
// where nothing was sampled.
struct Interval {
  double value;
  double low;
  double high;
};

}  // namespace lightmeter::drift
