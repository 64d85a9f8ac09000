#include "profile/vectors.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sketch/mix.hpp"

namespace lightmeter::profile {

Vectors::Vectors(std::string_view name) : key_(sketch::hash_of(name)) {}

bool Vectors::update(std::span<const double> vector) {
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

void Vectors::layout(Codec& codec) {
  Covariances::layout(codec, [](std::size_t length) {
    return std::min(length, sketch::Projections::kProjections);
  });
  for (const auto& [length, covariance] : by_key()) {
    codec.require(length > 0 && length <= kMaxLength && covariance.n() > 0,
                  "vectors of no or too many numbers, or none");
  }
}

}  // namespace lightmeter::profile
