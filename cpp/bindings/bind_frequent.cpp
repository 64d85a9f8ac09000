#include "lightmeter/sketch/frequent.hpp"

#include "sketches.hpp"

using lightmeter::sketch::FrequentItems;

namespace {

template <class Key>
void bind(py::module_& module, const char* name) {
  using Items = FrequentItems<Key>;
  using Entry = std::tuple<Key, std::uint64_t, std::uint64_t>;
  bind_keyless<Items>(module, name,
                      "The most frequent values of a stream, with bounds; exact while they fit.")
      .def(py::init())
      .def(
          "update",
          [](Items& self, const Key& value, std::uint64_t count) { self.update(value, count); },
          py::arg("value"), py::arg("count") = 1)
      .def_property_readonly("n", &Items::n)
      .def_property_readonly("is_exact", &Items::is_exact)
      .def(
          "items",
          [](const Items& self) {
            py::list items;
            for (const auto& item : self.items()) {
              items.append(py::make_tuple(item.value, item.lower, item.estimate));
            }
            return items;
          },
          "(value, lower bound, upper bound) of its count, most frequent first.")
      .def(
          "state",
          [](const Items& self) {
            const auto state = self.state();
            py::list entries;
            for (const auto& [value, upper, error] : state.entries) {
              entries.append(py::make_tuple(value, upper, error));
            }
            return py::make_tuple(state.n, state.floor, entries);
          },
          "(n, floor, entries): no value that is not listed occurred more than `floor` times; an\n"
          "entry is (value, upper bound of its count, how much that is too high at most), rising.")
      .def_static(
          "from_state",
          [](const std::tuple<std::uint64_t, std::uint64_t, std::vector<Entry>>& state) {
            typename Items::State plain{std::get<0>(state), std::get<1>(state), {}};
            for (const auto& [value, upper, error] : std::get<2>(state)) {
              plain.entries.push_back({value, upper, error});
            }
            return Items::from_state(plain);
          },
          py::arg("state"), "One of that state; DecodeError for one that no sketch has.");
}

}  // namespace

void bind_frequent(py::module_& module) {
  bind<std::string>(module, "FrequentStrings");
  bind<std::int64_t>(module, "FrequentIntegers");
}
