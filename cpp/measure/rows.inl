// Shows rows to metrics, whose functions are inlined here. Included inside the region and namespace
// of each tier.

template <std::size_t I, class S>
inline void show_one(const PixelRow<S>& row, Active active, Metrics& metrics) noexcept {
  if constexpr (kPixelMetrics >> I & 1) {
    static_assert(noexcept(std::get<I>(metrics).pixels(row)));
    if (active >> I & 1) std::get<I>(metrics).pixels(row);
  }
}

template <std::size_t I, class S>
inline void show_one(const LumaRow<S>& row, Active active, Metrics& metrics) noexcept {
  if constexpr (kNeighbourMetrics >> I & 1) {
    static_assert(noexcept(std::get<I>(metrics).neighbours(row)));
    if (active >> I & 1) std::get<I>(metrics).neighbours(row);
  }
}

template <class Row, std::size_t... I>
inline void show_all(const Row& row, Active active, Metrics& metrics,
                     std::index_sequence<I...>) noexcept {
  (show_one<I>(row, active, metrics), ...);
}

template <class Row>
void show(const Row& row, Active active, Metrics& metrics) noexcept {
  show_all(row, active, metrics, std::make_index_sequence<kMetrics>());
}

template <class S>
void bend(const S* __restrict luma, std::size_t n, Difference<S>* __restrict wide,
          Difference<S>* __restrict bent) noexcept {
  const S* const left = luma - 1;
  const S* const right = luma + 1;
  for (std::size_t i = 0; i < n; ++i) {
    const Difference<S> here = luma[i];  // once, or clang does not vectorise
    wide[i] = here;
    bent[i] = static_cast<Difference<S>>(Difference<S>{left[i]} - 2 * here + right[i]);
  }
  wide[-1] = left[0];
  wide[n] = luma[n];
}

constexpr Rows kTable = {
    show<PixelRow<std::uint8_t>>, show<LumaRow<std::uint8_t>>, show<PixelRow<std::uint16_t>>,
    show<LumaRow<std::uint16_t>>, bend<std::uint8_t>,          bend<std::uint16_t>};
