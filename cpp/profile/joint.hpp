#pragma once

#include <span>
#include <string>
#include <vector>

#include "measure/number.hpp"
#include "profile/covariances.hpp"

namespace lightmeter::profile {

// How the numbers of images vary together, by their names, in which two versions may differ: those
// of the default set that have a verdict, rounded to floats. A hue enters as a point, its direction
// times its concentration: (0, 0) where there is none. An image that lacks another number is one of
// the others.
class Joint : public Covariances<std::vector<std::string>> {
 public:
  // Of a set that has all of the numbers.
  void update(std::span<const measure::Value> image);
  void layout(Codec& codec);
};

}  // namespace lightmeter::profile
