#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "measure/number.hpp"
#include "sketch/covariance.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

// How the numbers of images vary together: those of the default set that have a verdict, rounded to
// floats. A hue enters as a point, its direction times its concentration: (0, 0) where there is
// none. An image that lacks another number is left out and counted.
class Joint {
 public:
  using Names = std::vector<std::string>;  // rising

  // Of these numbers; by default those that images have today.
  Joint();
  explicit Joint(Names names);

  // Of a set that has all of the numbers.
  void update(std::span<const measure::Value> image);
  // Profiles of two versions may differ in the numbers. What they say then has none, and all images
  // are left out of it.
  void merge(const Joint& other);

  [[nodiscard]] const Names& names() const noexcept { return *names_; }
  [[nodiscard]] const sketch::Covariance& covariance() const noexcept { return covariance_; }
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }
  [[nodiscard]] std::uint64_t observations() const noexcept { return covariance_.n() + left_out_; }

  // varint 0 for the numbers of today, else 1 + names | each: text | varint left out | covariance
  void encode(wire::Writer& out) const;
  [[nodiscard]] static Joint decode(wire::Reader& in);

 private:
  void leave_all_out();

  std::shared_ptr<const Names> names_;
  sketch::Covariance covariance_;
  std::uint64_t left_out_ = 0;
};

}  // namespace lightmeter::profile
