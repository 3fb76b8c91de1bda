#include "report/parts.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/svg/canvas.h"
#include "report/words.h"

namespace millrace::report {
namespace {

Html head_of(const Table& table) {
  Html cells;
  for (const auto& column : table.columns) {
    Attributes attributes{{"scope", "col"}};
    if (column.number) attributes.emplace_back("class", "num");
    cells += element("th", attributes, text(column.name));
  }
  return element("thead", element("tr", cells));
}

Html row_of(const Table& table, const std::vector<Html>& row) {
  Html cells;
  for (size_t i = 0; i < row.size(); ++i) {
    const bool number = i < table.columns.size() && table.columns[i].number;
    cells += element("td", number ? Attributes{{"class", "num"}} : Attributes{}, row[i]);
  }
  return element("tr", cells);
}

Html scrolled(const std::string& name, const Html& inside) {
  return element("div", {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", name}}, inside);
}

Html figure_of(const Html& drawings, std::string_view caption, const Table& numbers) {
  return element("figure", element("figcaption", text(caption)) + drawings + folded(numbers));
}

}  // namespace

Html table(const Table& table) {
  Html rows;
  const size_t shown = std::min(table.rows.size(), kTableRows), all = std::max(table.of, table.rows.size());
  for (size_t i = 0; i < shown; ++i) rows += row_of(table, table.rows[i]);
  if (rows.empty())
    rows = element("tr", element("td", {{"colspan", std::to_string(table.columns.size())}}, text("nothing yet")));
  auto caption = table.caption;
  if (shown < all)
    caption += fmt::format(" ({} of {} rows)", count(static_cast<double>(shown)), count(static_cast<double>(all)));
  const Attributes shape{{"class", table.columns.size() > 5 ? "broad" : "slim"}};
  return scrolled(table.caption,
                  element("table", shape, element("caption", text(caption)) + head_of(table) + element("tbody", rows)));
}

Html folded(const Table& numbers) { return element("details", words("summary", "The numbers") + table(numbers)); }

Html figure(std::string_view caption, const Html& drawing, const Table& numbers) {
  return figure_of(drawing, caption, numbers);
}

Html figure(std::string_view caption, const Html& wide, const Html& narrow, const Table& numbers) {
  return figure_of(element("div", {{"class", "wide"}}, wide) + element("div", {{"class", "narrow"}}, narrow), caption,
                   numbers);
}

Html figures(std::string_view caption, const std::vector<Small>& drawings, const Table& numbers) {
  Html list;
  for (const auto& one : drawings)
    list += element("div", {{"class", "small"}}, words("p", "small-name", one.caption) + one.drawing);
  return figure_of(element("div", {{"class", "smalls"}}, list), caption, numbers);
}

Html nothing(std::string_view what, std::string_view command) {
  return element("p", {{"class", "nothing"}}, text(what) + " Next: " + code(command));
}

Html paragraph(std::string_view raw) { return words("p", raw); }
Html code(std::string_view raw) { return words("code", raw); }

Html chip(std::string_view kind, std::string_view raw) {
  const std::string_view sign = kind == "good"   ? "\xE2\x9C\x93 "  // a tick
                                : kind == "warn" ? "\xE2\x96\xB3 "  // an open triangle
                                : kind == "bad"  ? "\xE2\x96\xB2 "  // a full one
                                                 : "";
  return words("span", "chip " + std::string(kind), std::string(sign) + std::string(raw));
}

Html digest_code(std::string_view digest) {
  if (digest.empty()) return text(kUnknown);
  return element("code", {{"title", std::string(digest)}}, text(short_digest(digest)));
}

std::vector<Html> cells(const std::vector<std::string>& all) {
  std::vector<Html> out;
  for (const auto& one : all) out.push_back(text(one));
  return out;
}

Html legend(const std::vector<Key>& keys) {
  Html list;
  for (const auto& key : keys) {
    svg::Canvas canvas(34, 14, key.name);
    canvas.path({{1, 7}, {33, 7}}, fmt::format("line c{} d{}", key.colour, key.dash));
    canvas.mark(svg::shape_of(key.colour), {17, 7}, 4,
                fmt::format("dot c{}{}", key.colour, key.hollow ? " hollow" : ""));
    list += element("li", canvas.finish() + text(key.name));
  }
  return element("ul", {{"class", "legend"}}, list);
}

}  // namespace millrace::report
