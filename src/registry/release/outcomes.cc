#include "registry/release/outcomes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

constexpr size_t kCurrencyBytes = 8;

Result<double> amount(const Yaml& map, std::string_view key) {
  const auto* node = map.find(key);
  if (node == nullptr)
    return map.error(fmt::format("'{}' is missing", key))
        .hint(
            "write e.g. {currency: USD, true_positive: 60, false_positive: -15, false_negative: -40, "
            "true_negative: 0}");
  MILLRACE_TRY(const double value, node->number());
  if (!std::isfinite(value)) return node->error(fmt::format("'{}' is not a finite number", node->text()));
  return value;
}

}  // namespace

double Outcomes::of(bool chosen, bool positive) const {
  return chosen ? (positive ? true_positive : false_positive) : (positive ? false_negative : true_negative);
}

double Outcomes::best() const { return std::max({true_positive, false_positive, false_negative, true_negative}); }

double Outcomes::span() const {
  return best() - std::min({true_positive, false_positive, false_negative, true_negative});
}

Result<Outcomes> read_outcomes(const Yaml& map) {
  Outcomes out;
  MILLRACE_TRY(out.true_positive, amount(map, "true_positive"));
  MILLRACE_TRY(out.false_positive, amount(map, "false_positive"));
  MILLRACE_TRY(out.false_negative, amount(map, "false_negative"));
  MILLRACE_TRY(out.true_negative, amount(map, "true_negative"));
  return out;
}

Result<std::string> read_currency(const Yaml& map) {
  MILLRACE_TRY(const auto text, map.get_string("currency"));
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (text.empty() || text.size() > kCurrencyBytes || !letters)
    return map.find("currency")
        ->error(fmt::format("'{}' is not a currency", text))
        .hint("write its code in capital letters, e.g. USD or EUR");
  return text;
}

}  // namespace millrace::registry
