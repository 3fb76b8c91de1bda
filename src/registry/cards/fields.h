// What only people can say about a model: models.NAME.card. The one list of these fields.
#pragma once
#include <array>
#include <string_view>

namespace millrace::registry {

struct CardField {
  std::string_view key, title;
  bool required;  // for the gate card_complete
};

inline constexpr std::array<CardField, 6> kCardFields{{
    {"intended_use", "Intended use", true},
    {"out_of_scope", "Out of scope", false},
    {"limitations", "Limitations", true},
    {"ethical", "Ethical considerations", true},
    {"owner", "Owner", true},
    {"contact", "Contact", false},
}};

}  // namespace millrace::registry
