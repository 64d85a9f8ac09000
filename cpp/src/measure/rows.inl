// Shows rows to metrics, whose functions are inlined here. Included inside the region and namespace
// of each tier.

template <std::size_t I, class S>
inline void show_one(const PixelRow<S>& row, Active active, Metrics& metrics) noexcept {
  if constexpr (kPixelMetrics >> I & 1) {
    if (active >> I & 1) std::get<I>(metrics).pixels(row);
  }
}

template <std::size_t I, class S>
inline void show_one(const LumaRow<S>& row, Active active, Metrics& metrics) noexcept {
  if constexpr (kNeighbourMetrics >> I & 1) {
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

constexpr Rows kTable = {show<PixelRow<std::uint8_t>>, show<LumaRow<std::uint8_t>>,
                         show<PixelRow<std::uint16_t>>, show<LumaRow<std::uint16_t>>};
