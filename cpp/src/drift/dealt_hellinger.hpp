#pragma once

#include "drift/random_split.hpp"
#include "lightmeter/drift/distances.hpp"

namespace lightmeter::drift {

// What the squared Hellinger distance exceeds in one of twenty deals of the labels, of 999. Takes
// memory and time in proportion to the smaller side.
[[nodiscard]] double dealt_hellinger(const Binned& binned, Random& random);

}  // namespace lightmeter::drift
