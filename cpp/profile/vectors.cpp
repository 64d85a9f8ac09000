#include "profile/vectors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "error.hpp"
#include "sketch/limits.hpp"
#include "sketch/mix.hpp"
#include "sketch/projections.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

using sketch::Covariance;
using sketch::Projections;

std::size_t dimensions_of(std::size_t length) noexcept {
  return std::min(length, Projections::kProjections);
}

}  // namespace

Vectors::Vectors(std::string_view name) : key_(sketch::hash_of(name)) {}

const Projections& Vectors::projections(std::size_t length) {
  auto& kept = projections_[length];
  if (!kept) kept = std::make_shared<const Projections>(key_, length);
  return *kept;
}

std::uint64_t Vectors::n() const noexcept {
  std::uint64_t n = others_;
  for (const auto& [length, covariance] : by_length_) n += covariance.n();
  return n;
}

bool Vectors::update(std::span<const double> vector) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (vector.empty() || vector.size() > kMaxLength || !std::ranges::all_of(vector, is_finite)) {
    return false;
  }
  std::array<double, Projections::kProjections> numbers{};
  const auto row = std::span(numbers).first(dimensions_of(vector.size()));
  const bool is_kept = by_length_.contains(vector.size());
  if (!is_kept && by_length_.size() == kMaxLengths && vector.size() > by_length_.rbegin()->first) {
    sketch::check_sum(n(), 1);
    ++others_;
    return true;
  }
  projections(vector.size()).project(vector, row);
  if (!std::ranges::all_of(row, Covariance::takes)) return false;
  sketch::check_sum(n(), 1);
  by_length_.try_emplace(vector.size(), row.size()).first->second.update(row);
  if (!is_kept) forget_longest();
  return true;
}

void Vectors::forget_longest() {
  while (by_length_.size() > kMaxLengths) {
    const auto longest = std::prev(by_length_.end());
    others_ += longest->second.n();
    projections_.erase(longest->first);
    by_length_.erase(longest);
  }
}

void Vectors::merge(const Vectors& other) {
  sketch::check_sum(n(), other.n());
  others_ += other.others_;
  for (const auto& [length, covariance] : other.by_length_) {
    by_length_.try_emplace(length, covariance.dimensions()).first->second.merge(covariance);
  }
  forget_longest();
}

void Vectors::encode(wire::Writer& out) const {
  out.varint(others_);
  out.varint(by_length_.size());
  for (const auto& [length, covariance] : by_length_) {
    out.varint(length);
    covariance.encode(out);
  }
}

Vectors Vectors::decode(wire::Reader& in, std::string_view name) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw DecodeError(std::string("vectors: ") + what);
  };
  Vectors vectors(name);
  std::uint64_t n = vectors.others_ = in.varint();
  require(n <= sketch::kMaxCount, "a count above 2^56");
  const std::uint64_t lengths = in.varint();
  require(lengths > 0 && lengths <= kMaxLengths, "no length, or too many");
  require(lengths == kMaxLengths || n == 0, "vectors of other lengths, but there is room");
  for (std::uint64_t left = lengths; left > 0; --left) {
    const auto length = static_cast<std::size_t>(in.varint());
    require(length > 0 && length <= kMaxLength, "a vector of no or too many numbers");
    require(vectors.by_length_.empty() || vectors.by_length_.rbegin()->first < length,
            "lengths out of order");
    Covariance covariance = Covariance::decode(in);
    require(covariance.dimensions() == dimensions_of(length) && covariance.n() > 0,
            "as many projections as the length has, of at least one vector");
    n += covariance.n();
    require(n <= sketch::kMaxCount, "a count above 2^56");
    vectors.by_length_.emplace(length, std::move(covariance));
  }
  return vectors;
}

}  // namespace lightmeter::profile
