#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/vector.hpp"

#if defined(__x86_64__) || defined(__aarch64__)

LIGHTMETER_OPEN_VECTORS

namespace lightmeter::kernels::vector {
namespace {

// A bitonic sorting network, and the scan before it. Which values are compared does not depend on
// the values, so there is no bad input, and for finite values without -0.0 minimum() and maximum()
// are those of a total order: every tier gives the same bytes.
//
// The values are a matrix of n / kLanes rows of one vector each. First every column is sorted, by
// comparing whole rows; then neighbouring columns are merged until all of them are one run, down
// the first column, then down the second, and so on. Merging compares lanes of a row, which costs
// three times as much as comparing rows, only once for each doubling of the columns. A
// transposition brings the run into order.

template <class T>
using Vector [[gnu::vector_size(kWidth)]] = T;

template <class T>
constexpr std::size_t kLanes = kWidth / sizeof(T);

// So many vectors fit into the registers.
constexpr std::size_t kBlock = 16;

template <class T>
LIGHTMETER_INLINE Vector<T> load(const T* p) noexcept {
  Vector<T> v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <class T>
LIGHTMETER_INLINE void store(T* p, Vector<T> v) noexcept {
  std::memcpy(p, &v, sizeof(v));
}

template <class T>
constexpr auto kAllLanes = std::make_index_sequence<kLanes<T>>();

// Lane i of the result is lane i ^ kFlip.
template <class T, std::size_t kFlip, std::size_t... kLane>
LIGHTMETER_INLINE Vector<T> flip(Vector<T> v, std::index_sequence<kLane...>) noexcept {
  return __builtin_shufflevector(v, v, (kLane ^ kFlip)...);
}

// Lanes with the bit kUpper from `upper`, the others from `lower`.
template <class T, std::size_t kUpper, std::size_t... kLane>
LIGHTMETER_INLINE Vector<T> select(Vector<T> lower, Vector<T> upper,
                                   std::index_sequence<kLane...>) noexcept {
  return __builtin_shufflevector(lower, upper,
                                 ((kLane & kUpper) != 0 ? kLanes<T> + kLane : kLane)...);
}

// Compares lanes that are kDistance apart, then those half as far, and so on: sorts each bitonic
// run of 2 kDistance lanes.
template <class T, std::size_t kDistance>
LIGHTMETER_INLINE Vector<T> merge_lanes(Vector<T> v) noexcept {
  if constexpr (kDistance > 0) {
    const Vector<T> other = flip<T, kDistance>(v, kAllLanes<T>);
    v = select<T, kDistance>(minimum(v, other), maximum(v, other), kAllLanes<T>);
    return merge_lanes<T, kDistance / 2>(v);
  }
  return v;
}

template <class T>
LIGHTMETER_INLINE void exchange(Vector<T>& low, Vector<T>& high) noexcept {
  const Vector<T> least = minimum(low, high);
  high = maximum(low, high);
  low = least;
}

// Sorts the columns of kCount rows, which are bitonic.
template <class T, std::size_t kCount>
LIGHTMETER_INLINE void merge_block(Vector<T>* v) noexcept {
  if constexpr (kCount > 1) {
    for (std::size_t i = 0; i < kCount / 2; ++i) exchange<T>(v[i], v[i + kCount / 2]);
    merge_block<T, kCount / 2>(v);
    merge_block<T, kCount / 2>(v + kCount / 2);
  }
}

// Sorts the columns of kCount rows. The smaller half of two sorted runs lies where the first run
// and the reverse of the second are compared value by value; both halves are bitonic then.
template <class T, std::size_t kCount>
LIGHTMETER_INLINE void sort_block(Vector<T>* v) noexcept {
  if constexpr (kCount > 1) {
    sort_block<T, kCount / 2>(v);
    sort_block<T, kCount / 2>(v + kCount / 2);
    for (std::size_t i = 0; i < kCount / 2; ++i) exchange<T>(v[i], v[kCount - 1 - i]);
    merge_block<T, kCount / 2>(v);
    merge_block<T, kCount / 2>(v + kCount / 2);
  }
}

// Applies kSort to kCount rows that are `stride` rows apart, for all rows: one pass over the memory
// for as many rounds of comparisons as fit into the registers.
template <class T, std::size_t kCount, auto kSort>
LIGHTMETER_INLINE void pass(T* values, std::size_t rows, std::size_t stride) noexcept {
  Vector<T> v[kCount];
  for (std::size_t begin = 0; begin < rows; begin += kCount * stride) {
    for (std::size_t row = begin; row < begin + stride; ++row) {
      T* at = values + row * kLanes<T>;
      for (std::size_t i = 0; i < kCount; ++i) v[i] = load<T>(at + i * stride * kLanes<T>);
      kSort(v);
      for (std::size_t i = 0; i < kCount; ++i) store<T>(at + i * stride * kLanes<T>, v[i]);
    }
  }
}

// Sorts the columns of each `run` rows, which are bitonic.
template <class T>
LIGHTMETER_INLINE void merge_rows(T* values, std::size_t rows, std::size_t run) noexcept {
  std::size_t stride = run / kBlock;
  for (; stride >= kBlock; stride /= kBlock) {
    pass<T, kBlock, merge_block<T, kBlock>>(values, rows, stride);
  }
  if (stride == 8) pass<T, 8, merge_block<T, 8>>(values, rows, kBlock);
  if (stride == 4) pass<T, 4, merge_block<T, 4>>(values, rows, kBlock);
  if (stride == 2) pass<T, 2, merge_block<T, 2>>(values, rows, kBlock);
  pass<T, kBlock, merge_block<T, kBlock>>(values, rows, 1);
}

template <class T>
LIGHTMETER_INLINE void sort_columns(T* values, std::size_t rows) noexcept {
  pass<T, kBlock, sort_block<T, kBlock>>(values, rows, 1);
  for (std::size_t run = 2 * kBlock; run <= rows; run *= 2) {
    for (std::size_t begin = 0; begin < rows; begin += run) {
      for (std::size_t i = 0; i < run / 2; ++i) {
        T* const low = values + (begin + i) * kLanes<T>;
        T* const high = values + (begin + run - 1 - i) * kLanes<T>;
        const Vector<T> a = load<T>(low), b = load<T>(high);
        store<T>(low, minimum(a, b));
        store<T>(high, maximum(a, b));
      }
    }
    merge_rows<T>(values, rows, run / 2);
  }
}

// Merges runs of kSpan / 2 columns, then those, and so on.
template <class T, std::size_t kSpan>
LIGHTMETER_INLINE void merge_columns(T* values, std::size_t rows) noexcept {
  if constexpr (kSpan <= kLanes<T>) {
    for (std::size_t row = 0; row < rows / 2; ++row) {
      T* first = values + row * kLanes<T>;
      T* second = values + (rows - 1 - row) * kLanes<T>;
      const Vector<T> a = load<T>(first);
      const Vector<T> b = flip<T, kSpan - 1>(load<T>(second), kAllLanes<T>);
      const Vector<T> low = minimum(a, b), high = maximum(a, b);
      store<T>(first, merge_lanes<T, kSpan / 4>(select<T, kSpan / 2>(low, high, kAllLanes<T>)));
      const Vector<T> rest = select<T, kSpan / 2>(high, low, kAllLanes<T>);
      store<T>(second, merge_lanes<T, kSpan / 4>(flip<T, kSpan - 1>(rest, kAllLanes<T>)));
    }
    merge_rows<T>(values, rows, rows);
    merge_columns<T, 2 * kSpan>(values, rows);
  }
}

// Exchanges the blocks off the diagonal of a square of kLanes rows, the blocks being kSize wide.
template <class T, std::size_t kSize, std::size_t... kLane>
LIGHTMETER_INLINE void transpose(Vector<T>* v, std::index_sequence<kLane...> lanes) noexcept {
  if constexpr (kSize < kLanes<T>) {
    for (std::size_t i = 0; i < kLanes<T>; ++i) {
      if ((i & kSize) != 0) continue;
      const Vector<T> a = v[i], b = v[i + kSize];
      v[i] = __builtin_shufflevector(
          a, b, ((kLane & kSize) != 0 ? kLanes<T> + (kLane ^ kSize) : kLane)...);
      v[i + kSize] = __builtin_shufflevector(
          a, b, ((kLane & kSize) != 0 ? kLanes<T> + kLane : (kLane ^ kSize))...);
    }
    transpose<T, 2 * kSize>(v, lanes);
  }
}

template <class T>
void sort(T* values, T* sorted, std::size_t n) noexcept {
  const std::size_t rows = n / kLanes<T>;
  sort_columns<T>(values, rows);
  merge_columns<T, 2>(values, rows);
  Vector<T> v[kLanes<T>];
  for (std::size_t row = 0; row < rows; row += kLanes<T>) {
    for (std::size_t i = 0; i < kLanes<T>; ++i) v[i] = load<T>(values + (row + i) * kLanes<T>);
    transpose<T, 1>(v, kAllLanes<T>);
    for (std::size_t i = 0; i < kLanes<T>; ++i) store<T>(sorted + i * rows + row, v[i]);
  }
}

// x - x is 0 for finite x and NaN otherwise, and a sum with NaN in it stays NaN.
template <class T>
bool scan(const T* values, T* copy, std::size_t n, T* least, T* greatest) noexcept {
  const Vector<T> zero = {};
  Vector<T> low = load<T>(values) + zero, high = low, zeros = zero;
  for (std::size_t i = 0; i < n; i += kLanes<T>) {
    const Vector<T> v = load<T>(values + i) + zero;
    store<T>(copy + i, v);
    low = minimum(low, v);
    high = maximum(high, v);
    zeros += v - v;
  }
  bool finite = true;
  *least = low[0];
  *greatest = high[0];
  for (std::size_t i = 0; i < kLanes<T>; ++i) {
    *least = std::min<T>(*least, low[i]);
    *greatest = std::max<T>(*greatest, high[i]);
    finite = finite && zeros[i] == 0;
  }
  return finite;
}

}  // namespace

const SortKernels<float> kFloats = {sort<float>, scan<float>};
const SortKernels<double> kDoubles = {sort<double>, scan<double>};

}  // namespace lightmeter::kernels::vector

LIGHTMETER_CLOSE_VECTORS

#endif
