#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "measure/image_meter.hpp"
#include "sketch/quantiles.hpp"
#include "take_gil.hpp"

// What a thread works on while it does not hold the GIL; the list is guarded by the GIL.
class InUse {
 public:
  explicit InUse(const void* object) : object_(object) { objects_.push_back(object); }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  ~InUse() { objects_.erase(std::ranges::find(objects_, object_)); }

  [[nodiscard]] static bool contains(const void* object) noexcept {
    return !objects_.empty() && std::ranges::find(objects_, object) != objects_.end();
  }

 private:
  inline static std::vector<const void*> objects_;
  const void* object_;
};

// `call_python` of take_gil.hpp, with arguments of any type. Throws what the call raises.
template <class... Arguments>
pybind11::object call_python(const pybind11::object& function, Arguments&&... arguments) {
  const pybind11::tuple given = pybind11::make_tuple(std::forward<Arguments>(arguments)...);
  auto result =
      pybind11::reinterpret_steal<pybind11::object>(call_python(function.ptr(), given.ptr()));
  if (!result) throw pybind11::error_already_set();
  return result;
}

// Runs `work` while other threads may run Python.
template <class Work>
void without_gil(Work&& work) {
  std::exception_ptr error;
  PyThreadState* const state = PyEval_SaveThread();
  try {
    std::forward<Work>(work)();
  } catch (...) {
    error = std::current_exception();
  }
  take_gil(state);
  if (error) std::rethrow_exception(error);
}

// The same of work on `object`, which other threads may not use meanwhile.
template <class Work>
void without_gil(const void* object, Work&& work) {
  const InUse in_use(object);
  without_gil(std::forward<Work>(work));
}

// Checks each argument that is a T, whichever function it is for.
template <class T>
class ExclusiveCaster : public pybind11::detail::type_caster_base<T> {
 public:
  template <class U>
  using cast_op_type = pybind11::detail::cast_op_type<U>;

  operator T*() {  // NOLINT(google-explicit-constructor): pybind11 asks for it
    auto* const object = static_cast<T*>(this->value);
    if (!InUse::contains(object)) return object;
    const auto type = pybind11::type::of<T>().attr("__name__").template cast<std::string>();
    throw std::runtime_error("this " + type + " is in use in another thread; wait for that call, " +
                             "or give each thread its own");
  }
  operator T&() {  // NOLINT(google-explicit-constructor)
    if (this->value == nullptr) throw pybind11::reference_cast_error();
    return *static_cast<T*>(*this);
  }
};

namespace pybind11::detail {
template <>
class type_caster<lightmeter::sketch::QuantileSketch>
    : public ExclusiveCaster<lightmeter::sketch::QuantileSketch> {};
template <>
class type_caster<lightmeter::measure::ImageMeter>
    : public ExclusiveCaster<lightmeter::measure::ImageMeter> {};
}  // namespace pybind11::detail
