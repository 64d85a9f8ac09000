#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>

#include "profile/covariances.hpp"
#include "sketch/projections.hpp"

namespace lightmeter::profile {

// The vectors of one feature, such as embeddings, by their length. A vector is kept by its
// projections.
class Vectors : public Covariances<std::uint32_t> {
 public:
  static constexpr std::size_t kMaxLength = 16384;

  // The name keys the projections.
  explicit Vectors(std::string_view name = {});

  // Whether it was added: of 1 to kMaxLength numbers, finite, with projections below 2^128. Throws
  // IncompatibleError, and changes nothing, if that would make more than 2^56.
  bool update(std::span<const double> vector);
  void layout(Codec& codec);

 private:
  std::uint64_t key_;
  std::map<std::uint32_t, sketch::Projections> projections_;  // of lengths that are kept
};

}  // namespace lightmeter::profile
