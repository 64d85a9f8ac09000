#pragma once

#include <memory>
#include <utility>

namespace lightmeter {

// A T that is made when it is first needed, and until then takes the room of a pointer. A copy has
// a T of its own.
template <class T>
class Box {
 public:
  Box() = default;
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) { return *this = Box(other); }
  Box& operator=(Box&&) noexcept = default;

  template <class... Arguments>
  T& make(Arguments&&... arguments) {
    if (!value_) value_ = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    return *value_;
  }
  explicit operator bool() const noexcept { return value_ != nullptr; }
  [[nodiscard]] T& operator*() noexcept { return *value_; }
  [[nodiscard]] const T& operator*() const noexcept { return *value_; }
  [[nodiscard]] T* operator->() noexcept { return value_.get(); }
  [[nodiscard]] const T* operator->() const noexcept { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace lightmeter
