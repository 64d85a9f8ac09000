#include <optional>
#include <tuple>

#include "bind_meaning.hpp"
#include "profile/profile.hpp"

namespace {

namespace sketch = lightmeter::sketch;
using lightmeter::Meaning;
using lightmeter::profile::Column;
using lightmeter::profile::NumberFacts;
using lightmeter::profile::Profile;
using sketch::FrequentStrings;

// (value, upper bound of its count, how much that is too high at most), rising.
template <class Value>
using Entries = std::vector<std::tuple<Value, std::uint64_t, std::uint64_t>>;

// Frequent values that were counted elsewhere. No value that is not listed occurred more than `floor`
// times of `n`. DecodeError for a state that no sketch has.
template <class Items, class Value>
Items items_of(std::uint64_t n, std::uint64_t floor, const Entries<Value>& entries) {
  typename Items::State state{n, floor, {}};
  for (const auto& [value, upper, error] : entries) {
    state.entries.push_back({value, upper - error, upper});
  }
  return Items::from_state(state);
}

// (lower, estimate, upper) of a count of different values, at one standard error.
using Bounds = std::tuple<double, double, double>;

sketch::DistinctCount distinct_of(const Bounds& bounds) {
  const auto [lower, estimate, upper] = bounds;
  return sketch::DistinctCount::estimated({lower, estimate, upper});
}

// Adds to a feature what was counted elsewhere. `integral` of the numbers are integers. (mean, sum of
// squared distances from it, different numbers, floor and entries of frequent integers) are asked for
// of a sampled sketch of numbers, and `distinct_strings` where strings are not all listed.
void add_column(
    Profile& profile, const std::string& name, std::uint64_t missing, std::uint64_t integral,
    const sketch::QuantileSketch& numbers,
    const std::optional<std::tuple<double, double, Bounds, std::uint64_t, Entries<std::int64_t>>>&
        facts,
    const sketch::FrequentStrings& strings, const std::optional<Bounds>& distinct_strings,
    const std::string& role, const std::string& origin) {
  const Meaning meaning = meaning_of(role, origin);
  Column::Numbers of_numbers;
  of_numbers.integral = integral;
  of_numbers.sketch = numbers;
  if (facts) {
    const auto& [mean, squares, distinct, floor, integers] = *facts;
    of_numbers.facts.make(NumberFacts{
        sketch::Moments::from_state(numbers.n(), mean, squares), distinct_of(distinct),
        items_of<sketch::FrequentIntegers>(integers.empty() ? 0 : numbers.n(), floor, integers)});
  }
  Column::Strings of_strings{strings, {}, {}};
  if (distinct_strings) of_strings.distinct = distinct_of(*distinct_strings);
  profile.column(name, meaning)
      .merge(
          Column::of_parts(name, meaning, missing, std::move(of_numbers), std::move(of_strings)));
}

// (value, lower bound, upper bound) of its count, most frequent first.
py::list items(const FrequentStrings& strings) {
  py::list result;
  for (const auto& item : strings.items()) {
    result.append(tuple_of({item.value, item.lower, item.estimate}));
  }
  return result;
}

}  // namespace

void bind_parts(py::module_& module) {
  py::class_<FrequentStrings>(module, "FrequentStrings",
                              "The most frequent texts of a stream, with bounds; exact while they "
                              "fit.")
      .def(py::init())
      .def_static("from_state", &items_of<FrequentStrings, std::string>)
      .def("update", py::overload_cast<const std::string&, std::uint64_t>(&FrequentStrings::update))
      .def_property_readonly("n", &FrequentStrings::n)
      .def_property_readonly("floor", &FrequentStrings::floor)
      .def_property_readonly("is_exact", &FrequentStrings::is_exact)
      .def("items", &items);
  module.def("add_column", &add_column);
}
