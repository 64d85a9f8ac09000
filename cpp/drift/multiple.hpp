#pragma once

#include <span>
#include <vector>

namespace lightmeter::drift {

// Benjamini and Hochberg's q-values of a family of p-values, in the same order: the least false
// discovery rate at which a test is among the rejected ones.
[[nodiscard]] std::vector<double> q_values(std::span<const double> p_values);

}  // namespace lightmeter::drift
