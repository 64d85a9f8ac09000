#include <algorithm>
#include <map>
#include <optional>

#include "bindings.hpp"
#include "profile/image_features.hpp"
#include "profile/profile.hpp"
#include "texts.hpp"

namespace {

using lightmeter::measure::ImageMeter;
using lightmeter::profile::Profile;

lightmeter::profile::ImageFeatures features_of(ImageMeter& meter) {
  std::optional<lightmeter::profile::ImageFeatures> image;
  const auto prepare = [&] { image.emplace(meter); };
  if (meter.counts().is_deep()) {
    without_gil(&meter, prepare);
  } else {
    prepare();  // takes some ten microseconds, or a hundred where all metrics are measured
  }
  return *std::move(image);
}

void log_bands(Profile& profile, const std::string& prefix,
               const std::vector<std::pair<std::string, py::object>>& bands,
               const std::string& mode, const std::string& path) {
  std::vector<std::pair<std::string, lightmeter::profile::ImageFeatures>> features;
  features.reserve(bands.size());
  // Each is converted at its turn, which checks that no other thread uses it just then.
  for (const auto& [name, meter] : bands) {
    features.emplace_back(name, features_of(py::cast<ImageMeter&>(meter)));
  }
  lightmeter::profile::log_bands(profile, prefix, features, mode, path);
}

py::tuple exemplars_of(const Profile& profile, const std::string& name) {
  py::list low;
  py::list high;
  py::list random;
  const auto append = [&](py::list& list, std::uint64_t hash, const py::object& value) {
    const auto& picture = profile.exemplars.picture(hash);
    list.append(py::make_tuple(picture.path, to_bytes(picture.thumbnail), value));
  };
  if (const auto* ends = profile.exemplars.find(name)) {
    for (const auto& [value, hash] : ends->low.entries()) append(low, hash, py::float_(value));
    for (const auto& [value, hash] : ends->high.entries()) append(high, hash, py::float_(value));
    for (const std::uint64_t hash : profile.exemplars.random()) append(random, hash, py::none());
  }
  return py::make_tuple(low, high, random);
}

void sample_row(Profile& profile, const py::dict& row) {
  lightmeter::profile::RowSample::Numbers numbers;
  for (const auto& [name, value] : row) {
    if (!is_text(name)) throw py::type_error("a name is no text; expected a str of Unicode");
    numbers.emplace(text_of(name), py::cast<double>(value));
  }
  profile.rows.add(numbers);
}

// The rows in the order of their hashes, those with the same names together.
py::list sampled_rows(const Profile& profile) {
  std::map<lightmeter::profile::RowSample::Names, std::vector<const std::vector<float>*>> tables;
  for (const auto& row : profile.rows.rows()) tables[*row.names].push_back(&row.values);
  py::list result;
  for (const auto& [names, rows] : tables) {
    py::array_t<float> values({rows.size(), names.size()});
    float* out = values.mutable_data();
    for (const auto* row : rows) out = std::copy(row->begin(), row->end(), out);
    result.append(py::make_tuple(names, values));
  }
  return result;
}

}  // namespace

void bind_images(py::module_& module, py::class_<Profile>& bound) {
  namespace profile = lightmeter::profile;
  module.def(
      "band_numbers",
      [] {
        py::list numbers;
        for (const auto& number : lightmeter::measure::image_numbers()) {
          if (const auto name = profile::band_number(number)) {
            const bool of_all = number.group == lightmeter::measure::Group::kSize;
            numbers.append(py::make_tuple(number.name, *name, of_all));
          }
        }
        return numbers;
      },
      "(name, name below that of a band, whether it is of no one band) of the numbers of bands.");
  bound
      .def(
          "log_image",
          [](Profile& self, const std::string& prefix, ImageMeter& meter, const std::string& mode,
             const std::string& path) {
            profile::log_image(self, prefix, features_of(meter), mode, path);
          },
          py::arg("prefix"), py::arg("image"), py::arg("mode"), py::arg("path") = "")
      .def(
          "log_image",
          [](Profile& self, const std::string& prefix, const profile::ImageFeatures& image,
             const std::string& mode,
             const std::string& path) { profile::log_image(self, prefix, image, mode, path); },
          py::arg("prefix"), py::arg("image"), py::arg("mode"), py::arg("path") = "",
          "Add a measured image, and the path that it was read from.")
      .def("log_bands", &log_bands, py::arg("prefix"), py::arg("bands"), py::arg("mode"),
           py::arg("path") = "", "Add a measured image of bands likewise: (name, meter) of each.")
      .def(
          "count_image",
          [](Profile& self, const std::string& prefix, std::uint64_t count) {
            self.count_image(prefix, count);
          },
          py::arg("prefix"), py::arg("count") = 1,
          "Count images whose numbers are logged as facts or columns.")
      .def_property(
          "exemplars", [](const Profile& self) { return self.exemplars.keep(); },
          [](Profile& self, std::size_t keep) { self.exemplars.keep(keep); },
          "How many pictures to keep at each end of each feature and at random.")
      .def(
          "log_exemplar",
          [](Profile& self, const std::string& prefix, ImageMeter& meter, std::uint64_t hash,
             const std::string& path, const py::bytes& thumbnail) {
            const auto bytes = as_bytes(thumbnail);
            profile::log_exemplar(self, prefix, meter, hash, {path, {bytes.begin(), bytes.end()}});
          },
          py::arg("prefix"), py::arg("meter"), py::arg("key"), py::arg("path"),
          py::arg("thumbnail"), "Add a picture of an image that was logged.")
      .def("exemplars_of", &exemplars_of, py::arg("name"),
           "(path, thumbnail, value) of the least values, the greatest, and some at random.")
      .def_property(
          "rows", [](const Profile& self) { return self.rows.keep(); },
          [](Profile& self, std::size_t keep) { self.rows.keep(keep); },
          "How many rows of numbers to keep.")
      .def("sample_row", &sample_row, py::arg("row"),
           "Add the numbers of an image that was logged: float by name.")
      .def("sampled_rows", &sampled_rows,
           "(names, array with a row per image) for each list of names that rows have.")
      .def(
          "log_failure",
          [](Profile& self, const std::string& prefix, const py::bytes& path, std::string reason,
             std::string detail) {
            profile::log_failure(self, prefix, {path, std::move(reason), std::move(detail)});
          },
          py::arg("prefix"), py::arg("path"), py::arg("reason"), py::arg("detail"),
          "Count an image that could not be measured, and list it; the path is empty without one.")
      .def(
          "failures",
          [](const Profile& self) {
            py::list failures;
            for (const auto& [path, reason, detail] : self.failures.entries()) {
              failures.append(py::make_tuple(py::bytes(path), reason, detail));
            }
            return failures;
          },
          "(path, reason, detail) of the failures with the smallest paths.")
      .def(
          "decoders",
          [](const Profile& self) {
            py::list decoders;
            for (const auto& [format, name] : self.decoders.entries()) {
              decoders.append(py::make_tuple(format, name));
            }
            return decoders;
          },
          "(format, name) of the decoders of all images, in order.");
}
