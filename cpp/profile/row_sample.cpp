#include "profile/row_sample.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "error.hpp"
#include "profile/keep_first.hpp"
#include "sketch/mix.hpp"
#include "wire/text.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

using Number = std::pair<std::string_view, double>;

struct ByNames {
  bool operator()(const RowSample::Names* a, const RowSample::Names* b) const { return *a < *b; }
};

using wire::require;

bool is_kept(const Number& number) {
  return number.first.size() <= RowSample::kMaxName &&
         std::abs(number.second) <= std::numeric_limits<float>::max();  // so is no NaN
}

// Of the values before they are rounded.
std::uint64_t hash_of(std::span<const Number> row) {
  std::uint64_t hash = sketch::mix(0, row.size());
  for (const auto& [name, value] : row) {
    hash = sketch::mix(hash, name);
    hash = sketch::mix(hash, std::bit_cast<std::uint64_t>(value));
  }
  return hash;
}

}  // namespace

void RowSample::keep(std::size_t count) {
  if (count > kMaxKeep) {
    throw std::invalid_argument("rows is " + std::to_string(count) + "; expected 0 to " +
                                std::to_string(kMaxKeep));
  }
  keep_ = count;
  keep_first(rows_, keep_);
}

void RowSample::add(std::span<const Number> numbers) {
  for (const auto& [name, value] : numbers) wire::check_text(name);
  std::vector<Number> row(numbers.begin(), numbers.end());
  std::ranges::sort(row, {}, &Number::first);
  const auto twice = std::adjacent_find(
      row.begin(), row.end(), [](const Number& a, const Number& b) { return a.first == b.first; });
  if (twice != row.end()) {
    throw std::invalid_argument("got two numbers called " + std::string(twice->first) +
                                "; expected one");
  }
  std::erase_if(row, [](const Number& number) { return !is_kept(number); });
  if (row.size() > kMaxNumbers) row.resize(kMaxNumbers);
  if (row.empty() || keep_ == 0) return;
  Names names;
  Row rounded;
  for (auto& [name, value] : row) {
    value += 0.0;  // -0.0 is 0.0
    names.emplace_back(name);
    rounded.values.push_back(static_cast<float>(value) + 0.0F);  // which may round to -0
  }
  const std::uint64_t hash = hash_of(row);
  if (rows_.size() == keep_ && hash > rows_.rbegin()->first) return;
  rounded.names = shared(std::move(names));
  insert(hash, std::move(rounded));
  keep_first(rows_, keep_);
}

void RowSample::merge(const RowSample& other) {
  if (other.keep_ == 0) return;
  keep_ = keep_ == 0 ? other.keep_ : std::min(keep_, other.keep_);
  for (const auto& [hash, row] : other.rows_) insert(hash, {shared(*row.names), row.values});
  keep_first(rows_, keep_);
}

// Of two rows under one hash the lesser stays, whichever came first.
void RowSample::insert(std::uint64_t hash, Row row) {
  const auto [place, added] = rows_.try_emplace(hash, row);
  if (!added && row < place->second) place->second = std::move(row);
}

std::shared_ptr<const RowSample::Names> RowSample::shared(Names names) {
  if (last_ == nullptr || *last_ != names) last_ = std::make_shared<const Names>(std::move(names));
  return last_;
}

// varint keep
// varint lists of names | each, rising: varint names | each, rising: text name
// varint rows | each, by rising hash: u64 hash | varint which list | f32 value of each name
// Every list is that of a row.
void RowSample::encode(wire::Writer& out) const {
  std::map<const Names*, std::size_t, ByNames> lists;
  for (const auto& [hash, row] : rows_) lists.emplace(row.names.get(), 0);
  out.varint(keep_);
  out.varint(lists.size());
  std::size_t index = 0;
  for (auto& [names, at] : lists) {
    at = index++;
    out.varint(names->size());
    for (const std::string& name : *names) out.string(name);
  }
  out.varint(rows_.size());
  for (const auto& [hash, row] : rows_) {
    out.u64(hash);
    out.varint(lists.at(row.names.get()));
    for (const float value : row.values) out.f32(value);
  }
}

RowSample RowSample::decode(wire::Reader& in) {
  RowSample sample;
  const std::uint64_t keep = in.varint();
  require(keep > 0 && keep <= kMaxKeep, "rows of the profile: keeps none or too many");
  sample.keep_ = static_cast<std::size_t>(keep);
  std::vector<std::shared_ptr<const Names>> lists;
  const std::uint64_t count_of_lists = in.count(24);
  require(count_of_lists <= keep, "rows of the profile: more lists of names than rows");
  for (std::uint64_t left = count_of_lists; left > 0; --left) {
    Names names;
    const std::uint64_t count = in.count(8);
    require(count > 0 && count <= kMaxNumbers,
            "rows of the profile: a row of no or too many numbers");
    for (std::uint64_t more = count; more > 0; --more) {
      names.emplace_back(in.string());
      require(names.back().size() <= kMaxName, "rows of the profile: a name is too long");
      require(names.size() == 1 || names[names.size() - 2] < names.back(),
              "rows of the profile: names are out of order");
    }
    require(lists.empty() || *lists.back() < names,
            "rows of the profile: lists of names are out of order");
    lists.push_back(std::make_shared<const Names>(std::move(names)));
  }
  std::vector<bool> used(lists.size());
  const std::uint64_t count = in.count(104);
  require(count <= keep, "rows of the profile: more than it keeps");
  for (std::uint64_t left = count; left > 0; --left) {
    const std::uint64_t hash = in.u64();
    require(sample.rows_.empty() || hash > sample.rows_.rbegin()->first,
            "rows of the profile: hashes are out of order");
    const std::uint64_t which = in.varint();
    require(which < lists.size(), "rows of the profile: a row without names");
    used[which] = true;
    Row row{lists[which], {}};
    for (std::size_t more = row.names->size(); more > 0; --more) {
      const float value = in.f32();
      require(std::isfinite(value) && !(value == 0.0F && std::signbit(value)),
              "rows of the profile: a value is not finite, or is -0");
      row.values.push_back(value);
    }
    sample.rows_.emplace_hint(sample.rows_.end(), hash, std::move(row));
  }
  require(std::find(used.begin(), used.end(), false) == used.end(),
          "rows of the profile: names of no row");
  return sample;
}

}  // namespace lightmeter::profile
