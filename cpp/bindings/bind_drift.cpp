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
  return tuple_of({interval.value, interval.low, interval.high});
}

py::dict as_dict(const drift::BinnedDistances& distances) {
  py::dict result;
  result["hellinger"] = distances.hellinger;
  result["hellinger_debiased"] = distances.hellinger_debiased;
  result["js"] = distances.jensen_shannon;
  result["psi"] = distances.psi;
  return result;
}

// The sketch of a feature's numbers, not a copy: to be read, while nobody adds to the profile. Empty
// where there is no such feature.
const QuantileSketch& numbers_of(const Profile& profile, const std::string& name) {
  static const QuantileSketch kNone;
  const auto* column = profile.find(name);
  return column == nullptr ? kNone : column->numbers();
}

// (mean, sample standard deviation) of a feature's numbers.
py::tuple level_of(const Profile& profile, const std::string& name) {
  const auto moments = column_of(profile, name).moments();
  return tuple_of({moments.mean(), moments.stddev()});
}

drift::Numbers numbers_in(const Column& column) { return {column.numbers(), column.moments()}; }

// Distances and test of a feature of which both profiles have numbers: (fields by the names of
// FeatureDrift; the sizes that a verdict may rest on, by name, and the p-value, each as (value, low,
// high); whether both have one value only).
py::tuple compare_numbers(const Profile& target, const Profile& reference, const std::string& name,
                          bool circular, bool tested, double delta) {
  const drift::Numbers left = numbers_in(column_of(target, name));
  const drift::Numbers right = numbers_in(column_of(reference, name));
  const drift::Axis axis = circular ? drift::Axis::kHueCircle : drift::Axis::kLine;
  const drift::NumberDrift result = drift::compare_numbers(left, right, axis, tested, delta);
  py::dict fields = as_dict(result.distances);
  py::dict sizes;
  fields["ks"] = result.statistic.value;
  sizes["shift"] = as_tuple(result.statistic);
  if (tested) fields["ks_p_value"] = result.ks_p_value.value;
  fields["wasserstein"] = result.wasserstein;
  fields["wasserstein_in_sd"] = result.wasserstein_in_spreads;
  fields["level_target"] = result.target.mean;
  fields["level_reference"] = result.reference.mean;
  if (!circular) {
    fields["stddev_target"] = result.target.stddev;
    fields["stddev_reference"] = result.reference.stddev;
    fields["spread"] = result.spread;
    if (result.spread) {  // of moments, which are exact in samples too
      const double size = std::abs(*result.spread);
      sizes["spread"] = as_tuple({size, size, size});
    }
    fields["tail_below"] = result.tails.below.value;
    fields["tail_above"] = result.tails.above.value;
    fields["tail"] = result.tails.both().value;
    sizes["tail"] = as_tuple(result.tails.both());
  }
  return tuple_of({fields, sizes, as_tuple(result.p_value), result.one_value});
}

// Distances and test of categories, at least one on each side; `others` are observations that make one category more.
py::dict compare_categories(const FrequentStrings& target, std::uint64_t target_others,
                            const FrequentStrings& reference, std::uint64_t reference_others,
                            bool tested) {
  const drift::Categories left{target, target_others};
  const drift::Categories right{reference, reference_others};
  const drift::CategoryDrift result = drift::compare_categories(left, right, tested);
  py::dict dict = as_dict(result.distances);
  dict["statistic"] = as_tuple(result.total_variation);
  dict["p_value"] = as_tuple(result.p_value);
  return dict;
}

// What |T| of Student's distribution exceeds with probability `tail`.
double student_quantile(double tail, std::uint64_t dof) {
  if (!(tail > 0.0 && tail <= 1.0) || dof == 0) {
    throw std::invalid_argument("a tail of " + std::to_string(tail) + " with " +
                                std::to_string(dof) +
                                " degrees of freedom; expected 0 < tail <= 1 and at least 1");
  }
  return drift::student_quantile(tail, dof);
}

// (direction of hues on the circle of 255 steps, circular standard deviation in steps): NaN and
// infinite without direction.
py::tuple circular_level(const QuantileSketch& hues) {
  const drift::Level level = drift::circular_level(hues.view());
  return tuple_of({level.mean, level.stddev});
}

}  // namespace

void bind_drift(py::module_& module) {
  module.def("f_tail", &drift::f_tail);  // degrees of freedom at least 1
  module.def("numbers_of", &numbers_of, py::return_value_policy::reference_internal);
  module.def("level_of", &level_of);
  module.def("circular_level", &circular_level);
  module.def("compare_numbers", &compare_numbers);
  module.def("compare_categories", &compare_categories);
  module.def("fisher_exact", &drift::fisher_exact);
  module.def("fisher_more", &drift::fisher_more);
  module.def("student_tail", py::vectorize(drift::student_tail));  // dof at least 1
  module.def("student_quantile", &student_quantile);
}
