#include "report/render.h"

#include <array>

#include <fmt/format.h>

#include "core/codes/base64.h"
#include "core/embedded.h"
#include "core/hash.h"
#include "report/parts.h"
#include "report/words.h"

namespace millrace::report {

#define MILLRACE_SECTION(name, title) Html write_##name(const Facts& facts);
#include "report/sections/list.inc"
#undef MILLRACE_SECTION

namespace {

constexpr Section kSections[] = {
#define MILLRACE_SECTION(name, title) {#name, title, &write_##name},
#include "report/sections/list.inc"
#undef MILLRACE_SECTION
};

std::string_view css() { return core::embedded("report/embed/report.css").value_or(""); }

int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

std::string base64_digest(std::string_view bytes) {
  const auto digest = digest_of(bytes);
  const auto hex = std::string_view(digest).substr(digest.find(':') + 1);
  std::string raw;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) raw += static_cast<char>(nibble(hex[i]) * 16 + nibble(hex[i + 1]));
  return to_base64(raw);
}

std::string project_name(const Facts& facts) {
  return string_or(object_in(facts.all(), "project"), "name", "no project");
}

Html head_of(const Facts& facts) {
  return element(
      "head",
      empty_element("meta", {{"charset", "utf-8"}}) +
          empty_element("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", content_security_policy()}}) +
          empty_element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
          empty_element("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
          empty_element("meta", {{"name", "referrer"}, {"content", "no-referrer"}}) +
          words("title", project_name(facts) + ": report of the model loop") + style_sheet(css()));
}

Html banner_of(const Facts& facts) {
  const auto made = fmt::format("Report of the model loop, made {} by Millrace {}", moment(facts.made_at),
                                string_or(facts.all(), "millrace", ""));
  Html links;
  for (const auto& section : kSections)
    links += element("li", element("a", {{"href", "#" + std::string(section.id)}}, text(section.title)));
  return element("header", words("h1", project_name(facts)) + words("p", "made", made)) +
         element("nav", {{"aria-label", "Sections"}}, element("ol", links));
}

Html notes_of(const Facts& facts) {
  Html list;
  for (const auto& note : list_in(facts.all(), "notes"))
    if (note.is_string()) list += words("li", note.get<std::string>());
  return list.empty() ? Html() : element("ul", {{"class", "notes"}}, list);
}

Html main_of(const Facts& facts) {
  Html out;
  for (const auto& section : kSections) {
    const std::string id(section.id);
    out += element("section", {{"id", id}, {"aria-labelledby", id + "-title"}},
                   element("h2", {{"id", id + "-title"}}, text(section.title)) + section.write(facts));
  }
  return element("main", {{"id", "main"}}, out);
}

Html foot_of(const Facts& facts) {
  return element("footer", notes_of(facts) +
                               paragraph("Times are in UTC. Event time is when things happened in the world, recorded "
                                         "time when this installation learnt of them. Intervals are of 95 %. This "
                                         "file asks nothing of any server and holds no rows, only sums."));
}

}  // namespace

std::string content_security_policy() {
  return "default-src 'none'; style-src 'sha256-" + base64_digest(css()) + "'; base-uri 'none'; form-action 'none'";
}

std::string render(const Json& document) {
  const auto facts = read_facts(document);
  const auto page = element(
      "html", {{"lang", "en"}},
      head_of(facts) + element("body", element("a", {{"class", "skip"}, {"href", "#main"}}, text("To the content")) +
                                           banner_of(facts) + main_of(facts) + foot_of(facts)));
  return "<!DOCTYPE html>\n" + page.bytes() + "\n";
}

}  // namespace millrace::report
