// The model card, written from facts alone. Pure: the same facts give the same text.
#pragma once
#include "data/contracts/contract.h"
#include "registry/records.h"

namespace millrace::registry {

struct CardFacts {
  const ModelSpec& spec;
  const StoredVersion& stored;
  Json report = nullptr;  // the gates' report; null before the first evaluation
  std::vector<data::DatasetVersion> data;
  std::optional<data::Contract> contract;
};

std::string write_card(const CardFacts& facts);

}  // namespace millrace::registry
