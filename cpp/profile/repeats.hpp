#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "profile/column.hpp"

namespace lightmeter::profile {

// A hash that was seen again.
struct Repeated {
  std::string hash;
  std::uint64_t times;  // at least
  std::string path;     // of a picture that has it; empty if none is known
};

struct Repeats {
  // How many values are those of an earlier one, at least. It is the larger of what the lower
  // counts of the frequent hashes prove, and what is left of the values without six standard errors
  // more than the estimate of the distinct ones.
  std::uint64_t at_least = 0;
  std::vector<Repeated> hashes;  // by falling times, then rising hash
};

// Of a column of hashes; none of any other.
[[nodiscard]] Repeats repeats_of(const Column& column);

}  // namespace lightmeter::profile
