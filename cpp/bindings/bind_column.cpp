#include <array>

#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "columns.hpp"
#include "profile/profile.hpp"
#include "profile/repeats.hpp"
#include "profile/summary.hpp"

namespace {

using lightmeter::profile::Column;
using lightmeter::profile::Profile;
using lightmeter::profile::Summary;
using lightmeter::profile::summary_of;

void add_distribution(py::dict& summary, const Column& column,
                      const lightmeter::sketch::Moments& moments) {
  static constexpr std::array<std::pair<const char*, double>, 9> kQuantiles{{
      {"distribution/q_01", 0.01},
      {"distribution/q_05", 0.05},
      {"distribution/q_10", 0.10},
      {"distribution/q_25", 0.25},
      {"distribution/median", 0.50},
      {"distribution/q_75", 0.75},
      {"distribution/q_90", 0.90},
      {"distribution/q_95", 0.95},
      {"distribution/q_99", 0.99},
  }};
  const auto& numbers = column.numbers();
  summary["distribution/n"] = numbers.n();
  summary["distribution/mean"] = moments.mean();
  summary["distribution/stddev"] = moments.stddev();
  summary["distribution/min"] = numbers.min();
  summary["distribution/max"] = numbers.max();
  for (const auto& [key, q] : kQuantiles) summary[key] = numbers.quantile(q);
  if (column.fractional() == 0 && numbers.n() > 0) {
    summary["ints/min"] = lightmeter::profile::to_integer(numbers.min());
    summary["ints/max"] = lightmeter::profile::to_integer(numbers.max());
  }
}

// (value, estimate, upper, lower), as whylogs has them.
py::list frequent_of(const Summary& summary) {
  py::list items;
  for (const auto& [value, lower, estimate] : summary.frequent) {
    items.append(py::make_tuple(value, estimate, estimate, lower));
  }
  return items;
}

py::dict summary(const Profile& profile, const std::string& name) {
  const Column* column = &column_of(profile, name);
  const auto& numbers = column->numbers();
  const std::uint64_t missing = profile.missing(name);
  py::dict summary;
  summary["counts/n"] = missing + profile.values(name);
  summary["counts/null"] = missing;
  summary["counts/nan"] = numbers.nan();
  summary["counts/inf"] = numbers.pos_inf() + numbers.neg_inf();
  summary["types/integral"] = column->integral();
  summary["types/fractional"] = column->fractional();
  summary["types/string"] = column->strings();

  const Summary both = summary_of(*column);
  summary["cardinality/est"] = both.distinct;
  summary["cardinality/lower_1"] = both.distinct_lower;
  summary["cardinality/upper_1"] = both.distinct_upper;

  if (column->values() > column->strings()) add_distribution(summary, *column, both.moments);
  const bool is_hash = column->meaning().role == lightmeter::Role::kHash;
  if (!is_hash && (column->strings() > 0 || column->integral() > 0)) {
    summary["frequent_items/frequent_strings"] = frequent_of(both);
  }
  return summary;
}

py::tuple repeats(const Profile& profile, const std::string& name) {
  const auto repeats = lightmeter::profile::repeats_of(column_of(profile, name));
  py::list hashes;
  for (const auto& [hash, times, path] : repeats.hashes) {
    hashes.append(py::make_tuple(hash, times, path));
  }
  return py::make_tuple(repeats.at_least, hashes);
}

// What is asked of every column of a wide profile, so it builds no more than five integers.
py::tuple counts(const Profile& profile, const std::string& name) {
  const Column& column = column_of(profile, name);
  const auto* const vectors = profile.vectors(name);
  return py::make_tuple(profile.missing(name), column.integral(), column.fractional(),
                        column.strings(), vectors == nullptr ? 0 : vectors->n());
}

// What comparisons ask of every column. (role, origin, missing values, strings, finite numbers, NaN,
// infinite numbers) by name.
py::dict tallies(const Profile& profile) {
  py::dict result;
  for (const auto& [name, column] : profile.columns()) {
    const auto& numbers = column.numbers();
    const auto& [role, origin] = column.meaning();
    const std::uint64_t unset = profile.missing(name);
    const std::uint64_t strings = column.strings();
    const std::uint64_t infinite = numbers.pos_inf() + numbers.neg_inf();
    result[py::str(name)] = py::make_tuple(text_of(kRoleNames, role), text_of(kOriginNames, origin),
                                           unset, unset + numbers.nan(), strings, numbers.n(),
                                           strings + numbers.n() + infinite);
  }
  return result;
}

}  // namespace

void bind_column(py::class_<Profile>& profile) {
  profile
      .def(
          "numbers",
          [](const Profile& self, const std::string& name) {
            return column_of(self, name).numbers();
          },
          py::arg("name"), "A copy of the sketch of a feature's numbers.")
      .def("tallies", &tallies,
           "(role, origin, observations without a value, these and NaN, strings, finite numbers, "
           "strings and numbers) of every feature by name, in alphabetical order.")
      .def(
          "strings",
          [](const Profile& self, const std::string& name) {
            return column_of(self, name).frequent_strings();
          },
          py::arg("name"), "A copy of the sketch of a feature's strings.")
      .def(
          "role",
          [](const Profile& self, const std::string& name) {
            return name_of(column_of(self, name).meaning().role);
          },
          py::arg("name"), "What the values of a feature mean.")
      .def(
          "origin",
          [](const Profile& self, const std::string& name) {
            return name_of(column_of(self, name).meaning().origin);
          },
          py::arg("name"), "Where the values of a feature come from.")
      .def("counts", &counts, py::arg("name"),
           "How many observations of a feature are missing, integers, fractions, strings, vectors.")
      .def(
          "quantiles",
          [](const Profile& self, const std::string& name, const std::vector<double>& q) {
            return column_of(self, name).numbers().quantiles(q);
          },
          py::arg("name"), py::arg("q"), "Of a feature's numbers; NaN where there are none.")
      .def(
          "distinct",
          [](const Profile& self, const std::string& name) {
            return summary_of(column_of(self, name)).distinct;
          },
          py::arg("name"), "How many different numbers and strings there are, about.")
      .def(
          "frequent",
          [](const Profile& self, const std::string& name) {
            return frequent_of(summary_of(column_of(self, name)));
          },
          py::arg("name"), "(value, estimate, upper, lower) of strings and integers.")
      .def("repeats", &repeats, py::arg("name"),
           "How many hashes of a feature are repeats, at least; (hash, times, path) of those that "
           "were seen again.")
      .def("summary", &summary, py::arg("name"), "The statistics of a feature by whylogs' names.");
}
