#include "headers/foreign.hpp"

#include <algorithm>

namespace lightmeter::headers {

std::span<const std::uint8_t> Foreign::read(std::uint64_t offset, std::uint64_t count) {
  if (count > kMostBytes || offset > size_ || count > size_ - offset) {
    throw DamagedError("got a file that ends early");
  }
  if (++reads_ > kMostReads) throw DamagedError("got a file that takes too many reads");
  return bytes(offset, count);
}

std::span<const std::uint8_t> Foreign::read_up_to(std::uint64_t offset, std::uint64_t count) {
  const std::uint64_t left = offset > size_ ? 0 : size_ - offset;
  return read(offset, std::min({count, left, kMostBytes}));
}

}  // namespace lightmeter::headers
