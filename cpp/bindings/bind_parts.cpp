#include "bindings.hpp"
#include "sketch/distinct.hpp"
#include "sketch/frequent.hpp"
#include "sketch/moments.hpp"

namespace {

using lightmeter::sketch::DistinctCount;
using lightmeter::sketch::FrequentIntegers;
using lightmeter::sketch::FrequentStrings;
using lightmeter::sketch::Moments;

// No value that is not listed occurred more than `floor` times of `n`. An entry is (value, upper bound
// of its count, how much that is too high at most), rising. DecodeError for a state that no sketch
// has.
template <class Items, class Key>
Items items_from(std::uint64_t n, std::uint64_t floor,
                 const std::vector<std::tuple<Key, std::uint64_t, std::uint64_t>>& entries) {
  typename Items::State state{n, floor, {}};
  for (const auto& [value, upper, error] : entries) {
    state.entries.push_back({value, upper - error, upper});
  }
  return Items::from_state(state);
}

// What a sketch of another kind counted, with its bounds at one standard error. It can be merged, but
// not told apart from what others counted.
DistinctCount estimated(double lower, double estimate, double upper) {
  return DistinctCount::estimated({lower, estimate, upper});
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
  py::class_<Moments>(module, "Moments", "Count, mean and spread of a stream of finite numbers.")
      .def(py::init())
      .def("update", py::overload_cast<double, std::uint64_t>(&Moments::update))
      .def_static("from_state", &Moments::from_state);
  py::class_<DistinctCount>(module, "DistinctCount", "How many different values a stream holds.")
      .def(py::init())
      .def_static("estimated", &estimated);
  py::class_<FrequentIntegers>(module, "FrequentIntegers")
      .def(py::init())
      .def_static("from_state", &items_from<FrequentIntegers, std::int64_t>);
  py::class_<FrequentStrings>(module, "FrequentStrings",
                              "The most frequent texts of a stream, with bounds; exact while they "
                              "fit.")
      .def(py::init())
      .def_static("from_state", &items_from<FrequentStrings, std::string>)
      .def("update", py::overload_cast<const std::string&, std::uint64_t>(&FrequentStrings::update))
      .def_property_readonly("n", &FrequentStrings::n)
      .def_property_readonly("floor", &FrequentStrings::floor)
      .def_property_readonly("is_exact", &FrequentStrings::is_exact)
      .def("items", &items);
}
