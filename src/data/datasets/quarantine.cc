#include "data/datasets/quarantine.h"

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::data {
namespace {

constexpr std::string_view kFile = "millrace_file", kRow = "millrace_row", kReasons = "millrace_reasons";

bool is_ours(const std::string& name) { return name == kFile || name == kRow || name == kReasons; }

QuarantineColumn column_of(const engine::Table& table, size_t at, const Object* object, bool unmasked) {
  QuarantineColumn out{.name = table.name(at), .type = table.type(at)};
  const auto* property = object == nullptr ? nullptr : object->find(out.name);
  if (property != nullptr) out.classification = property->classification;
  out.masked = !unmasked && (property == nullptr || property->is_masked());
  return out;
}

Json row_json(const engine::Table& table, size_t row, const std::vector<size_t>& places,
              const std::vector<QuarantineColumn>& columns) {
  const auto ours = [&](std::string_view name) {
    const auto at = table.find(name);
    return at ? table.json(row, *at) : Json(nullptr);
  };
  Json values = Json::array();
  for (size_t i = 0; i < columns.size(); ++i)
    values.push_back(columns[i].masked ? Json(nullptr) : table.json(row, places[i]));
  return {{"file", ours(kFile)}, {"row", ours(kRow)}, {"reasons", ours(kReasons)}, {"values", std::move(values)}};
}

Result<QuarantineRows> read_page(engine::Engine& engine, const std::string& file, const Object* object,
                                 const QuarantinePage& page) {
  const auto source = fmt::format("read_parquet({})", engine::quote_text(file));
  MILLRACE_TRY(const auto count, engine.query(fmt::format("SELECT count(*) FROM {}", source)));
  MILLRACE_TRY(const auto table, engine.query(fmt::format("SELECT * FROM {} ORDER BY {}, {} LIMIT {} OFFSET {}", source,
                                                          kFile, kRow, page.count, page.from)));
  QuarantineRows out{.total = count.integer(0, 0)};
  std::vector<size_t> places;
  for (size_t i = 0; i < table.columns(); ++i) {
    if (is_ours(table.name(i))) continue;
    places.push_back(i);
    out.columns.push_back(column_of(table, i, object, page.unmasked));
    const auto& classification = out.columns.back().classification;
    const bool open = object != nullptr && (classification.empty() || classification == "public");
    out.classified = out.classified || (!out.columns.back().masked && !open);
  }
  for (size_t row = 0; row < table.rows(); ++row) out.items.push_back(row_json(table, row, places, out.columns));
  return out;
}

}  // namespace

Result<Contract> contract_of(const store::Blobs& blobs, const DatasetVersion& version) {
  MILLRACE_TRY(const auto text, blobs.get(version.contract_file, limits::yaml_bytes));
  return parse_contract(text, version.node());
}

const Object* object_of(const Contract& contract, const DatasetVersion& version) {
  const auto found = contract.object(contract.objects.size() == 1 ? "" : version.dataset);
  return found ? *found : nullptr;
}

Result<QuarantineRows> read_quarantine(engine::Engines& engines, const store::Blobs& blobs,
                                       const DatasetVersion& version, const QuarantinePage& page) {
  if (version.quarantine_file.empty()) return QuarantineRows{};
  MILLRACE_TRY(const auto file, blobs.path_of(version.quarantine_file));
  const auto contract = contract_of(blobs, version);
  MILLRACE_TRY(
      auto engine,
      engines.open({.threads = 1, .memory_bytes = int64_t{512} << 20, .readable = {file}, .timeout = 30'000'000}));
  MILLRACE_DO(engine->lock_down());
  return read_page(*engine, file, contract ? object_of(*contract, version) : nullptr, page);
}

}  // namespace millrace::data
