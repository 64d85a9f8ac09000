#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profile/column.hpp"
#include "profile/exemplars.hpp"
#include "profile/failures.hpp"
#include "profile/group_moments.hpp"
#include "profile/image_group.hpp"
#include "profile/joint.hpp"
#include "profile/row_sample.hpp"
#include "profile/text_pairs.hpp"
#include "profile/vectors.hpp"

namespace lightmeter::profile {

// Feature name -> column, and what is known of the whole. The only mutable state of a profile.
class Profile {
 public:
  template <class Part>
  using ByName = std::map<std::string, Part, std::less<>>;

  // Texts are UTF-8, as those of Python are. Counts above 2^56 are refused with IncompatibleError. So
  // what was put in can be encoded and read back.

  // The column of that name, made if there is none; the meaning is added to that of one there is.
  Column& column(std::string_view name, const Meaning& meaning = {});
  // The same for the i-th name of a row, quicker if it was also the i-th the last time.
  Column& column(std::size_t i, std::string_view name, const Meaning& meaning = {});
  // Null if there is none.
  [[nodiscard]] const Column* find(std::string_view name) const;
  // In alphabetical order.
  [[nodiscard]] const ByName<Column>& columns() const noexcept { return columns_; }
  // How many observations of a column were missing: those logged as such, and for Exif the images
  // that were read and do not have the tag, for failures the images that did not fail.
  [[nodiscard]] std::uint64_t missing(std::string_view name) const;
  // Adds a vector to a feature; one that Vectors does not take is missing.
  void log_vector(std::string_view name, std::span<const double> vector, Origin origin);
  // Null if the feature has none.
  [[nodiscard]] const Vectors* vectors(std::string_view name) const;

  // The numbers of images of a prefix together.
  Joint& joint(std::string_view prefix);
  [[nodiscard]] const ByName<Joint>& joints() const noexcept { return joints_; }

  // Images whose Exif was read under a policy that tracks the tag "<prefix>.<tag>".
  [[nodiscard]] std::uint64_t exif_read(std::string_view name, bool personal) const;

  // Of none too: features of that prefix are then those of images. How they were read is a text, or
  // empty if nobody knows.
  void count_image(std::string_view prefix, std::uint64_t count = 1,
                   std::string_view reading = {}) {
    count_images(prefix, {.images = count, .exif_read = {}});
    if (count > 0 && !reading.empty()) readings_[std::string(prefix)].add(reading, count);
  }
  [[nodiscard]] const ByName<Readings>& readings() const noexcept { return readings_; }
  // Images that could have had Exif; `count` of them, if any.
  void count_exif_read(std::string_view prefix, ExifPolicy policy, std::uint64_t count = 1) {
    if (count > 0) count_images(prefix, {.images = 0, .exif_read = {{std::move(policy), count}}});
  }
  [[nodiscard]] const ByName<ImageGroup>& groups() const noexcept { return groups_; }

  // Milliseconds since 1970 UTC, in the years 1 to 9999; absent unless set.
  std::optional<std::int64_t> dataset_timestamp;
  // Pictures to look at; none unless asked for.
  Exemplars exemplars;
  // Rows to compare an image with; none unless asked for.
  RowSample rows;
  // Of all images, whatever their prefix; how many failed is counted in the columns.
  Failures failures;
  // (format, what decoded it) of all images that were measured, whatever their prefix; arrays have
  // none.
  TextPairs decoders;
  // (name, value): what somebody says of the profile.
  TextPairs tags;

  // Forgets what is of single pictures: exemplars, the list of failures, and paths of hashes. Every
  // count stays.
  void forget_exemplars();

  // Adds the other profile's counts; keeps the earlier timestamp. `other` may be *this.
  // IncompatibleError, and nothing changes, if that would make more than 2^56 observations.
  void merge(const Profile& other);

  // As merge(), of what was logged of one group, such as "slide 7"; without a group each value is
  // one. std::invalid_argument if `part` has groups itself.
  void merge_group(std::optional<std::string_view> group, const Profile& part);
  [[nodiscard]] const GroupMoments& by_group() const noexcept { return by_group_; }

  // The .lmp file: see docs/format.md. encode(decode(b)) == b for every b that encode wrote; other
  // valid forms are read and written in the one that encode uses.
  [[nodiscard]] std::vector<std::uint8_t> encode() const;
  // Throws DecodeError unless the bytes are one whole valid profile.
  [[nodiscard]] static Profile decode(std::span<const std::uint8_t> data);

 private:
  struct Section;
  using Columns = ByName<Column>;

  // Of the columns of the last row; those of a copy are in another map.
  struct Places : std::vector<Columns::iterator> {
    Places() = default;
    Places(const Places&) : Places() {}
    Places(Places&&) = default;
    Places& operator=(Places other) noexcept { return swap(other), *this; }
  };

  Columns::iterator place_of(std::string_view name, const Meaning& meaning);
  void count_images(std::string_view prefix, const ImageGroup& more);

  Columns columns_;
  Places places_;
  ByName<ImageGroup> groups_;
  GroupMoments by_group_;
  ByName<Vectors> vectors_;
  ByName<Joint> joints_;
  ByName<Readings> readings_;
};

}  // namespace lightmeter::profile
