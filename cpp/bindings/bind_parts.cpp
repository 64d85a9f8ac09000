#include "bindings.hpp"
#include "sketch/distinct.hpp"
#include "sketch/frequent.hpp"
#include "sketch/moments.hpp"

namespace {

using lightmeter::sketch::DistinctCount;
using lightmeter::sketch::FrequentIntegers;
using lightmeter::sketch::FrequentStrings;
using lightmeter::sketch::Moments;

template <class Items, class Key>
Items items_from(std::uint64_t n, std::uint64_t floor,
                 const std::vector<std::tuple<Key, std::uint64_t, std::uint64_t>>& entries) {
  typename Items::State state{n, floor, {}};
  for (const auto& [value, upper, error] : entries) state.entries.push_back({value, upper, error});
  return Items::from_state(state);
}

constexpr const char* kState =
    "No value that is not listed occurred more than `floor` times of `n`. An entry is (value, "
    "upper "
    "bound of its count, how much that is too high at most), rising. DecodeError for a state that "
    "no sketch has.";

}  // namespace

void bind_parts(py::module_& module) {
  py::class_<Moments>(module, "Moments", "Count, mean and spread of a stream of finite numbers.")
      .def(py::init())
      .def(
          "update",
          [](Moments& self, double value, std::uint64_t count) { self.update(value, count); },
          py::arg("value"), py::arg("count") = 1)
      .def_static("from_state", &Moments::from_state, py::arg("n"), py::arg("mean"),
                  py::arg("sum_of_squares"),
                  "From the sum of the squared distances from the mean. DecodeError for numbers "
                  "that no stream has.");
  py::class_<DistinctCount>(module, "DistinctCount", "How many different values a stream holds.")
      .def(py::init())
      .def_static(
          "estimated",
          [](double lower, double estimate, double upper) {
            return DistinctCount::estimated({lower, estimate, upper});
          },
          py::arg("lower"), py::arg("estimate"), py::arg("upper"),
          "What a sketch of another kind counted, with its bounds at one standard error. It can be "
          "merged, but not told apart from what others counted.");
  py::class_<FrequentIntegers>(module, "FrequentIntegers")
      .def(py::init())
      .def_static("from_state", &items_from<FrequentIntegers, std::int64_t>, py::arg("n"),
                  py::arg("floor"), py::arg("entries"), kState);
  py::class_<FrequentStrings>(module, "FrequentStrings",
                              "The most frequent texts of a stream, with bounds; exact while they "
                              "fit.")
      .def(py::init())
      .def_static("from_state", &items_from<FrequentStrings, std::string>, py::arg("n"),
                  py::arg("floor"), py::arg("entries"), kState)
      .def(
          "update",
          [](FrequentStrings& self, const std::string& value, std::uint64_t count) {
            self.update(value, count);
          },
          py::arg("value"), py::arg("count") = 1)
      .def_property_readonly("n", &FrequentStrings::n)
      .def_property_readonly("floor", &FrequentStrings::floor,
                             "No text that is not listed occurred more often.")
      .def_property_readonly("is_exact", &FrequentStrings::is_exact)
      .def(
          "items",
          [](const FrequentStrings& self) {
            py::list items;
            for (const auto& item : self.items()) {
              items.append(py::make_tuple(item.value, item.lower, item.estimate));
            }
            return items;
          },
          "(value, lower bound, upper bound) of its count, most frequent first.");
}
