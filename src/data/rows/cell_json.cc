#include "data/rows/cell_json.h"

#include <cmath>

#include <fmt/format.h>

#include "core/clock.h"

namespace millrace::data {
namespace {

std::string time_text(int64_t micros) {
  const int64_t seconds = micros / 1'000'000;
  return fmt::format("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1'000'000);
}

}  // namespace

Json to_json(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::null:
    case Cell::Kind::wrong: return nullptr;
    case Cell::Kind::integer: return cell.integer;
    case Cell::Kind::number: return std::isfinite(cell.number) ? Json(cell.number) : Json();
    case Cell::Kind::boolean: return cell.boolean;
    case Cell::Kind::date: return to_iso(cell.integer).substr(0, 10);
    case Cell::Kind::timestamp: return to_iso(cell.integer);
    case Cell::Kind::time: return time_text(cell.integer);
    case Cell::Kind::text: return std::string(cell.text);
    case Cell::Kind::other: return Json::parse(cell.text, nullptr, false);
  }
  return nullptr;
}

std::string to_json_text(const Cell& cell) {
  const bool written = cell.kind == Cell::Kind::other || (cell.kind == Cell::Kind::number && !cell.text.empty());
  return written ? std::string(cell.text) : to_text(to_json(cell));
}

}  // namespace millrace::data
