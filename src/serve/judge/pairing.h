// Requests of the two arms, brought together in blocks that came at about the same time: one canary request with what
// the stable arm has answered since the one before, or the other way round. What is not in a block is not compared.
#pragma once
#include <span>
#include <vector>

#include "serve/judge/observation.h"

namespace millrace::serve {

struct Block {
  std::span<const Observation> canary, stable;  // one of them has one element
};

// Not thread-safe.
class Pairing {
 public:
  static constexpr size_t kMost = 64;  // requests of one arm that wait; more than that are old and are left out
  Pairing();

  // True when a block is full: it is in block() until the next call. Few sizes are used, so that a block's bets are
  // often made before: the oldest requests beyond the next smaller one are left out.
  bool add(const Observation& seen);
  const Block& block() const { return block_; }

 private:
  std::vector<Observation> waiting_[2];  // stable, canary; oldest first
  std::vector<Observation> canary_, stable_;
  Block block_;
};

}  // namespace millrace::serve
