#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace lightmeter::sketch {

// A vector of any length as at most kProjections numbers: sums of all its numbers with random signs
// (Achlioptas 2003), or the vector itself where it is no longer than that. The signs follow from the
// key and the length, and sums have a fixed order. So they have the same bits on every machine, and
// are part of the file format.
class Projections {
 public:
  static constexpr std::size_t kProjections = 32;

  Projections(std::uint64_t key, std::size_t length);

  [[nodiscard]] std::size_t size() const noexcept;
  // `vector` has `length` numbers, `result` has size().
  void project(std::span<const double> vector, std::span<double> result) const noexcept;

 private:
  std::size_t length_;
  std::shared_ptr<const std::vector<double>> rows_;  // null where the vector is its own projection
};

}  // namespace lightmeter::sketch
