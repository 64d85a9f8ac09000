#include "measure/luma_seams.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>

namespace lightmeter::measure {
namespace {

// Where a place just beyond the border is in the mirror.
std::int64_t mirrored(std::int64_t i, std::int64_t end) noexcept {
  if (i < 0) return end == 1 ? 0 : 1;
  if (i == end) return std::max<std::int64_t>(end - 2, 0);
  return i;
}

// Drops the marks of pixels that are not all there, with those on either side: flags -1 to n.
// Compilers make vectors of this only where nothing else can be behind the marks.
void keep_if_all(const std::uint8_t* __restrict flags, std::size_t n,
                 std::uint8_t* __restrict marked) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    marked[i] = static_cast<std::uint8_t>(marked[i] & flags[i] & flags[i + 1] & flags[i + 2]);
  }
}

// Marks pixels that have a flag, or that one on either side has.
void mark_if_any(const std::uint8_t* __restrict flags, std::size_t n,
                 std::uint8_t* __restrict marked) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    marked[i] = static_cast<std::uint8_t>(marked[i] | flags[i] | flags[i + 1] | flags[i + 2]);
  }
}

// Calls use(first, last) for each run of ones among n bytes of 0 or 1.
template <class Use>
void for_each_marked(const std::uint8_t* marked, std::size_t n, Use&& use) {
  const auto next = [&](std::size_t i, int byte) {
    const void* const at = i < n ? std::memchr(marked + i, byte, n - i) : nullptr;
    return at == nullptr ? n
                         : static_cast<std::size_t>(static_cast<const std::uint8_t*>(at) - marked);
  };
  for (std::size_t i = next(0, 1); i < n; i = next(i, 1)) {
    const std::size_t first = i;
    i = next(i, 0);
    use(first, i);
  }
}

}  // namespace

// Columns x - 1 to x + n of a row: their luma, whether it has come, and whether they wait.
template <class S>
struct LumaSeams::Row {
  std::vector<S> luma;
  std::vector<Difference<S>> wide, bend;
  std::vector<std::uint8_t> here, waits;

  explicit Row(std::size_t n) : luma(n + 2), wide(n + 2), bend(n + 2), here(n + 2), waits(n + 2) {}

  [[nodiscard]] LumaLine<S> from(std::int64_t i) const noexcept {
    const auto at = static_cast<std::size_t>(i) + 1;
    return {&luma[at], &wide[at], &bend[at]};
  }

  void mirror(std::int64_t x, std::size_t n, std::int64_t width) noexcept {
    const auto copy = [&](std::int64_t from, std::size_t to) {
      const auto at = static_cast<std::size_t>(mirrored(from, width) - x + 1);
      luma[to] = luma[at];
      here[to] = here[at];
    };
    if (x == 0) copy(-1, 0);
    if (x + static_cast<std::int64_t>(n) == width) copy(width, n + 1);
  }
};

// Three rows around a run, and marks for its pixels.
template <class S>
struct LumaSeams::Around {
  std::array<Row<S>, 3> rows;
  std::vector<std::uint8_t> marked;
};

void LumaSeams::reserve(std::size_t runs, std::size_t pixels) {
  // At least twice as much each time: tile by tile, a little more would copy all of it each time.
  const auto make_room = [](auto& vector, std::size_t more) {
    const std::size_t size = vector.size() + more;
    if (size > vector.capacity()) vector.reserve(std::max(size, 2 * vector.size()));
  };
  make_room(runs_, runs);
  make_room(luma_, pixels);
  make_room(waits_, pixels);
}

template <class S>
void LumaSeams::keep(std::int64_t x, std::int64_t y, const S* luma, std::size_t n,
                     Waiting waiting) noexcept {
  runs_.push_back({x, y, n, luma_.size()});
  luma_.insert(luma_.end(), luma, luma + n);
  waits_.insert(waits_.end(), n, waiting.all ? 1 : 0);
  if (waiting.first) waits_[waits_.size() - n] = 1;
  if (waiting.last) waits_.back() = 1;
}

void LumaSeams::add(const LumaSeams& other) {
  reserve(other.runs_.size(), other.luma_.size());
  const std::size_t shift = luma_.size();
  for (Run run : other.runs_) {
    run.at += shift;
    runs_.push_back(run);
  }
  luma_.insert(luma_.end(), other.luma_.begin(), other.luma_.end());
  waits_.insert(waits_.end(), other.waits_.begin(), other.waits_.end());
}

// The same in the order of rows and columns, with runs that touch made one.
LumaSeams LumaSeams::joined() const {
  LumaSeams joined;
  joined.reserve(runs_.size(), luma_.size());
  std::vector<Run> sorted = runs_;
  std::ranges::sort(sorted, {}, [](const Run& run) { return std::tuple(run.y, run.x); });
  for (const Run& run : sorted) {
    Run* const last = joined.runs_.empty() ? nullptr : &joined.runs_.back();
    if (last != nullptr && last->y == run.y &&
        last->x + static_cast<std::int64_t>(last->n) == run.x) {
      last->n += run.n;
    } else {
      joined.runs_.push_back({run.x, run.y, run.n, joined.luma_.size()});
    }
    const auto at = static_cast<std::ptrdiff_t>(run.at), n = static_cast<std::ptrdiff_t>(run.n);
    joined.luma_.insert(joined.luma_.end(), luma_.begin() + at, luma_.begin() + at + n);
    joined.waits_.insert(joined.waits_.end(), waits_.begin() + at, waits_.begin() + at + n);
  }
  return joined;
}

// Of sorted runs: columns x - 1 to x + n of row y, without a mirror.
template <class S>
void LumaSeams::look(std::int64_t x, std::int64_t y, std::size_t n, Row<S>& row) const noexcept {
  std::fill_n(row.here.begin(), n + 2, std::uint8_t{0});
  std::fill_n(row.waits.begin(), n + 2, std::uint8_t{0});
  const std::int64_t first = x - 1, last = x + static_cast<std::int64_t>(n) + 1;
  auto run = std::ranges::upper_bound(runs_, std::tuple(y, first), {},
                                      [](const Run& each) { return std::tuple(each.y, each.x); });
  if (run != runs_.begin()) --run;
  for (; run != runs_.end() && run->y <= y && (run->y < y || run->x < last); ++run) {
    const std::int64_t from = std::max(run->x, first);
    const std::int64_t to = std::min(run->x + static_cast<std::int64_t>(run->n), last);
    if (run->y < y || from >= to) continue;
    const std::size_t at = run->at + static_cast<std::size_t>(from - run->x);
    const std::size_t start = static_cast<std::size_t>(from - first);
    const std::size_t count = static_cast<std::size_t>(to - from);
    const std::uint16_t* const luma = &luma_[at];
    S* const row_luma = &row.luma[start];
    for (std::size_t i = 0; i < count; ++i) row_luma[i] = static_cast<S>(luma[i]);
    std::fill_n(&row.here[start], count, std::uint8_t{1});
    std::copy_n(&waits_[at], count, &row.waits[start]);
  }
}

template <class S>
void LumaSeams::show(const Frame& frame, const Mask* mask, Around<S>& around,
                     const RowKernels<S>& rows, Active active, Metrics& metrics) noexcept {
  const std::int64_t height = frame.height == 0 ? kMaxPixels : frame.height;
  auto& [above, here, below] = around.rows;
  std::uint8_t* const marked = around.marked.data();
  for (const Run& run : runs_) {
    look(run.x, mirrored(run.y - 1, height), run.n, above);
    look(run.x, run.y, run.n, here);
    look(run.x, mirrored(run.y + 1, height), run.n, below);
    for (Row<S>& row : around.rows) {
      row.mirror(run.x, run.n, frame.width);
      rows.bend(&row.luma[1], run.n, &row.wide[1], &row.bend[1]);
    }
    std::copy_n(&here.waits[1], run.n, marked);
    for (const Row<S>& row : around.rows) keep_if_all(row.here.data(), run.n, marked);
    const auto show_run = [&](std::int64_t x, std::int64_t n) {
      const std::int64_t at = x - run.x;
      rows.neighbours(
          LumaRow<S>{above.from(at), here.from(at), below.from(at), static_cast<std::size_t>(n), x,
                     run.y, x == 0, x + n == frame.width, run.y == 0, run.y + 1 == frame.height},
          active, metrics);
    };
    for_each_marked(marked, run.n, [&](std::size_t first, std::size_t last) {
      std::fill_n(&waits_[run.at + first], last - first, std::uint8_t{0});
      const auto from = run.x + static_cast<std::int64_t>(first);
      const auto to = run.x + static_cast<std::int64_t>(last);
      if (mask == nullptr) {
        show_run(from, to - from);
      } else {
        for_each_run(mask->near(run.y), from, to, show_run);
      }
    });
  }
}

// Moves the pixels that wait, and those beside them, to where there is room.
template <class S>
void LumaSeams::move_waiting(Around<S>& around, LumaSeams& to) const noexcept {
  std::uint8_t* const marked = around.marked.data();
  for (const Run& run : runs_) {
    for (std::int64_t i = 0; i < 3; ++i) {
      look(run.x, run.y - 1 + i, run.n, around.rows[static_cast<std::size_t>(i)]);
    }
    std::fill_n(marked, run.n, std::uint8_t{0});
    for (const Row<S>& row : around.rows) mark_if_any(row.waits.data(), run.n, marked);
    for_each_marked(marked, run.n, [&](std::size_t first, std::size_t last) {
      to.runs_.push_back(
          {run.x + static_cast<std::int64_t>(first), run.y, last - first, to.luma_.size()});
      const auto from = static_cast<std::ptrdiff_t>(run.at + first);
      const auto end = static_cast<std::ptrdiff_t>(run.at + last);
      to.luma_.insert(to.luma_.end(), luma_.begin() + from, luma_.begin() + end);
      to.waits_.insert(to.waits_.end(), waits_.begin() + from, waits_.begin() + end);
    });
  }
}

template <class S>
void LumaSeams::settle(const Frame& frame, const Mask* mask, const RowKernels<S>& rows,
                       Active active, Metrics& metrics) {
  LumaSeams all = joined(), left;
  std::size_t widest = 0;
  for (const Run& run : all.runs_) widest = std::max(widest, run.n);
  Around<S> around{{Row<S>(widest), Row<S>(widest), Row<S>(widest)},
                   std::vector<std::uint8_t>(widest)};
  // Pixels that are needed lie in threes, but for the ends of runs.
  left.reserve(2 * all.runs_.size() + all.luma_.size() / 4, all.luma_.size());
  all.show(frame, mask, around, rows, active, metrics);
  all.move_waiting(around, left);
  left.settled_ = left.luma_.size();
  *this = std::move(left);
}

template void LumaSeams::keep(std::int64_t, std::int64_t, const std::uint8_t*, std::size_t,
                              Waiting) noexcept;
template void LumaSeams::keep(std::int64_t, std::int64_t, const std::uint16_t*, std::size_t,
                              Waiting) noexcept;
template void LumaSeams::settle(const Frame&, const Mask*, const RowKernels<std::uint8_t>&, Active,
                                Metrics&);
template void LumaSeams::settle(const Frame&, const Mask*, const RowKernels<std::uint16_t>&, Active,
                                Metrics&);

}  // namespace lightmeter::measure
