#include "sketch/bulk_feeder.hpp"

#include <algorithm>
#include <cmath>

#include "sketch/compactors.hpp"
#include "sketch/sorting.hpp"

namespace lightmeter::sketch {

template <class T>
BulkFeeder<T>::BulkFeeder(QuantileSketch& sketch, std::uint64_t horizon)
    : sketch_(sketch),
      horizon_(horizon),
      thin_(std::min(Compactors::run_level(kBlock, horizon), 8)) {}

template <class T>
void BulkFeeder<T>::push(std::span<const T> values) {
  sketch_.view_.clear();
  while (sketch_.is_exact() && !values.empty()) {
    sketch_.update(static_cast<double>(values[0]));
    values = values.subspan(1);
  }
  while (!values.empty()) {
    if (filled_ == 0 && values.size() >= kBlock) {
      T least, greatest;
      if (scan_values(values.data(), block_.data(), kBlock, &least, &greatest)) {
        take_block(least, greatest);
        values = values.subspan(kBlock);
        continue;
      }
    }
    const auto some = values.first(std::min(values.size(), kBlock - filled_));
    for (const T value : some) {
      if (std::isfinite(value)) {
        block_[filled_++] = value + T{0};
      } else {
        sketch_.update_apart(static_cast<double>(value), 1);
      }
    }
    values = values.subspan(some.size());
    if (filled_ == kBlock) {
      const auto [least, greatest] = std::ranges::minmax(block_);
      take_block(least, greatest);
      filled_ = 0;
    }
  }
}

// The error of one sampled block is that of a run (Compactors::insert_run).
template <class T>
void BulkFeeder<T>::take_block(T least, T greatest) {
  Compactors& compactors = *sketch_.compactors_;
  compactors.note_extrema(static_cast<double>(least), static_cast<double>(greatest));
  sketch_.n_ += kBlock;
  std::size_t offset = 0;
  if (thin_ > 0) {
    sort_values(std::span<T>(block_));
    compactors.error_.variance += 0.25 * std::ldexp(1.0, 2 * thin_);
    offset = static_cast<std::size_t>(compactors.coins_.draw(thin_));
  }
  for (std::size_t i = offset; i < kBlock; i += std::size_t{1} << thin_) {
    stage_[staged_++] = block_[i];
  }
  if (staged_ == kStage) take_stage();
}

template <class T>
void BulkFeeder<T>::take_stage() {
  if (staged_ == 0) return;
  const std::span<T> values = std::span(stage_).first(staged_);
  const std::uint64_t total = std::uint64_t{staged_} << thin_;
  if (Compactors::run_level(total, horizon_) > thin_) sort_values(values);
  sketch_.compactors_->insert_run(
      total, thin_, [&](std::uint64_t rank) { return static_cast<double>(values[rank >> thin_]); },
      horizon_);
  staged_ = 0;
}

template <class T>
void BulkFeeder<T>::finish() {
  take_stage();
  for (const T value : std::span(block_).first(filled_)) {
    sketch_.update(static_cast<double>(value));
  }
  filled_ = 0;
}

template class BulkFeeder<float>;
template class BulkFeeder<double>;

}  // namespace lightmeter::sketch
