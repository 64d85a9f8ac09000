#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "profile/covariances.hpp"
#include "sketch/mix.hpp"
#include "sketch/projections.hpp"

namespace lightmeter::profile {

// The vectors of one feature, such as embeddings, by their length. A vector is kept by its
// projections.
class Vectors : public Covariances<std::uint32_t> {
 public:
  static constexpr std::size_t kMaxLength = 16384;

  // The name keys the projections.
  explicit Vectors(std::string_view name = {}) : key_(sketch::hash_of(name)) {}

  // Whether it was added: of 1 to kMaxLength numbers, finite, with projections below 2^128. Throws
  // IncompatibleError, and changes nothing, if that would make more than 2^56.
  bool update(std::span<const double> vector) {
    const auto is_finite = [](double value) { return std::isfinite(value); };
    if (vector.empty() || vector.size() > kMaxLength || !std::ranges::all_of(vector, is_finite)) {
      return false;
    }
    const auto length = static_cast<std::uint32_t>(vector.size());
    if (!keeps(length)) {  // which need not be projected
      add(length, {});
      return true;
    }
    const auto& projections = projections_.try_emplace(length, key_, length).first->second;
    std::vector<double> row(projections.size());
    projections.project(vector, row);
    const bool is_taken = std::ranges::all_of(row, sketch::Covariance::takes);
    if (is_taken) add(length, row);
    std::erase_if(projections_, [&](const auto& item) { return !by_key().contains(item.first); });
    return is_taken;
  }
  void layout(Codec& codec) {
    Covariances::layout(codec, [](std::size_t length) {
      return std::min(length, sketch::Projections::kProjections);
    });
    for (const auto& [length, covariance] : by_key()) {
      codec.require(length > 0 && length <= kMaxLength && covariance.n() > 0,
                    "vectors of no or too many numbers, or none");
    }
  }

 private:
  std::uint64_t key_;
  std::map<std::uint32_t, sketch::Projections> projections_;  // of lengths that are kept
};

}  // namespace lightmeter::profile
