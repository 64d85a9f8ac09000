#pragma once

#include <cstdint>
#include <span>

#include "drift/random_split.hpp"

namespace lightmeter::drift {

// What the squared Hellinger distance exceeds in one of twenty deals of the labels, of 999, where
// `dealt` of the pooled items go to one side. Takes memory and time in proportion to the smaller.
[[nodiscard]] double dealt_hellinger(std::span<const std::uint64_t> pooled, std::uint64_t dealt,
                                     Random& random);

}  // namespace lightmeter::drift
