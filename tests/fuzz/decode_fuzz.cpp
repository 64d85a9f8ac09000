#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "profile/profile.hpp"
#include "profile/repeats.hpp"
#include "sketch/covariance.hpp"
#include "wire/wire.hpp"

// Bytes for libFuzzer: the first chooses the decoder, the rest are what it decodes. A DecodeError
// is an answer, and so is an IncompatibleError where counts are summed. Whatever is accepted must
// obey the laws below; a broken law is thrown and so, like any other exception, ends the run.
// The corpus is tests/fuzz/corpus/decode.
namespace lightmeter {
namespace {

using profile::Exemplars;
using profile::Failures;
using profile::Profile;
using profile::TextPairs;
using sketch::Covariance;
using sketch::DistinctCount;
using sketch::FrequentIntegers;
using sketch::FrequentItems;
using sketch::FrequentStrings;
using sketch::Moments;
using sketch::QuantileSketch;

using Bytes = std::span<const std::uint8_t>;

void require(bool holds, const char* law) {
  if (!holds) throw std::logic_error(std::string("broken law: ") + law);
}

template <class Sketch>
std::vector<std::uint8_t> encoded(const Sketch& sketch) {
  wire::Writer out;
  sketch.encode(out);
  return std::move(out).take();
}

template <class Sketch>
Sketch decoded(Bytes bytes) {
  wire::Reader in(bytes);
  Sketch sketch = Sketch::decode(in);
  in.expect_end();
  return sketch;
}

// What is written can be read, and is then written the same. Bytes that no encoder wrote may differ
// from the first writing.
template <class Sketch>
void require_stable(const Sketch& sketch) {
  const std::vector<std::uint8_t> bytes = encoded(sketch);
  try {
    require(encoded(decoded<Sketch>(bytes)) == bytes, "encode(decode(b)) == b for written b");
  } catch (const DecodeError& error) {
    throw std::logic_error(std::string("written bytes are refused: ") + error.what());
  }
}

void check_state(const QuantileSketch& sketch) {
  const sketch::SortedView& view = sketch.view();
  require(view.values.size() == view.cumulative.size(), "one weight per value");
  require((view.values.empty() ? 0 : view.cumulative.back()) == sketch.n(), "weights sum to n");
  for (std::size_t i = 0; i < view.values.size(); ++i) {
    require(view.weight(i) > 0 && view.weight(i) <= sketch.n(), "a weight is in [1, n]");
    require(i == 0 || view.values[i - 1] < view.values[i], "values rise");
  }
  const double error = sketch.error();
  require(error >= 0.0 && error <= 1.0 && (error == 0.0 || !sketch.is_exact()), "error in [0, 1]");
  if (sketch.n() == 0) return;
  require(std::isfinite(sketch.min()) && std::isfinite(sketch.max()), "finite extrema");
  require(sketch.min() <= view.values.front() && view.values.back() <= sketch.max(),
          "values lie within the extrema");
  double last = sketch.min();
  for (const double q : {0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0}) {
    const double value = sketch.quantile(q);
    require(last <= value && value <= sketch.max(), "quantiles rise within the extrema");
    last = value;
  }
  require(last == sketch.max(), "quantile(1) is the maximum");
  require(sketch.rank(sketch.max()) == 1.0, "rank of the maximum is 1");
}

void check_state(const Moments& moments) {
  if (moments.n() == 0) return;
  require(std::isfinite(moments.mean()), "a finite mean");
  require(moments.variance() >= 0.0 && moments.stddev() >= 0.0, "no negative spread");
}

void check_state(const Covariance& covariance) {
  const std::size_t k = covariance.dimensions();
  require(k <= Covariance::kMaxDimensions, "bounded dimensions");
  const auto is_finite = [](double number) { return std::isfinite(number); };
  const auto means = covariance.means();
  const auto comoments = covariance.comoments();
  require(comoments.size() == k * (k + 1) / 2, "a co-moment for each pair");
  require(std::ranges::all_of(means, is_finite), "finite means");
  require(std::ranges::all_of(comoments, is_finite), "finite co-moments");
}

void check_state(const DistinctCount& distinct) {
  const double estimate = distinct.estimate();
  require(estimate >= 0.0, "no negative estimate");
  require(distinct.lower() <= distinct.upper(), "bounds in order");
}

template <class Key>
void check_state(const FrequentItems<Key>& items) {
  const auto all = items.items();
  require(all.size() <= FrequentItems<Key>::kMaxEntries, "bounded entries");
  require(items.floor() <= items.n() / 2, "the floor is at most n / 2");
  std::uint64_t sum = 0;
  std::uint64_t last = UINT64_MAX;
  for (const auto& item : all) {
    require(item.lower <= item.estimate, "bounds in order");
    require(item.estimate >= items.floor(), "no estimate below the floor");
    require(item.estimate <= last, "estimates fall");
    last = item.estimate;
    sum += item.estimate - items.floor();
  }
  require(items.is_exact() ? sum == items.n() : sum <= items.n(), "counts fit n");
}

// A sketch in approximate mode that shares few values with what the fuzzer makes.
template <class Sketch>
Sketch make_partner() {
  Sketch partner;
  for (std::int64_t i = 0; i < 1500; ++i) {
    if constexpr (std::is_same_v<Sketch, FrequentStrings>) {
      partner.update("value " + std::to_string(i));
    } else if constexpr (std::is_same_v<Sketch, FrequentIntegers> ||
                         std::is_same_v<Sketch, DistinctCount>) {
      partner.update(i * 37);
    } else {
      partner.update(static_cast<double>(i) * -1e305);  // sums may overflow
    }
  }
  return partner;
}

template <class Sketch>
void check_laws(const Sketch& sketch) {
  static const Sketch partner = make_partner<Sketch>();
  check_state(sketch);
  require_stable(sketch);
  Sketch twice = sketch;
  Sketch sum = partner;
  try {
    twice.merge(twice);
    sum.merge(sketch);
  } catch (const IncompatibleError&) {
    require(encoded(twice) == encoded(sketch) || encoded(sum) == encoded(partner),
            "a refused merge changes nothing");
    return;
  }
  if constexpr (requires { sketch.n(); }) {
    require(twice.n() == 2 * sketch.n(), "merging with itself doubles n");
    require(sum.n() == partner.n() + sketch.n(), "merging adds the counts");
  }
  for (const Sketch& merged : {twice, sum}) {
    check_state(merged);
    require_stable(merged);
  }
}

void check_state(const Exemplars& exemplars, const Profile& profile) {
  const auto check_picture = [&](std::uint64_t hash) {
    const Exemplars::Picture& picture = exemplars.picture(hash);  // throws without one
    require(picture.path.size() <= Exemplars::kMaxPath, "a bounded path");
    require(picture.thumbnail.size() <= Exemplars::kMaxThumbnail, "a bounded thumbnail");
  };
  require(exemplars.random().size() <= exemplars.keep(), "no more at random than are kept");
  for (const std::uint64_t hash : exemplars.random()) check_picture(hash);
  for (const auto& [name, column] : profile.columns()) {
    const Exemplars::Ends* ends = exemplars.find(name);
    if (ends == nullptr) continue;
    require(std::max(ends->low.entries().size(), ends->high.entries().size()) <= exemplars.keep(),
            "no more at an end than are kept");
    for (const auto& [value, hash] : ends->low.entries()) check_picture(hash);
    for (const auto& [value, hash] : ends->high.entries()) check_picture(hash);
  }
}

void check_state(const Profile& profile) {
  check_state(profile.exemplars, profile);
  require(profile.failures.entries().size() <= Failures::kMaxEntries, "bounded failures");
  require(profile.decoders.entries().size() <= TextPairs::kMaxEntries, "bounded decoders");
  require(profile.tags.entries().size() <= TextPairs::kMaxEntries, "bounded tags");
  require(profile.rows.rows().size() <= profile.rows.keep(), "no more rows than are kept");
  for (const auto& [name, values] : profile.by_group().columns()) {
    std::uint64_t grouped = 0;
    for (const auto& [bucket, of_bucket] : values) grouped += of_bucket.x.n();
    require(values.size() <= profile::GroupMoments::kMost + 1, "bounded groups");
    require(grouped == 0 || grouped <= profile.find(name)->numbers().n(), "groups are a part");
  }
  for (const auto& [name, column] : profile.columns()) {
    require(column.integral() + column.fractional() + column.strings() == column.values(),
            "integers, fractions and strings are the values");
    require(std::max(column.null(), profile.missing(name)) < UINT64_MAX / 64, "counts have room");
    check_state(column.numbers());
    if (const profile::Vectors* vectors = profile.vectors(name)) {
      require(vectors->by_key().size() <= profile::Vectors::kMost, "bounded lengths");
      for (const auto& [length, covariance] : vectors->by_key()) check_state(covariance);
    }
    const profile::NumberFacts facts = column.number_facts();
    check_state(facts.moments);
    check_state(facts.distinct);
    check_state(facts.frequent);
    check_state(column.frequent_strings());
    check_state(column.distinct_strings());
    for (const profile::Repeated& repeated : profile::repeats_of(column).hashes) {
      require(repeated.times > 1, "a repeat was seen twice");
      require(repeated.path.size() <= profile::Paths::kMaxPath, "a bounded path");
    }
    require(facts.moments.n() == column.numbers().n(), "moments and quantiles of one n");
    if (column.fractional() == 0) {
      require(facts.frequent.n() == column.numbers().n(), "every integer is counted");
    }
  }
}

void require_stable(const Profile& profile) {
  const std::vector<std::uint8_t> bytes = profile.encode();
  try {
    require(Profile::decode(bytes).encode() == bytes, "encode(decode(b)) == b for written b");
  } catch (const DecodeError& error) {
    throw std::logic_error(std::string("a written profile is refused: ") + error.what());
  }
}

void fuzz_profile(Bytes bytes) {
  wire::Reader in(bytes);  // without the checksums, which no fuzzer would guess
  wire::Writer file;
  wire::Writer sections;
  file.bytes(in.bytes(6));
  std::uint8_t count = 0;
  for (; in.remaining() > 0; ++count) {
    const std::string_view name = in.string();
    sections.section(name, in.bytes(in.varint()));
  }
  file.u8(count);
  file.u32(wire::crc32c(file.view()));
  file.bytes(sections.view());
  const Profile profile = Profile::decode(file.view());
  check_state(profile);
  require_stable(profile);
  Profile twice = profile;
  try {
    twice.merge(twice);
  } catch (const IncompatibleError&) {
    return require(twice.encode() == profile.encode(), "a refused merge changes nothing");
  }
  require(twice.columns().size() == profile.columns().size(), "merging with itself adds no column");
  require(twice.failures.entries() == profile.failures.entries(), "failures are a set");
  for (const auto& [name, column] : profile.columns()) {
    const profile::Column& doubled = *twice.find(name);
    require(doubled.values() == 2 * column.values() && doubled.null() == 2 * column.null(),
            "merging with itself doubles every count");
    require(doubled.meaning() == column.meaning(), "merging with itself changes no meaning");
  }
  for (const auto& [prefix, joint] : profile.joints()) {
    const profile::Joint& doubled = twice.joints().at(prefix);
    require(doubled.observations() == 2 * joint.observations() &&
                std::ranges::equal(doubled.by_key() | std::views::keys,
                                   joint.by_key() | std::views::keys),
            "merging with itself doubles the images of a joint, and keeps its names");
  }
  check_state(twice);
  require_stable(twice);
}

template <class Sketch>
void fuzz_sketch(Bytes bytes) {
  check_laws(decoded<Sketch>(bytes));
}

void fuzz_covariance(Bytes bytes) {
  const auto covariance = decoded<Covariance>(bytes);
  check_state(covariance);
  require_stable(covariance);
  Covariance twice = covariance;
  try {
    twice.merge(Covariance(covariance));
  } catch (const IncompatibleError&) {
    return require(encoded(twice) == encoded(covariance), "a refused merge changes nothing");
  }
  require(twice.n() == 2 * covariance.n(), "merging with itself doubles n");
  check_state(twice);
  require_stable(twice);
  require_stable(twice);
}

// The order is part of the corpus: add at the end.
constexpr std::array kTargets = {
    fuzz_profile,
    fuzz_sketch<QuantileSketch>,
    fuzz_sketch<FrequentStrings>,
    fuzz_sketch<FrequentIntegers>,
    fuzz_sketch<DistinctCount>,
    fuzz_sketch<Moments>,
    fuzz_covariance,
};

}  // namespace
}  // namespace lightmeter

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || data[0] >= lightmeter::kTargets.size()) return -1;  // not for the corpus
  try {
    lightmeter::kTargets[data[0]]({data + 1, size - 1});
  } catch (const lightmeter::DecodeError&) {
  }
  return 0;
}
