#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>

#include "sketch/covariance.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {
class Projections;
}

namespace lightmeter::profile {

// The vectors of one feature, such as embeddings. A vector is kept by its projections, apart for
// each length: vectors of unlike lengths are not compared. The kMaxLengths least lengths are kept,
// which any order and any tree of merges agrees on; the rest is counted.
class Vectors {
 public:
  static constexpr std::size_t kMaxLengths = 4;
  static constexpr std::size_t kMaxLength = 16384;

  // The name keys the projections.
  explicit Vectors(std::string_view name = {});

  // Whether it was added: of 1 to kMaxLength numbers, finite, with projections below 2^128. Throws
  // IncompatibleError, and changes nothing, if that would make more than 2^56.
  bool update(std::span<const double> vector);
  // Throws the same.
  void merge(const Vectors& other);

  [[nodiscard]] const std::map<std::size_t, sketch::Covariance>& by_length() const noexcept {
    return by_length_;
  }
  [[nodiscard]] std::uint64_t others() const noexcept { return others_; }
  [[nodiscard]] std::uint64_t n() const noexcept;

  // varint others | varint lengths | each, rising: varint length | covariance of the projections
  void encode(wire::Writer& out) const;
  [[nodiscard]] static Vectors decode(wire::Reader& in, std::string_view name);

 private:
  [[nodiscard]] const sketch::Projections& projections(std::size_t length);
  void forget_longest();

  std::uint64_t key_;
  std::uint64_t others_ = 0;  // vectors of lengths that are not kept
  std::map<std::size_t, sketch::Covariance> by_length_;
  std::map<std::size_t, std::shared_ptr<const sketch::Projections>> projections_;
};

}  // namespace lightmeter::profile
