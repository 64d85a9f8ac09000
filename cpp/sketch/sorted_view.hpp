#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace lightmeter::sketch {

// A weighted sample in rising order without ties: cumulative[i] is the weight of values[0] to
// values[i], and the last one is n. In exact and counted mode these are all the values there are.
struct SortedView {
  std::vector<double> values;
  std::vector<std::uint64_t> cumulative;

  [[nodiscard]] std::uint64_t weight(std::size_t i) const noexcept {
    return i == 0 ? cumulative[0] : cumulative[i] - cumulative[i - 1];
  }
};

// Holds the view of a sketch between two changes of it. Several threads may get() at once: each
// that finds none builds one, the first to publish wins. Copies start empty.
class ViewCache {
 public:
  ViewCache() = default;
  ViewCache(const ViewCache&) noexcept {}
  ViewCache& operator=(const ViewCache&) noexcept { return clear(), *this; }
  ~ViewCache() { clear(); }

  template <class Build>
  const SortedView& get(Build&& build) const {
    const SortedView* view = view_.load(std::memory_order_acquire);
    if (view != nullptr) return *view;
    const auto* fresh = new SortedView(build());
    if (view_.compare_exchange_strong(view, fresh, std::memory_order_acq_rel)) return *fresh;
    delete fresh;
    return *view;
  }

  void clear() noexcept {
    if (view_.load(std::memory_order_relaxed) != nullptr) delete view_.exchange(nullptr);
  }

 private:
  mutable std::atomic<const SortedView*> view_ = nullptr;
};

}  // namespace lightmeter::sketch
