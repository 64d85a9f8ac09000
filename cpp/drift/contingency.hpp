#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lightmeter::drift {

// How often two samples have each of some kinds: values in rising order, bins or categories. There
// is no kind that neither has.
struct Contingency {
  std::vector<std::uint64_t> target;
  std::vector<std::uint64_t> reference;
  std::uint64_t n_target = 0;
  std::uint64_t n_reference = 0;

  // One kind more, unless neither has it.
  void push(std::uint64_t of_target, std::uint64_t of_reference) {
    if (of_target + of_reference == 0) return;
    target.push_back(of_target);
    reference.push_back(of_reference);
    n_target += of_target;
    n_reference += of_reference;
  }

  [[nodiscard]] std::size_t size() const noexcept { return target.size(); }
  [[nodiscard]] std::uint64_t pooled(std::size_t i) const noexcept {
    return target[i] + reference[i];
  }
  [[nodiscard]] bool has_ties() const noexcept { return n_target + n_reference > size(); }
  // n_target n_reference, rounded when it is above 2^53.
  [[nodiscard]] double area() const noexcept {
    return static_cast<double>(n_target) * static_cast<double>(n_reference);
  }
  // Both distribution functions scaled to whole numbers, F_t n_t n_r - F_r n_t n_r, after kind i
  // have this difference of steps: exact while area() < 2^53.
  [[nodiscard]] double step(std::size_t i) const noexcept {
    return share(target[i], n_reference) - share(reference[i], n_target);
  }
  // The mass of kind i on that scale, of both sides together.
  [[nodiscard]] double mass(std::size_t i) const noexcept {
    return share(target[i], n_reference) + share(reference[i], n_target);
  }
  // The chi-square statistic, from differences, which lose nothing where one side is far larger.
  [[nodiscard]] double chi_square() const noexcept {
    double sum = 0.0;
    for (std::size_t i = 0; i < size(); ++i) {
      sum += step(i) / area() * (step(i) / static_cast<double>(pooled(i)));
    }
    return sum;
  }

 private:
  // Counts are below 2^56, and processors convert signed numbers faster.
  [[nodiscard]] static double share(std::uint64_t count, std::uint64_t of_other) noexcept {
    return static_cast<double>(static_cast<std::int64_t>(count)) *
           static_cast<double>(static_cast<std::int64_t>(of_other));
  }
};

}  // namespace lightmeter::drift
