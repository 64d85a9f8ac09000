#pragma once

#include <concepts>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

// The key of a map: a hash, text, or what has a layout of its own.
template <class Io, class Key>
void layout_key(Io io, Key& key) {
  if constexpr (std::is_integral_v<Key>) {
    io.u64(key);
  } else if constexpr (std::convertible_to<Key, std::string_view>) {
    io.text(key);
  } else {
    io.part(key);
  }
}

// A function `layout(io, value)` says once which bytes a value is. With a Packer it writes them,
// with an Unpacker it reads and checks them, so that the two cannot differ.
struct Packer {
  static constexpr bool kReads = false;
  wire::Writer& out;

  void u8(std::uint8_t value) const { out.u8(value); }
  void u64(std::uint64_t value) const { out.u64(value); }
  void f32(float value) const { out.f32(value); }
  void f64(double value) const { out.f64(value); }
  void varint(std::uint64_t value) const { out.varint(value); }
  void zigzag(std::int64_t value) const { out.zigzag(value); }
  void text(std::string_view value) const { out.string(value); }
  // Any bytes, with their length.
  template <class Bytes>
  void bytes(const Bytes& value) const {
    out.varint(value.size());
    out.bytes({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  }
  // What has a layout of its own, which may need its name.
  template <class Part, class... Name>
  void part(const Part& value, const Name&...) const {
    value.encode(out);
  }
  // How many entries there are, and each.
  template <class Entries, class Each>
  void list(const Entries& entries, std::uint64_t, const auto&, Each&& each, std::size_t = 0,
            const char* = nullptr) const {
    out.varint(entries.size());
    for (const auto& entry : entries) each(entry);
  }
  // The same, with a key before each value.
  template <class Map, class Each>
  void map(const Map& map, std::uint64_t, const auto&, Each&& each) const {
    out.varint(map.size());
    for (const auto& [key, value] : map) {
      layout_key(*this, key);
      each(key, value);
    }
  }
  void require(bool, const auto&) const {}
};

struct Unpacker {
  static constexpr bool kReads = true;
  wire::Reader& in;

  void u8(std::uint8_t& value) const { value = in.u8(); }
  void u64(std::uint64_t& value) const { value = in.u64(); }
  void f32(float& value) const { value = in.f32(); }
  void f64(double& value) const { value = in.f64(); }
  void varint(std::uint64_t& value) const { value = in.varint(); }
  void zigzag(std::int64_t& value) const { value = in.zigzag(); }
  void text(std::string& value) const { value = in.string(); }
  template <class Bytes>
  void bytes(Bytes& value) const {
    const auto read = in.bytes(in.varint());
    value.assign(read.begin(), read.end());
  }
  template <class Part, class... Name>
  void part(Part& value, const Name&... name) const {
    value = Part::decode(in, name...);
  }
  // Into an empty std::set or std::vector, in whose order entries must rise, so that equal states
  // have equal bytes. Each takes at least `bits_each` bits; there are at most `most`.
  template <class Entries, class What, class Each>
  void list(Entries& entries, std::uint64_t bits_each, const What& not_rising, Each&& each,
            std::size_t most = SIZE_MAX, const char* too_many = nullptr) const {
    const std::uint64_t count = in.count(bits_each);
    require(count <= most, too_many);
    for (std::uint64_t left = count; left > 0; --left) {
      typename Entries::value_type entry{};
      each(entry);
      require(entries.empty() || is_less(entries, *std::prev(entries.end()), entry), not_rising,
              entry);
      entries.insert(entries.end(), std::move(entry));
    }
  }
  template <class Map, class What, class Each>
  void map(Map& map, std::uint64_t bits_each, const What& not_rising, Each&& each) const {
    for (std::uint64_t left = in.count(bits_each); left > 0; --left) {
      typename Map::key_type key{};
      layout_key(*this, key);
      require(map.empty() || map.key_comp()(map.rbegin()->first, key), not_rising, key);
      auto& item = *map.try_emplace(map.end(), std::move(key));
      each(item.first, item.second);
    }
  }
  // `what` is what the DecodeError says, or a function of the entry or key that returns it.
  template <class What, class... Key>
  void require(bool holds, const What& what, const Key&... key) const {
    if (holds) return;
    if constexpr (std::convertible_to<What, const char*>) {
      throw DecodeError(what);
    } else {
      throw DecodeError(what(key...));
    }
  }

 private:
  template <class Entries>
  static bool is_less(const Entries& entries, const auto& a, const auto& b) {
    if constexpr (requires { entries.value_comp(); }) {
      return entries.value_comp()(a, b);
    } else {
      return a < b;
    }
  }
};

// `decode` of a class with a layout.
template <class Value>
[[nodiscard]] Value unpacked(wire::Reader& in) {
  Value value;
  Value::layout(Unpacker{in}, value);
  return value;
}

}  // namespace lightmeter::profile
