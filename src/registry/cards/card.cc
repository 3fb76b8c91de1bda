#include "registry/cards/card.h"

#include <fmt/format.h>

#include "registry/cards/fields.h"
#include "registry/cards/markdown.h"
#include "registry/cards/sections.h"
#include "registry/facts.h"

namespace millrace::registry {
namespace {

constexpr size_t kReportBytes = 256 << 20;
constexpr size_t kContractBytes = 4 << 20;

std::string people_section(const CardFacts& facts) {
  // What the gates saw and people approved stands here, not what the project file says meanwhile.
  const Json card = facts.report.is_null() ? facts.spec.card : facts.report.value("card", Json::object());
  std::string out;
  for (const auto& field : kCardFields) {
    const auto said = string_or(card, field.key, "");
    if (said.empty() && !field.required) continue;
    out += fmt::format("\n## {}\n\n{}\n", field.title,
                       said.empty() ? std::string("Not known: nobody has written it.") : markdown::text(said));
  }
  if (card != facts.spec.card)
    out += "\nThe project file says something else by now; the text above is what the gates were evaluated with.\n";
  return out;
}

Result<CardFacts> read_facts(const Parts& parts, const std::string& workspace, const ModelSpec& spec,
                             const StoredVersion& stored) {
  CardFacts facts{.spec = spec, .stored = stored};
  const auto& digests = stored.version.digests;
  if (!digests.report.empty()) {
    MILLRACE_TRY(const auto text, parts.blobs.get(digests.report, kReportBytes));
    MILLRACE_TRY(facts.report, parse_json(text, "the gates' report"));
  }
  MILLRACE_TRY(facts.data, datasets_of(parts, workspace, stored.facts));
  MILLRACE_TRY(const auto contract, parts.blobs.get(digests.contract, kContractBytes));
  const auto* named = find(stored.facts, "contract");
  MILLRACE_TRY(facts.contract, data::parse_contract(contract, named == nullptr ? std::string("the model's contract")
                                                                               : string_or(*named, "file", "")));
  return facts;
}

}  // namespace

std::string write_card(const CardFacts& facts) {
  const auto& version = facts.stored.version;
  std::string out = fmt::format("# Model card: {} version {}\n\n", markdown::text(version.model), version.version);
  out += fmt::format("{} predicts {}. It was registered by {} on {}; its state is **{}**.\n",
                     markdown::code(version.node()), markdown::code(string_or(facts.stored.facts, "label", "")),
                     markdown::text(version.author), to_iso(version.created_at), markdown::text(version.state));
  out += people_section(facts);
  out += sections::data(facts);
  out += sections::training(facts);
  out += sections::performance(facts);
  out += sections::inputs(facts);
  out += sections::gates(facts);
  out += sections::approvals(facts);
  out += sections::identity(facts);
  return out;
}

Result<std::string> Registry::card(const std::string& workspace, const ModelSpec& spec, int64_t version) const {
  MILLRACE_TRY(const auto stored, read_one<StoredVersion>(parts_.database, [&](store::Session& session) {
                 return get_stored(session, workspace, spec.name, version);
               }));
  auto facts = read_facts(parts_, workspace, spec, stored);
  if (!facts) return std::move(facts).error().while_doing(fmt::format("writing the card of {}", stored.version.node()));
  return write_card(*facts);
}

}  // namespace millrace::registry
