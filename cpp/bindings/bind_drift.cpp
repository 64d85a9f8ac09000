#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings.hpp"
#include "columns.hpp"
#include "drift/categories.hpp"
#include "drift/circular.hpp"
#include "drift/multiple.hpp"
#include "drift/numbers.hpp"
#include "drift/rates.hpp"
#include "drift/special.hpp"
#include "drift/two_means.hpp"
#include "profile/profile.hpp"

namespace {

namespace drift = lightmeter::drift;
using lightmeter::profile::Column;
using lightmeter::profile::Profile;
using lightmeter::sketch::FrequentStrings;
using lightmeter::sketch::QuantileSketch;

// A literal, as an argument of templates.
template <std::size_t kSize>
struct Literal {
  // NOLINTNEXTLINE(google-explicit-constructor): a literal shall convert
  consteval Literal(const char (&text)[kSize]) { std::copy_n(text, kSize, chars); }
  char chars[kSize];
};

// A key of dicts as Python has its names: made and hashed once, and found by its address.
template <Literal kText>
py::handle key() {
  static PyObject* const text = PyUnicode_InternFromString(kText.chars);
  return text;
}

py::tuple as_tuple(const drift::Interval& interval) {
  return py::make_tuple(interval.value, interval.low, interval.high);
}

py::dict as_dict(const drift::BinnedDistances& distances) {
  py::dict result;
  result[key<"hellinger">()] = distances.hellinger;
  result[key<"hellinger_debiased">()] = distances.hellinger_debiased;
  result[key<"js">()] = distances.jensen_shannon;
  result[key<"psi">()] = distances.psi;
  return result;
}

drift::Axis axis_of(bool circular) {
  return circular ? drift::Axis::kHueCircle : drift::Axis::kLine;
}

void check_samples(const QuantileSketch& target, const QuantileSketch& reference) {
  if (target.n() == 0 || reference.n() == 0) {
    throw std::invalid_argument("a sample is empty: got " + std::to_string(target.n()) + " and " +
                                std::to_string(reference.n()) + " numbers; expected at least 1");
  }
}

const QuantileSketch& numbers_of(const Profile& profile, const std::string& name) {
  static const QuantileSketch kNone;
  const auto* column = profile.find(name);
  return column == nullptr ? kNone : column->numbers();
}

// A column's own moments come with its distinct values, which take ten times as long.
lightmeter::sketch::Moments moments_of(const Column& column) {
  const QuantileSketch& numbers = column.numbers();
  return numbers.is_exact() ? drift::moments_of(numbers.view()) : column.number_facts().moments;
}

py::tuple level_of(const Profile& profile, const std::string& name) {
  const auto moments = moments_of(column_of(profile, name));
  return py::make_tuple(moments.mean(), moments.stddev());
}

py::dict compare_numbers(const QuantileSketch& target, const QuantileSketch& reference,
                         bool circular, bool tested, double delta) {
  check_samples(target, reference);
  const drift::NumberDrift result =
      drift::compare_numbers(target, reference, axis_of(circular), tested, delta);
  py::dict dict = as_dict(result.distances);
  dict["statistic"] = as_tuple(result.statistic);
  dict["ks_p_value"] = as_tuple(result.ks_p_value);
  dict["p_value"] = as_tuple(result.p_value);
  dict["tail_below"] = as_tuple(result.tails.below);
  dict["tail_above"] = as_tuple(result.tails.above);
  dict["hellinger_null"] = result.hellinger_null;
  dict["wasserstein"] = result.wasserstein;
  dict["reference_spread"] = result.reference_spread;
  return dict;
}

// The logarithm of the ratio of the standard deviations; None where one of them is 0.
std::optional<double> spread_of(double wide, double other) {
  if (std::min(wide, other) <= 0.0 || !std::isfinite(wide / other)) return std::nullopt;
  return std::log(wide) - std::log(other);
}

// Wasserstein distance in spreads of the reference, signed as the mean changed.
std::optional<double> in_spreads(double wasserstein, double spread, double change) {
  if (wasserstein == 0.0) return 0.0;
  if (!(spread > 0.0) || std::isinf(spread)) return std::nullopt;
  return std::copysign(wasserstein / spread, change);
}

// Fields of a line by the names of FeatureDrift, and what a verdict is made of.
py::tuple compare_numbers_of(const Profile& target, const Profile& reference,
                             const std::string& name, bool circular, bool tested, double delta) {
  constexpr double kHueSteps = 255.0;  // around the circle
  const Column& left = column_of(target, name);
  const Column& right = column_of(reference, name);
  const QuantileSketch& a = left.numbers();
  const QuantileSketch& b = right.numbers();
  check_samples(a, b);
  const drift::NumberDrift result = drift::compare_numbers(a, b, axis_of(circular), tested, delta);
  py::dict fields = as_dict(result.distances);
  py::dict sizes;
  fields[key<"ks">()] = result.statistic.value;
  sizes[key<"shift">()] = as_tuple(result.statistic);
  fields[key<"wasserstein">()] = result.wasserstein;
  if (tested) {
    fields[key<"ks_p_value">()] = result.ks_p_value.value;
    fields[key<"hellinger_null">()] = result.hellinger_null;
  }
  double level = 0.0;
  double other = 0.0;
  if (circular) {
    level = drift::circular_moments(a.view()).mean;
    other = drift::circular_moments(b.view()).mean;
  } else {
    const auto moments = moments_of(left);
    const auto others = moments_of(right);
    level = moments.mean();
    other = others.mean();
    fields[key<"stddev_target">()] = moments.stddev();
    fields[key<"stddev_reference">()] = others.stddev();
    const auto spread = spread_of(moments.stddev(), others.stddev());
    fields[key<"spread">()] = spread;
    if (spread) {  // of moments, which are exact in samples too
      const double size = std::abs(*spread);
      sizes[key<"spread">()] = as_tuple({size, size, size});
    }
    const auto& [below, above] = result.tails;
    fields[key<"tail_below">()] = below.value;
    fields[key<"tail_above">()] = above.value;
    const drift::Interval both{std::min(1.0, below.value + above.value),
                               std::min(1.0, below.low + above.low),
                               std::min(1.0, below.high + above.high)};
    fields[key<"tail">()] = both.value;
    sizes[key<"tail">()] = as_tuple(both);
  }
  fields[key<"level_target">()] = level;
  fields[key<"level_reference">()] = other;
  const double change = circular ? std::remainder(level - other, kHueSteps) : level - other;
  fields[key<"wasserstein_in_sd">()] =
      in_spreads(result.wasserstein, result.reference_spread, change);
  const bool one_value = a.min() == a.max() && a.max() == b.min() && b.min() == b.max();
  return py::make_tuple(fields, sizes, as_tuple(result.p_value), one_value);
}

py::dict compare_categories(const FrequentStrings& target, std::uint64_t target_others,
                            const FrequentStrings& reference, std::uint64_t reference_others,
                            bool tested) {
  const drift::Categories left{target, target_others};
  const drift::Categories right{reference, reference_others};
  if (left.n() == 0 || right.n() == 0) {
    throw std::invalid_argument("a sample is empty: got " + std::to_string(left.n()) + " and " +
                                std::to_string(right.n()) + " categories; expected at least 1");
  }
  const drift::CategoryDrift result = drift::compare_categories(left, right, tested);
  py::dict dict = as_dict(result.distances);
  dict["statistic"] = as_tuple(result.total_variation);
  dict["p_value"] = as_tuple(result.p_value);
  return dict;
}

py::tuple two_means(const lightmeter::sketch::Covariance& target,
                    const lightmeter::sketch::Covariance& reference) {
  if (target.dimensions() != reference.dimensions() || target.n() == 0 || reference.n() == 0) {
    throw std::invalid_argument("got samples that are empty, or of unlike dimensions");
  }
  const drift::TwoMeans means = drift::two_means(target, reference);
  const auto size = static_cast<py::ssize_t>(means.places.size());
  return py::make_tuple(means.places, py::array_t<double>(size, means.apart.data()),
                        py::array_t<double>({size, size}, means.correlations.data()));
}

double f_tail(double f, std::uint64_t dof, std::uint64_t of_noise) {
  if (dof == 0 || of_noise == 0) {
    throw std::invalid_argument("got no degrees of freedom; expected at least 1");
  }
  return drift::f_tail(f, dof, of_noise);
}

double student_quantile(double tail, std::uint64_t dof) {
  if (!(tail > 0.0 && tail <= 1.0) || dof == 0) {
    throw std::invalid_argument("a tail of " + std::to_string(tail) + " with " +
                                std::to_string(dof) +
                                " degrees of freedom; expected 0 < tail <= 1 and at least 1");
  }
  return drift::student_quantile(tail, dof);
}

}  // namespace

void bind_drift(py::module_& module) {
  module.def("two_means", &two_means, py::arg("target"), py::arg("reference"),
             "(places of the numbers that vary, how far the means are apart in roots of the sum of "
             "squares of all, correlations of all) of two samples of rows.");
  module.def("f_tail", &f_tail, py::arg("f"), py::arg("dof"), py::arg("of_noise"),
             "P(X > f) of Fisher's F distribution.");
  module.def("numbers_of", &numbers_of, py::arg("profile"), py::arg("name"),
             py::return_value_policy::reference, py::keep_alive<0, 1>(),
             "The sketch of a feature's numbers, not a copy: to be read, while nobody adds to the "
             "profile. Empty where there is no such feature.");
  module.def("level_of", &level_of, py::arg("profile"), py::arg("name"),
             "(mean, sample standard deviation) of a feature's numbers.");
  module.def("compare_numbers", &compare_numbers, py::arg("target"), py::arg("reference"),
             py::arg("circular") = false, py::arg("tested") = true, py::arg("delta") = 0.01,
             "Distances and test of two samples; statistic and p_value as (value, low, high).");
  module.def("compare_numbers_of", &compare_numbers_of, py::arg("target"), py::arg("reference"),
             py::arg("name"), py::arg("circular"), py::arg("tested"), py::arg("delta"),
             "The same of a feature that both profiles have: (fields by the names of FeatureDrift; "
             "the sizes that a verdict may rest on, by name, and the p-value, each as (value, low, "
             "high); whether both have one value only).");
  module.def("compare_categories", &compare_categories, py::arg("target"), py::arg("target_others"),
             py::arg("reference"), py::arg("reference_others"), py::arg("tested") = true,
             "The same for categories; `others` are observations that make one category more.");
  module.def("fisher_exact", &drift::fisher_exact, py::arg("target_hits"), py::arg("n_target"),
             py::arg("reference_hits"), py::arg("n_reference"),
             "Two-sided p-value of Fisher's exact test of two shares.");
  module.def("fisher_more", &drift::fisher_more, py::arg("target_hits"), py::arg("n_target"),
             py::arg("reference_hits"), py::arg("n_reference"),
             "One-sided: how likely the target has so many hits or more.");
  module.def("student_tail", py::vectorize(&drift::student_tail), py::arg("t"), py::arg("dof"),
             "P(|T| > t) of Student's distribution, element by element; dof at least 1.");
  module.def("student_quantile", &student_quantile, py::arg("tail"), py::arg("dof"),
             "What |T| of Student's distribution exceeds with probability `tail`.");
  module.def(
      "q_values", [](const std::vector<double>& p_values) { return drift::q_values(p_values); },
      py::arg("p_values"), "Benjamini and Hochberg's q-values, in the same order.");
  module.def(
      "circular_mean",
      [](const QuantileSketch& hues) { return drift::circular_moments(hues.view()).mean; },
      py::arg("hues"), "Direction of hues on the circle of 255 steps; NaN where there is none.");
  module.def(
      "circular_stddev",
      [](const QuantileSketch& hues) { return drift::circular_moments(hues.view()).stddev; },
      py::arg("hues"), "Circular standard deviation of hues in steps; infinite without direction.");
}
