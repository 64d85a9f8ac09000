#include <cmath>

#include "bind_meaning.hpp"
#include "bindings.hpp"
#include "profile/profile.hpp"
#include "texts.hpp"

namespace {

using lightmeter::Meaning;
using lightmeter::Origin;
using lightmeter::Role;
using lightmeter::profile::Column;
using lightmeter::profile::ExifPolicy;
using lightmeter::profile::NumberFacts;
using lightmeter::profile::Profile;
using lightmeter::sketch::DistinctCount;
using lightmeter::sketch::FrequentIntegers;
using lightmeter::sketch::FrequentStrings;
using lightmeter::sketch::Moments;
using lightmeter::sketch::QuantileSketch;

// Whether update() takes it.
bool is_plain(const py::handle& value) {
  if (PyFloat_Check(value.ptr()) || value.is_none()) return true;
  if (PyLong_CheckExact(value.ptr())) {
    int overflow = 0;
    (void)PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    return overflow == 0;
  }
  return PyUnicode_CheckExact(value.ptr()) && is_text(value);
}

// An int of 64 bits, a float or a str.
void update(Column& column, const py::handle& value) {
  if (PyFloat_Check(value.ptr())) {
    column.update(PyFloat_AS_DOUBLE(value.ptr()));
  } else if (PyLong_Check(value.ptr())) {
    column.update(py::cast<std::int64_t>(value));
  } else {
    column.update(text_of(value));
  }
}

using Names = std::set<std::string, std::less<>>;

void log_exif(Profile& profile, const std::string& prefix, const py::dict& tags,
              const std::vector<std::string>& allow, const std::vector<std::string>& deny,
              const py::object& dates) {
  ExifPolicy policy{Names(allow.begin(), allow.end()), Names(deny.begin(), deny.end())};
  for (const auto& [key, value] : tags) {
    const auto tag = py::cast<std::string>(key);
    const bool is_date = PySequence_Contains(dates.ptr(), key.ptr()) == 1;
    const Meaning meaning{is_date ? Role::kDate : Role::kPlain,
                          policy.allow.contains(tag) ? Origin::kPersonalExif : Origin::kExif};
    update(profile.column(prefix + "." + tag, meaning), value);
  }
  profile.count_exif_read(prefix, std::move(policy));
}

// The way of a metric logged with every image, so nothing here makes a Python object. `start` is what
// the names of features begin with.
bool log_row(Profile& profile, const py::dict& row, const Meaning& meaning,
             const std::string& start = {}) {
  PyObject* name = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(row.ptr(), &at, &name, &value) != 0;) {
    if (!is_text(name) || PyUnicode_GET_LENGTH(name) == 0 || !is_plain(value)) return false;
  }
  std::size_t i = 0;
  std::string full = start;
  for (Py_ssize_t at = 0; PyDict_Next(row.ptr(), &at, &name, &value) != 0; ++i) {
    full.replace(start.size(), std::string::npos, text_of(name));
    Column& column = profile.column(i, full, meaning);
    if (value == Py_None || (PyFloat_Check(value) && std::isnan(PyFloat_AS_DOUBLE(value)))) {
      column.update_null();
    } else {
      update(column, value);
    }
  }
  return true;
}

void log_file(Profile& profile, const std::string& prefix,
              const std::optional<std::pair<std::string_view, std::string_view>>& decoder,
              const std::optional<py::dict>& exif, const std::optional<py::dict>& facts,
              const std::vector<std::string>& allow, const std::vector<std::string>& deny,
              const py::object& dates) {
  if (decoder) profile.decoders.add(decoder->first, decoder->second);
  if (exif) log_exif(profile, prefix, *exif, allow, deny, dates);
  if (facts) log_row(profile, *facts, {Role::kPlain, Origin::kImage}, prefix + ".");
}

void add_column(Profile& profile, const std::string& name, std::uint64_t missing,
                std::uint64_t integral, const QuantileSketch& numbers, const Moments& moments,
                const DistinctCount& distinct_numbers, const FrequentIntegers& integers,
                const FrequentStrings& strings, const DistinctCount& distinct_strings,
                const std::string& role, const std::string& origin) {
  const Meaning meaning{role_of(role), origin_of(origin)};
  Column::Numbers of_numbers;
  of_numbers.integral = integral;
  of_numbers.sketch = numbers;
  of_numbers.facts.make(NumberFacts{moments, distinct_numbers, integers});
  const Column column = Column::of_parts(name, meaning, missing, std::move(of_numbers),
                                         {strings, distinct_strings, {}});
  profile.column(name, meaning).merge(column);
}

// Without releasing the GIL, which is what keeps other threads off the column.
template <class T>
void log_numbers(Profile& profile, const std::string& name,
                 const py::array_t<T, py::array::c_style>& values, const std::string& role,
                 const std::string& origin) {
  profile.column(name, {role_of(role), origin_of(origin)})
      .update(std::span<const T>(values.data(), static_cast<std::size_t>(values.size())));
}

}  // namespace

void bind_profile(py::module_& module) {
  py::class_<Profile> bound(module, "Profile",
                            "Feature name -> sketches; the state of every profile.");
  bind_images(module, bound);
  bound.def(py::init())
      .def("copy", [](const Profile& self) { return Profile(self); })
      .def("forget_pictures", &Profile::forget_pictures,
           "Forget exemplars, the list of failures and paths.")
      .def("log_file", &log_file, py::arg("prefix"), py::arg("decoder") = py::none(),
           py::arg("exif") = py::none(), py::arg("facts") = py::none(),
           py::arg("allow") = py::list(), py::arg("deny") = py::list(),
           py::arg("dates") = py::tuple(),
           "Add what is known of the file of an image that was logged: (format, name) of what\n"
           "decoded it, its Exif as log_exif takes it, and the facts of its header.")
      .def(
          "log_exif", &log_exif, py::arg("prefix"), py::arg("tags"), py::arg("allow"),
          py::arg("deny"), py::arg("dates") = py::tuple(),
          "Add the Exif of an image that was logged: int, float or str by tag name. The tags named "
          "by `dates` are days since 1970.")
      .def(
          "count_exif_read",
          [](Profile& self, const std::string& prefix, const std::vector<std::string>& allow,
             const std::vector<std::string>& deny, std::uint64_t count) {
            const ExifPolicy policy{Names(allow.begin(), allow.end()),
                                    Names(deny.begin(), deny.end())};
            self.count_exif_read(prefix, policy, count);
          },
          py::arg("prefix"), py::arg("allow"), py::arg("deny"), py::arg("count"),
          "Count images whose Exif was read, whose tags are logged as columns.")
      .def(
          "log_facts",
          [](Profile& self, const py::dict& facts, const std::optional<std::string>& prefix) {
            return log_row(self, facts, {Role::kPlain, Origin::kImage},
                           prefix ? *prefix + "." : std::string());
          },
          py::arg("facts"), py::arg("prefix") = py::none(),
          "As log_row, for what the header of an image's file says.")
      .def(
          "log_row", [](Profile& self, const py::dict& row) { return log_row(self, row, {}); },
          py::arg("row"),
          "Add values by name: ints of 64 bits, floats, strs, and None or NaN for missing ones. "
          "Returns False, and adds nothing, if there is anything else.")
      .def("log_numbers", &log_numbers<std::int64_t>, py::arg("name"),
           py::arg("values").noconvert(), py::arg("role") = "plain", py::arg("origin") = "value")
      .def("log_numbers", &log_numbers<double>, py::arg("name"), py::arg("values").noconvert(),
           py::arg("role") = "plain", py::arg("origin") = "value",
           "Add every number of an array of int64 or float64, and what they mean.")
      .def(
          "log_string",
          [](Profile& self, const std::string& name, const std::string& value,
             std::uint64_t count) { self.column(name).update(std::string_view(value), count); },
          py::arg("name"), py::arg("value"), py::arg("count"), "Add a string `count` times.")
      .def("add_column", &add_column, py::arg("name"), py::kw_only(), py::arg("missing"),
           py::arg("integral"), py::arg("numbers"), py::arg("moments"), py::arg("distinct_numbers"),
           py::arg("integers"), py::arg("strings"), py::arg("distinct_strings"),
           py::arg("role") = "plain", py::arg("origin") = "value",
           "Add sketches that were made elsewhere to a feature. `integral` of the numbers are\n"
           "integers. What follows from an exact sketch is not taken from the others.")
      .def(
          "log_hash",
          [](Profile& self, const std::string& name, std::uint64_t hash, const std::string& path) {
            self.column(name, {Role::kHash, Origin::kImage}).update_hash(hash, path);
          },
          py::arg("name"), py::arg("hashed"), py::arg("path"),
          "Add the hash of an image, and the path that it was read from.")
      .def(
          "log_nulls",
          [](Profile& self, const std::string& name, std::uint64_t count) {
            self.column(name).update_null(count);
          },
          py::arg("name"), py::arg("count"), "Add missing values.")
      .def_property("dataset_timestamp", &Profile::dataset_timestamp,
                    &Profile::set_dataset_timestamp, "Milliseconds since 1970 UTC, or None.")
      .def_property_readonly(
          "images",
          [](const Profile& self) {
            std::uint64_t images = 0;
            for (const auto& [prefix, group] : self.groups()) images += group.images;
            return images;
          },
          "Images measured.")
      .def_property_readonly(
          "image_prefixes",
          [](const Profile& self) {
            std::vector<std::string> prefixes;
            for (const auto& [prefix, group] : self.groups()) prefixes.push_back(prefix);
            return prefixes;
          },
          "What the names of features of images begin with, before a dot.")
      .def("names",
           [](const Profile& self) {
             std::vector<std::string> names;
             for (const auto& [name, column] : self.columns()) names.push_back(name);
             return names;
           })
      .def("__contains__",
           [](const Profile& self, const std::string& name) { return self.find(name) != nullptr; })
      .def("missing", &Profile::missing, py::arg("name"),
           "How many observations of a feature are missing.")
      .def(
          "exif_read",
          [](const Profile& self, const std::string& name, bool personal) {
            return self.exif_read(name, personal);
          },
          py::arg("name"), py::arg("personal"),
          "Images whose Exif was read under a policy that tracks this feature.")
      .def(
          "exif_policies",
          [](const Profile& self) {
            std::set<ExifPolicy> policies;
            for (const auto& [prefix, group] : self.groups()) {
              for (const auto& [policy, read] : group.exif_read) policies.insert(policy);
            }
            py::list pairs;
            for (const auto& policy : policies) {
              pairs.append(py::make_tuple(std::vector(policy.allow.begin(), policy.allow.end()),
                                          std::vector(policy.deny.begin(), policy.deny.end())));
            }
            return pairs;
          },
          "(allowed, denied) tags of each policy that Exif was read under.")
      .def("merge", &Profile::merge, py::arg("other"), "Add the counts of another profile.")
      .def("encode", [](const Profile& self) { return to_bytes(self.encode()); })
      .def_static(
          "decode",
          [](const py::object& data) { return Profile::decode(as_bytes(bytes_of(data))); },
          py::arg("data"));
  bind_column(bound);
  bind_groups(bound);
  bind_vectors(bound);
}
