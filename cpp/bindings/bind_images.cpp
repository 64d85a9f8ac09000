#include <algorithm>
#include <map>

#include "bindings.hpp"
#include "profile/image_features.hpp"
#include "profile/profile.hpp"
#include "texts.hpp"

namespace {

using lightmeter::measure::ImageMeter;
using lightmeter::profile::ImageFeatures;
using lightmeter::profile::Profile;

// Adds a measured image of bands: (name, features) of each.
void log_bands(Profile& profile, const std::string& prefix,
               const std::vector<std::pair<std::string, ImageFeatures>>& bands,
               const std::string& mode, const std::string& path, const std::string& reading) {
  lightmeter::profile::log_bands(profile, prefix, bands, mode, path, reading);
}

// (path, thumbnail, value) of the least values, the greatest, and some at random.
py::tuple exemplars_of(const Profile& profile, const std::string& name) {
  py::list low;
  py::list high;
  py::list random;
  const auto append = [&](py::list& list, std::uint64_t hash, const py::object& value) {
    const auto& picture = profile.exemplars.picture(hash);
    list.append(tuple_of({picture.path, to_bytes(picture.thumbnail), value}));
  };
  if (const auto* ends = profile.exemplars.find(name)) {
    for (const auto& [value, hash] : ends->low.entries()) append(low, hash, py::float_(value));
    for (const auto& [value, hash] : ends->high.entries()) append(high, hash, py::float_(value));
    for (const std::uint64_t hash : profile.exemplars.random()) append(random, hash, py::none());
  }
  return tuple_of({low, high, random});
}

// Adds the numbers of an image that was logged: float by name.
void sample_row(Profile& profile, const py::dict& row) {
  lightmeter::profile::RowSample::Numbers numbers;
  for (const auto& [name, value] : row) {
    if (!is_text(name)) throw py::type_error("a name is no text; expected a str of Unicode");
    numbers.emplace(text_of(name), py::cast<double>(value));
  }
  profile.rows.add(numbers);
}

// (names, array with a row per image) for each list of names that rows have; rows in the order of
// their hashes.
py::list sampled_rows(const Profile& profile) {
  py::list result;
  for (const auto& [names, rows] : profile.rows.tables()) {
    py::array_t<float> values({rows.size(), names.size()});
    float* out = values.mutable_data();
    for (const auto& row : rows) out = std::ranges::copy(row.values, out).out;
    result.append(tuple_of({names, values}));
  }
  return result;
}

// Adds a picture of an image that was logged.
void log_exemplar(Profile& profile, const std::string& prefix, ImageMeter& meter,
                  std::uint64_t hash, const std::string& path, const py::bytes& thumbnail) {
  const auto bytes = as_bytes(thumbnail);
  lightmeter::profile::log_exemplar(profile, prefix, meter, hash,
                                    {path, {bytes.begin(), bytes.end()}});
}

// Counts an image that could not be measured, and lists it; the path is empty without one.
void log_failure(Profile& profile, const std::string& prefix, const py::bytes& path,
                 const std::string& reason, const std::string& detail) {
  lightmeter::profile::log_failure(profile, prefix, {path, reason, detail});
}

// (path, reason, detail) of the failures with the smallest paths.
py::list failures(const Profile& profile) {
  py::list result;
  for (const auto& [path, reason, detail] : profile.failures.entries()) {
    result.append(tuple_of({py::bytes(path), reason, detail}));
  }
  return result;
}

// (format, name) of the decoders of all images, in order.
const auto& decoders(const Profile& profile) { return profile.decoders.entries(); }

// (name, value) of what somebody says of the profile, in order.
const auto& tags(const Profile& profile) { return profile.tags.entries(); }
void add_tag(Profile& profile, std::string_view name, std::string_view value) {
  profile.tags.add(name, value);
}

// {prefix: {how images were read: how many}}.
py::dict readings(const Profile& profile) {
  py::dict result;
  for (const auto& [prefix, readings] : profile.readings()) {
    result[py::str(prefix)] = py::cast(readings.counts());
  }
  return result;
}

// How many pictures to keep at each end of each feature and at random.
std::size_t exemplars(const Profile& profile) { return profile.exemplars.keep(); }
void keep_exemplars(Profile& profile, std::size_t keep) { profile.exemplars.keep(keep); }

// How many rows of numbers to keep.
std::size_t rows(const Profile& profile) { return profile.rows.keep(); }
void keep_rows(Profile& profile, std::size_t keep) { profile.rows.keep(keep); }

}  // namespace

void bind_images(BoundProfile& profile) {
  profile.def("log_image", &lightmeter::profile::log_image)
      .def("log_bands", &log_bands)
      .def("count_image", &Profile::count_image)
      .def("log_exemplar", &log_exemplar)
      .def("log_failure", &log_failure)
      .def("sample_row", &sample_row)
      .def("exemplars_of", &exemplars_of)
      .def("sampled_rows", &sampled_rows)
      .def("failures", &failures)
      .def("decoders", &decoders)
      .def("readings", &readings)
      .def("tags", &tags)
      .def("add_tag", &add_tag)
      .def_property("exemplars", &exemplars, &keep_exemplars)
      .def_property("rows", &rows, &keep_rows);
}
