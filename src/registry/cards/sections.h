// The parts of a model card, in their order on the page. Each starts with its heading and says plainly what is not
// known.
#pragma once
#include "registry/cards/card.h"

namespace millrace::registry::sections {

std::string data(const CardFacts& facts);         // dataset versions, periods, rows, quarantine
std::string training(const CardFacts& facts);     // stages with parameters, seed, environment
std::string performance(const CardFacts& facts);  // what the gates measured, with intervals; groups; calibration
std::string inputs(const CardFacts& facts);       // the contract
std::string gates(const CardFacts& facts);
std::string approvals(const CardFacts& facts);
std::string identity(const CardFacts& facts);  // digests, lineage, how to reproduce

}  // namespace millrace::registry::sections
