#pragma once

#include <memory>
#include <utility>

namespace lightmeter {

// A T that is made when it is first needed, and until then takes the room of a pointer. A copy has
// a T of its own.
template <class T>
class Box : public std::unique_ptr<T> {
 public:
  Box() = default;
  Box(const Box& other) : std::unique_ptr<T>(other ? std::make_unique<T>(*other) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box other) noexcept { return this->swap(other), *this; }

  // One for all where none was made.
  [[nodiscard]] const T& or_empty() const noexcept { return *this ? **this : kEmpty; }

  template <class... Arguments>
  T& make(Arguments&&... arguments) {
    if (!*this) this->reset(new T(std::forward<Arguments>(arguments)...));
    return **this;
  }

 private:
  static inline const T kEmpty{};
};

}  // namespace lightmeter
