#include <cmath>

#include "bindings.hpp"
#include "columns.hpp"
#include "drift/categories.hpp"
#include "drift/circular.hpp"
#include "drift/numbers.hpp"
#include "drift/rates.hpp"
#include "drift/special.hpp"
#include "profile/profile.hpp"

namespace {

namespace drift = lightmeter::drift;
using lightmeter::profile::Column;
using lightmeter::profile::Profile;
using lightmeter::sketch::FrequentStrings;
using lightmeter::sketch::QuantileSketch;

py::tuple as_tuple(const drift::Interval& interval) {
  return py::make_tuple(interval.value, interval.low, interval.high);
}

py::dict as_dict(const drift::BinnedDistances& distances) {
  py::dict result;
  result["hellinger"] = distances.hellinger;
  result["hellinger_debiased"] = distances.hellinger_debiased;
  result["js"] = distances.jensen_shannon;
  result["psi"] = distances.psi;
  return result;
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

py::tuple level_of(const Profile& profile, const std::string& name) {
  const auto moments = column_of(profile, name).moments();
  return py::make_tuple(moments.mean(), moments.stddev());
}

drift::Numbers numbers_in(const Column& column) { return {column.numbers(), column.moments()}; }

// Fields of a line by the names of FeatureDrift, and what a verdict is made of.
py::tuple compare_numbers(const Profile& target, const Profile& reference, const std::string& name,
                          bool circular, bool tested, double delta) {
  const drift::Numbers left = numbers_in(column_of(target, name));
  const drift::Numbers right = numbers_in(column_of(reference, name));
  check_samples(left.sketch, right.sketch);
  const drift::Axis axis = circular ? drift::Axis::kHueCircle : drift::Axis::kLine;
  const drift::NumberLine line = drift::line_of(left, right, axis, tested, delta);
  const drift::NumberDrift& result = line.drift;
  py::dict fields = as_dict(result.distances);
  py::dict sizes;
  fields["ks"] = result.statistic.value;
  sizes["shift"] = as_tuple(result.statistic);
  if (tested) fields["ks_p_value"] = result.ks_p_value.value;
  fields["wasserstein"] = result.wasserstein;
  fields["wasserstein_in_sd"] = line.wasserstein_in_spreads;
  fields["level_target"] = line.target.mean;
  fields["level_reference"] = line.reference.mean;
  if (!circular) {
    fields["stddev_target"] = line.target.stddev;
    fields["stddev_reference"] = line.reference.stddev;
    fields["spread"] = line.spread;
    if (line.spread) {  // of moments, which are exact in samples too
      const double size = std::abs(*line.spread);
      sizes["spread"] = as_tuple({size, size, size});
    }
    fields["tail_below"] = result.tails.below.value;
    fields["tail_above"] = result.tails.above.value;
    fields["tail"] = result.tails.both().value;
    sizes["tail"] = as_tuple(result.tails.both());
  }
  return py::make_tuple(fields, sizes, as_tuple(result.p_value), line.one_value);
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
  module.def("f_tail", &f_tail, py::arg("f"), py::arg("dof"), py::arg("of_noise"),
             "P(X > f) of Fisher's F distribution.");
  module.def("numbers_of", &numbers_of, py::arg("profile"), py::arg("name"),
             py::return_value_policy::reference, py::keep_alive<0, 1>(),
             "The sketch of a feature's numbers, not a copy: to be read, while nobody adds to the "
             "profile. Empty where there is no such feature.");
  module.def("level_of", &level_of, py::arg("profile"), py::arg("name"),
             "(mean, sample standard deviation) of a feature's numbers.");
  module.def("compare_numbers", &compare_numbers, py::arg("target"), py::arg("reference"),
             py::arg("name"), py::arg("circular"), py::arg("tested"), py::arg("delta"),
             "Distances and test of a feature that both profiles have: (fields by the names of "
             "FeatureDrift; the sizes that a verdict may rest on, by name, and the p-value, each "
             "as (value, low, high); whether both have one value only).");
  module.def(
      "compare_categories", &compare_categories, py::arg("target"), py::arg("target_others"),
      py::arg("reference"), py::arg("reference_others"), py::arg("tested") = true,
      "Distances and test of categories; `others` are observations that make one category more.");
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
      "circular_mean",
      [](const QuantileSketch& hues) { return drift::circular_moments(hues.view()).mean; },
      py::arg("hues"), "Direction of hues on the circle of 255 steps; NaN where there is none.");
  module.def(
      "circular_stddev",
      [](const QuantileSketch& hues) { return drift::circular_moments(hues.view()).stddev; },
      py::arg("hues"), "Circular standard deviation of hues in steps; infinite without direction.");
}
