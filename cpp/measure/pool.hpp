#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

namespace lightmeter::measure {

// Keeps what is costly to make for whoever needs it next, in any thread: fresh memory costs as much
// as counting a small image. It has no lock, so a process may fork at any time. It is never
// destroyed, as threads may outlive everything that is.
template <class T, std::size_t kMost>
class Pool {
 public:
  // What was given back last by this thread if that is still there; null if nothing is.
  [[nodiscard]] std::unique_ptr<T> take() noexcept {
    const std::size_t first = mine();
    for (std::size_t i = 0; i < kMost; ++i) {
      std::atomic<T*>& slot = slots_[(first + i) % kMost];
      if (slot.load(std::memory_order_relaxed) == nullptr) continue;
      if (T* const kept = slot.exchange(nullptr, std::memory_order_acquire)) {
        return std::unique_ptr<T>(kept);
      }
    }
    return nullptr;
  }

  // Deletes it if there is no room.
  void give(std::unique_ptr<T> kept) noexcept {
    const std::size_t first = mine();
    for (std::size_t i = 0; i < kMost; ++i) {
      T* none = nullptr;
      if (slots_[(first + i) % kMost].compare_exchange_strong(
              none, kept.get(), std::memory_order_release, std::memory_order_relaxed)) {
        (void)kept.release();
        return;
      }
    }
  }

 private:
  // Where this thread looks first, so that its tables stay in the cache of its processor.
  static std::size_t mine() noexcept {
    static std::atomic<std::size_t> threads{0};
    static thread_local const std::size_t thread =
        threads.fetch_add(1, std::memory_order_relaxed) % kMost;
    return thread;
  }

  std::array<std::atomic<T*>, kMost> slots_{};
};

}  // namespace lightmeter::measure
