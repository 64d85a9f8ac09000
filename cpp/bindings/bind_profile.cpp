#include <cmath>

#include "arrays.hpp"
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
using lightmeter::profile::Profile;

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

ExifPolicy policy_of(const std::vector<std::string>& allow, const std::vector<std::string>& deny) {
  return {Names(allow.begin(), allow.end()), Names(deny.begin(), deny.end())};
}

// int, float or str by tag name. The tags named by `dates` are days since 1970.
void log_exif(Profile& profile, const std::string& prefix, const py::dict& tags, ExifPolicy policy,
              const py::object& dates) {
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

// Adds values by name: ints of 64 bits, floats, strs, and None or NaN for missing ones. Returns false,
// and adds nothing, if there is anything else.
bool log_values(Profile& profile, const py::dict& row) { return log_row(profile, row, {}); }

// The same of what the header of an image's file says.
bool log_facts(Profile& profile, const py::dict& facts) {
  return log_row(profile, facts, {Role::kPlain, Origin::kImage});
}

// Adds what is known of the file of an image that was logged: (format, name) of what decoded it, its
// Exif, and the facts of its header.
void log_file(Profile& profile, const std::string& prefix,
              const std::optional<std::pair<std::string_view, std::string_view>>& decoder,
              const std::optional<py::dict>& exif, const std::optional<py::dict>& facts,
              const std::vector<std::string>& allow, const std::vector<std::string>& deny,
              const py::object& dates) {
  if (decoder) profile.decoders.add(decoder->first, decoder->second);
  if (exif) log_exif(profile, prefix, *exif, policy_of(allow, deny), dates);
  if (facts) log_row(profile, *facts, {Role::kPlain, Origin::kImage}, prefix + ".");
}

// Adds every number of an array, and what they mean; those of an array of ints are integers. The GIL
// is not released, which is what keeps other threads off the column.
void log_numbers(Profile& profile, const std::string& name, const py::array& values,
                 const std::string& role, const std::string& origin) {
  profile.column(name, meaning_of(role, origin))
      .update(as_span(converted<Doubles>(values)), values.dtype().kind() == 'i');
}

// Adds a string `count` times.
void log_string(Profile& profile, const std::string& name, const std::string& value,
                std::uint64_t count) {
  profile.column(name).update(std::string_view(value), count);
}

// Adds missing values.
void log_nulls(Profile& profile, const std::string& name, std::uint64_t count) {
  profile.column(name).update_null(count);
}

// Says that so many of the numbers added were bools or dates.
void add_types(Profile& profile, const std::string& name, std::uint64_t bools,
               std::uint64_t dates) {
  profile.column(name).add_types(bools, dates);
}

// Adds the hash of an image, and the path that it was read from.
void log_hash(Profile& profile, const std::string& name, std::uint64_t hash,
              const std::string& path) {
  profile.column(name, {Role::kHash, Origin::kImage}).update_hash(hash, path);
}

// Counts images whose Exif was read, whose tags are logged as columns.
void count_exif_read(Profile& profile, const std::string& prefix,
                     const std::vector<std::string>& allow, const std::vector<std::string>& deny,
                     std::uint64_t count) {
  profile.count_exif_read(prefix, policy_of(allow, deny), count);
}

// Images measured.
std::uint64_t images(const Profile& profile) {
  std::uint64_t images = 0;
  for (const auto& [prefix, group] : profile.groups()) images += group.images;
  return images;
}

// What the names of features of images begin with, before a dot.
py::list image_prefixes(const Profile& profile) {
  py::list prefixes;
  for (const auto& [prefix, group] : profile.groups()) prefixes.append(prefix);
  return prefixes;
}

py::list names(const Profile& profile) {
  py::list names;
  for (const auto& [name, column] : profile.columns()) names.append(name);
  return names;
}

bool contains(const Profile& profile, const std::string& name) {
  return profile.find(name) != nullptr;
}

// (prefix, allowed tags, denied tags, images) of each policy that Exif was read under.
py::list exif_policies(const Profile& profile) {
  py::list policies;
  for (const auto& [prefix, group] : profile.groups()) {
    for (const auto& [policy, read] : group.exif_read) {
      const std::vector allow(policy.allow.begin(), policy.allow.end());
      const std::vector deny(policy.deny.begin(), policy.deny.end());
      policies.append(tuple_of({prefix, allow, deny, read}));
    }
  }
  return policies;
}

Profile copy(const Profile& profile) { return profile; }

py::bytes encode(const Profile& profile) { return to_bytes(profile.encode()); }

Profile decode(const py::object& data) { return Profile::decode(as_bytes(bytes_of(data))); }

}  // namespace

void bind_profile(py::module_& module) {
  BoundProfile bound(module, "Profile", "Feature name -> sketches; the state of every profile.");
  bound.def(py::init())
      .def_readwrite("dataset_timestamp", &Profile::dataset_timestamp)
      .def("copy", &copy)
      .def("forget_exemplars", &Profile::forget_exemplars)
      .def("log_file", &log_file, py::arg("prefix"), py::arg("decoder") = py::none(),
           py::arg("exif") = py::none(), py::arg("facts") = py::none(),
           py::arg("allow") = py::list(), py::arg("deny") = py::list(),
           py::arg("dates") = py::tuple())
      .def("count_exif_read", &count_exif_read)
      .def("log_facts", &log_facts)
      .def("log_row", &log_values)
      .def("log_numbers", &log_numbers, py::arg("name"), py::arg("values"),
           py::arg("role") = "plain", py::arg("origin") = "value")
      .def("log_string", &log_string)
      .def("log_nulls", &log_nulls)
      .def("log_hash", &log_hash)
      .def("add_types", &add_types)
      .def_property_readonly("images", &images)
      .def_property_readonly("image_prefixes", &image_prefixes)
      .def("names", &names)
      .def("__contains__", &contains)
      .def("exif_read", &Profile::exif_read)
      .def("exif_policies", &exif_policies)
      .def("merge", &Profile::merge)
      .def("encode", &encode)
      .def_static("decode", &decode);
  bind_images(bound);
  bind_column(bound);
  bind_groups(bound);
  bind_vectors(bound);
}
