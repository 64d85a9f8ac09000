#pragma once

#include <cstdint>

// The two structures of the Arrow C data interface that are read here, laid out as its
// specification fixes them (https://arrow.apache.org/docs/format/CDataInterface.html).
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
