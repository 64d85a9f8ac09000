#include <algorithm>
#include <cmath>

#include "kernels/sort.hpp"

namespace lightmeter::kernels::scalar {
namespace {

template <class T>
void sort(T* values, T* sorted, std::size_t n) noexcept {
  std::copy(values, values + n, sorted);
  std::sort(sorted, sorted + n);
}

template <class T>
bool scan(const T* values, T* copy, std::size_t n, T* least, T* greatest) noexcept {
  bool finite = true;
  *least = *greatest = values[0] + T{0};
  for (std::size_t i = 0; i < n; ++i) {
    finite = finite && std::isfinite(values[i]);
    copy[i] = values[i] + T{0};
    *least = std::min(*least, copy[i]);
    *greatest = std::max(*greatest, copy[i]);
  }
  return finite;
}

}  // namespace

const SortKernels kSort = {sort<float>, sort<double>, scan<float>, scan<double>};

}  // namespace lightmeter::kernels::scalar
