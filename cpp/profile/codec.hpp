#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "sketch/limits.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

// Writes values or reads and checks them. So a function `layout(codec, value)` says once which bytes
// a value is: docs/format.md has all layouts. While it writes, a layout changes nothing.
class Codec {
 public:
  explicit Codec(wire::Writer& out) noexcept : out_(&out) {}
  explicit Codec(wire::Reader& in) noexcept : in_(&in) {}
  [[nodiscard]] bool reads() const noexcept { return in_ != nullptr; }

  void u8(std::uint8_t& value) { number(value, &wire::Writer::u8, &wire::Reader::u8); }
  void u64(std::uint64_t& value) { number(value, &wire::Writer::u64, &wire::Reader::u64); }
  void f32(float& value) { number(value, &wire::Writer::f32, &wire::Reader::f32); }
  void f64(double& value) { number(value, &wire::Writer::f64, &wire::Reader::f64); }
  void varint(std::uint64_t& value) { number(value, &wire::Writer::varint, &wire::Reader::varint); }
  void varint(std::uint32_t& value) {
    std::uint64_t wide = value;
    varint(wide);
    require(wide <= UINT32_MAX, "a number of more than 32 bits");
    if (reads()) value = static_cast<std::uint32_t>(wide);
  }
  void count(std::uint64_t& value) {
    varint(value);
    require(value <= sketch::kMaxCount, "a count above 2^56");
  }
  void zigzag(std::int64_t& value) { number(value, &wire::Writer::zigzag, &wire::Reader::zigzag); }
  void text(std::string& value) {
    if (reads()) {
      value = in_->string();
    } else {
      out_->string(value);
    }
  }
  // Any bytes, with their length.
  template <class Bytes>
  void bytes(Bytes& value) {
    if (reads()) {
      const auto data = in_->bytes(in_->varint());
      value.assign(data.begin(), data.end());
    } else {
      out_->varint(value.size());
      out_->bytes({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
    }
  }
  // If it reads, throws a DecodeError that says `what` is wrong with the bytes, unless `holds`.
  void require(bool holds, const char* what) const {
    if (reads()) wire::require(holds, what);
  }

  // What encodes itself, and may need its name or key to be read.
  template <class Part, class... Name>
  void part(Part& value, const Name&... name) {
    if (reads()) {
      value = Part::decode(*in_, name...);
    } else {
      value.encode(*out_);
    }
  }

  // What `each` writes or reads, with its length, so that a reader can pass over it.
  template <class Each>
  void sized(Each&& each) {
    if (reads()) {
      wire::Reader body(in_->bytes(in_->varint()));
      Codec codec(body);
      each(codec);
      body.expect_end();
    } else {
      wire::Writer body;
      Codec codec(body);
      each(codec);
      out_->varint(body.size());
      out_->bytes(body.view());
    }
  }

  // How many entries there are, and each; they are read into an empty set or vector. Entries must
  // rise, so that equal states have equal bytes.
  template <class Entries, class Each, class Order = std::less<>>
  void list(Entries& entries, Each&& each, Order order = {}) {
    using Entry = typename Entries::value_type;
    if (!reads()) {
      out_->varint(entries.size());
      for (const Entry& entry : entries) each(const_cast<Entry&>(entry));
      return;
    }
    for (std::uint64_t left = in_->varint(); left > 0; --left) {
      Entry entry{};
      each(entry);
      require(entries.empty() || order(*std::prev(entries.end()), entry), kOutOfOrder);
      entries.insert(entries.end(), std::move(entry));
    }
  }
  // The same, with a key before each value.
  template <class Map, class Each>
  void map(Map& map, Each&& each) {
    using Key = typename Map::key_type;
    if (!reads()) {
      out_->varint(map.size());
      for (auto& [name, value] : map) {
        key(const_cast<Key&>(name));
        each(name, value);
      }
      return;
    }
    for (std::uint64_t left = in_->varint(); left > 0; --left) {
      Key name{};
      key(name);
      require(map.empty() || map.rbegin()->first < name, kOutOfOrder);
      auto& item = *map.try_emplace(map.end(), std::move(name));
      each(item.first, item.second);
    }
  }

 private:
  static constexpr auto kOutOfOrder = "names or entries are out of order";

  template <class T>
  void number(T& value, void (wire::Writer::*write)(T), T (wire::Reader::*read)()) {
    if (reads()) {
      value = (in_->*read)();
    } else {
      (out_->*write)(value);
    }
  }

  void key(std::uint32_t& value) { varint(value); }
  void key(std::uint64_t& value) { u64(value); }
  void key(std::string& value) { text(value); }
  template <class Key>
  void key(Key& value) {
    value.layout(*this);
  }

  wire::Writer* out_ = nullptr;
  wire::Reader* in_ = nullptr;
};

}  // namespace lightmeter::profile
