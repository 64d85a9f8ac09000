#include <array>

#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "columns.hpp"
#include "profile/profile.hpp"
#include "profile/repeats.hpp"

namespace {

using lightmeter::profile::Column;
using lightmeter::profile::NumberFacts;
using lightmeter::profile::Profile;
using lightmeter::sketch::FrequentStrings;

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
py::list frequent_of(const Column& column, const NumberFacts& facts) {
  py::list items;
  for (const auto& [value, lower, estimate] : facts.frequent_beside(column.frequent_strings())) {
    items.append(tuple_of({value, estimate, estimate, lower}));
  }
  return items;
}

// The statistics of a feature by whylogs' names.
py::dict summary(const Profile& profile, const std::string& name) {
  const Column* column = &column_of(profile, name);
  const auto& numbers = column->numbers();
  const std::uint64_t missing = profile.missing(name);
  py::dict summary;
  const auto* const vectors = profile.vectors(name);
  summary["counts/n"] =
      missing + column->values() + (vectors == nullptr ? 0 : vectors->observations());
  summary["counts/null"] = missing;
  summary["counts/nan"] = numbers.nan();
  summary["counts/inf"] = numbers.pos_inf() + numbers.neg_inf();
  summary["types/integral"] = column->integral();
  summary["types/fractional"] = column->fractional();
  summary["types/string"] = column->strings();

  const NumberFacts facts = column->number_facts();
  const auto& texts = column->distinct_strings();
  summary["cardinality/est"] = facts.distinct.estimate() + texts.estimate();
  summary["cardinality/lower_1"] = facts.distinct.lower() + texts.lower();
  summary["cardinality/upper_1"] = facts.distinct.upper() + texts.upper();

  if (column->values() > column->strings()) add_distribution(summary, *column, facts.moments);
  const bool is_hash = column->meaning().role == lightmeter::Role::kHash;
  if (!is_hash && (column->strings() > 0 || column->integral() > 0)) {
    summary["frequent_items/frequent_strings"] = frequent_of(*column, facts);
  }
  return summary;
}

// How many hashes of a feature are repeats, at least; (hash, times, path) of those that were seen
// again.
py::tuple repeats(const Profile& profile, const std::string& name) {
  const auto repeats = lightmeter::profile::repeats_of(column_of(profile, name));
  py::list hashes;
  for (const auto& [hash, times, path] : repeats.hashes) {
    hashes.append(tuple_of({hash, times, path}));
  }
  return tuple_of({repeats.at_least, hashes});
}

// How many observations of a feature are missing, integers, fractions, strings, vectors; of the
// integers the bools, and of the fractions the dates.
py::tuple counts(const Profile& profile, const std::string& name) {
  const Column& column = column_of(profile, name);
  const auto* const vectors = profile.vectors(name);
  return tuple_of({profile.missing(name), column.integral(), column.fractional(), column.strings(),
                   vectors == nullptr ? 0 : vectors->observations(), column.bools(),
                   column.dates()});
}

// What comparisons ask of every column: (role, origin, observations without a value, these and NaN,
// strings, finite numbers, strings and numbers) by name, in alphabetical order.
py::dict tallies(const Profile& profile) {
  py::dict result;
  for (const auto& [name, column] : profile.columns()) {
    const auto& numbers = column.numbers();
    const auto& [role, origin] = column.meaning();
    const std::uint64_t unset = profile.missing(name);
    const std::uint64_t strings = column.strings();
    const std::uint64_t infinite = numbers.pos_inf() + numbers.neg_inf();
    result[py::str(name)] =
        tuple_of({text_of(kRoleNames, role), text_of(kOriginNames, origin), unset,
                  unset + numbers.nan(), strings, numbers.n(), strings + numbers.n() + infinite});
  }
  return result;
}

// (role, origin) of the values of a feature.
py::tuple meaning(const Profile& profile, const std::string& name) {
  const auto& [role, origin] = column_of(profile, name).meaning();
  return tuple_of({text_of(kRoleNames, role), text_of(kOriginNames, origin)});
}

// A copy of the sketch of a feature's strings.
FrequentStrings strings(const Profile& profile, const std::string& name) {
  return column_of(profile, name).frequent_strings();
}

// How many different numbers and strings there are, about.
double distinct(const Profile& profile, const std::string& name) {
  const Column& column = column_of(profile, name);
  return column.number_facts().distinct.estimate() + column.distinct_strings().estimate();
}

py::list frequent(const Profile& profile, const std::string& name) {
  const Column& column = column_of(profile, name);
  return frequent_of(column, column.number_facts());
}

}  // namespace

void bind_column(BoundProfile& profile) {
  profile.def("tallies", &tallies)
      .def("meaning", &meaning)
      .def("counts", &counts)
      .def("strings", &strings)
      .def("distinct", &distinct)
      .def("frequent", &frequent)
      .def("repeats", &repeats)
      .def("summary", &summary);
}
