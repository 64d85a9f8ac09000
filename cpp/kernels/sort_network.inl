// A bitonic sorting network, and the scan before it. Included inside the region and namespace of
// each tier, after the types it is used with:
//
//   struct { using Value; using Vector; kLanes; kBlock; static Vector min(), max(), all(Value); }
//
// kBlock vectors fit into the registers. Which values are compared does not depend on the values,
// so there is no bad input, and for finite values without -0.0 min and max are those of a total
// order: every tier gives the same bytes.
//
// The values are a matrix of n / kLanes rows of one vector each. First every column is sorted, by
// comparing whole rows; then neighbouring columns are merged until all of them are one run, down
// the first column, then down the second, and so on. Merging compares lanes of a row, which costs
// three times as much as comparing rows, only once for each doubling of the columns. A
// transposition brings the run into order.

template <class S>
[[gnu::always_inline]] inline typename S::Vector load(const typename S::Value* p) noexcept {
  typename S::Vector v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <class S>
[[gnu::always_inline]] inline void store(typename S::Value* p, typename S::Vector v) noexcept {
  std::memcpy(p, &v, sizeof(v));
}

template <class S>
constexpr auto kAllLanes = std::make_index_sequence<S::kLanes>();

// Lane i of the result is lane i ^ kFlip.
template <class S, std::size_t kFlip, std::size_t... kLane>
[[gnu::always_inline]] inline typename S::Vector flip(typename S::Vector v,
                                                      std::index_sequence<kLane...>) noexcept {
  return __builtin_shufflevector(v, v, (kLane ^ kFlip)...);
}

// Lanes with the bit kUpper from `upper`, the others from `lower`.
template <class S, std::size_t kUpper, std::size_t... kLane>
[[gnu::always_inline]] inline typename S::Vector select(typename S::Vector lower,
                                                        typename S::Vector upper,
                                                        std::index_sequence<kLane...>) noexcept {
  return __builtin_shufflevector(lower, upper,
                                 ((kLane & kUpper) != 0 ? S::kLanes + kLane : kLane)...);
}

// Compares lanes that are kDistance apart, then those half as far, and so on: sorts each bitonic
// run of 2 kDistance lanes.
template <class S, std::size_t kDistance>
[[gnu::always_inline]] inline typename S::Vector merge_lanes(typename S::Vector v) noexcept {
  if constexpr (kDistance == 0) {
    return v;
  } else {
    const typename S::Vector other = flip<S, kDistance>(v, kAllLanes<S>);
    return merge_lanes<S, kDistance / 2>(
        select<S, kDistance>(S::min(v, other), S::max(v, other), kAllLanes<S>));
  }
}

template <class S>
[[gnu::always_inline]] inline void exchange(typename S::Vector& low,
                                            typename S::Vector& high) noexcept {
  const typename S::Vector least = S::min(low, high);
  high = S::max(low, high);
  low = least;
}

// Sorts the columns of kCount rows, which are bitonic.
template <class S, std::size_t kCount>
[[gnu::always_inline]] inline void merge_block(typename S::Vector* v) noexcept {
  if constexpr (kCount > 1) {
    for (std::size_t i = 0; i < kCount / 2; ++i) exchange<S>(v[i], v[i + kCount / 2]);
    merge_block<S, kCount / 2>(v);
    merge_block<S, kCount / 2>(v + kCount / 2);
  }
}

// Sorts the columns of kCount rows. The smaller half of two sorted runs lies where the first run
// and the reverse of the second are compared value by value; both halves are bitonic then.
template <class S, std::size_t kCount>
[[gnu::always_inline]] inline void sort_block(typename S::Vector* v) noexcept {
  if constexpr (kCount > 1) {
    sort_block<S, kCount / 2>(v);
    sort_block<S, kCount / 2>(v + kCount / 2);
    for (std::size_t i = 0; i < kCount / 2; ++i) exchange<S>(v[i], v[kCount - 1 - i]);
    merge_block<S, kCount / 2>(v);
    merge_block<S, kCount / 2>(v + kCount / 2);
  }
}

// Applies kSort to kCount rows that are `stride` rows apart, for all rows: one pass over the memory
// for as many rounds of comparisons as fit into the registers.
template <class S, std::size_t kCount, auto kSort>
[[gnu::always_inline]] inline void pass(typename S::Value* values, std::size_t rows,
                                        std::size_t stride) noexcept {
  typename S::Vector v[kCount];
  for (std::size_t begin = 0; begin < rows; begin += kCount * stride) {
    for (std::size_t row = begin; row < begin + stride; ++row) {
      typename S::Value* at = values + row * S::kLanes;
      for (std::size_t i = 0; i < kCount; ++i) v[i] = load<S>(at + i * stride * S::kLanes);
      kSort(v);
      for (std::size_t i = 0; i < kCount; ++i) store<S>(at + i * stride * S::kLanes, v[i]);
    }
  }
}

template <class S>
[[gnu::always_inline]] inline void exchange_rows(typename S::Value* low,
                                                 typename S::Value* high) noexcept {
  typename S::Vector a = load<S>(low), b = load<S>(high);
  exchange<S>(a, b);
  store<S>(low, a);
  store<S>(high, b);
}

// Sorts the columns of each `run` rows, which are bitonic.
template <class S>
[[gnu::always_inline]] inline void merge_rows(typename S::Value* values, std::size_t rows,
                                              std::size_t run) noexcept {
  std::size_t stride = run / S::kBlock;
  for (; stride >= S::kBlock; stride /= S::kBlock) {
    pass<S, S::kBlock, merge_block<S, S::kBlock>>(values, rows, stride);
  }
  if (stride == 8) pass<S, 8, merge_block<S, 8>>(values, rows, S::kBlock);
  if (stride == 4) pass<S, 4, merge_block<S, 4>>(values, rows, S::kBlock);
  if (stride == 2) pass<S, 2, merge_block<S, 2>>(values, rows, S::kBlock);
  pass<S, S::kBlock, merge_block<S, S::kBlock>>(values, rows, 1);
}

template <class S>
[[gnu::always_inline]] inline void sort_columns(typename S::Value* values,
                                                std::size_t rows) noexcept {
  pass<S, S::kBlock, sort_block<S, S::kBlock>>(values, rows, 1);
  for (std::size_t run = 2 * S::kBlock; run <= rows; run *= 2) {
    for (std::size_t begin = 0; begin < rows; begin += run) {
      for (std::size_t i = 0; i < run / 2; ++i) {
        exchange_rows<S>(values + (begin + i) * S::kLanes,
                         values + (begin + run - 1 - i) * S::kLanes);
      }
    }
    merge_rows<S>(values, rows, run / 2);
  }
}

// Merges runs of kSpan / 2 columns, then those, and so on.
template <class S, std::size_t kSpan>
[[gnu::always_inline]] inline void merge_columns(typename S::Value* values,
                                                 std::size_t rows) noexcept {
  if constexpr (kSpan <= S::kLanes) {
    for (std::size_t row = 0; row < rows / 2; ++row) {
      typename S::Value* first = values + row * S::kLanes;
      typename S::Value* second = values + (rows - 1 - row) * S::kLanes;
      const typename S::Vector a = load<S>(first);
      const typename S::Vector b = flip<S, kSpan - 1>(load<S>(second), kAllLanes<S>);
      const typename S::Vector low = S::min(a, b), high = S::max(a, b);
      store<S>(first, merge_lanes<S, kSpan / 4>(select<S, kSpan / 2>(low, high, kAllLanes<S>)));
      const typename S::Vector rest = select<S, kSpan / 2>(high, low, kAllLanes<S>);
      store<S>(second, merge_lanes<S, kSpan / 4>(flip<S, kSpan - 1>(rest, kAllLanes<S>)));
    }
    merge_rows<S>(values, rows, rows);
    merge_columns<S, 2 * kSpan>(values, rows);
  }
}

// Exchanges the blocks off the diagonal of a square of kLanes rows, the blocks being kSize wide.
template <class S, std::size_t kSize, std::size_t... kLane>
[[gnu::always_inline]] inline void transpose(typename S::Vector* v,
                                             std::index_sequence<kLane...> lanes) noexcept {
  if constexpr (kSize < S::kLanes) {
    for (std::size_t i = 0; i < S::kLanes; ++i) {
      if ((i & kSize) != 0) continue;
      const typename S::Vector a = v[i], b = v[i + kSize];
      v[i] = __builtin_shufflevector(
          a, b, ((kLane & kSize) != 0 ? S::kLanes + (kLane ^ kSize) : kLane)...);
      v[i + kSize] = __builtin_shufflevector(
          a, b, ((kLane & kSize) != 0 ? S::kLanes + kLane : (kLane ^ kSize))...);
    }
    transpose<S, 2 * kSize>(v, lanes);
  }
}

template <class S>
void sort(typename S::Value* values, typename S::Value* sorted, std::size_t n) noexcept {
  const std::size_t rows = n / S::kLanes;
  sort_columns<S>(values, rows);
  merge_columns<S, 2>(values, rows);
  typename S::Vector v[S::kLanes];
  for (std::size_t row = 0; row < rows; row += S::kLanes) {
    for (std::size_t i = 0; i < S::kLanes; ++i) v[i] = load<S>(values + (row + i) * S::kLanes);
    transpose<S, 1>(v, kAllLanes<S>);
    for (std::size_t i = 0; i < S::kLanes; ++i) store<S>(sorted + i * rows + row, v[i]);
  }
}

// x - x is 0 for finite x and NaN otherwise, and a sum with NaN in it stays NaN.
template <class S>
bool scan(const typename S::Value* values, typename S::Value* copy, std::size_t n,
          typename S::Value* least, typename S::Value* greatest) noexcept {
  const typename S::Vector zero = S::all(0);
  typename S::Vector low = load<S>(values) + zero, high = low, zeros = zero;
  for (std::size_t i = 0; i < n; i += S::kLanes) {
    const typename S::Vector v = load<S>(values + i) + zero;
    store<S>(copy + i, v);
    low = S::min(low, v);
    high = S::max(high, v);
    zeros += v - v;
  }
  bool finite = true;
  *least = low[0];
  *greatest = high[0];
  for (std::size_t i = 0; i < S::kLanes; ++i) {
    *least = std::min<typename S::Value>(*least, low[i]);
    *greatest = std::max<typename S::Value>(*greatest, high[i]);
    finite = finite && zeros[i] == 0;
  }
  return finite;
}
