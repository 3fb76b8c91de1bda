#include "versions/objects/manifest.h"

#include <charconv>

#include <fmt/format.h>

#include "core/codes/crc32c.h"

namespace millrace::versions {
namespace {

constexpr std::string_view kHead = "millrace-tree 1\n";
constexpr size_t kWhole = 4'096;         // a folder of so many entries is one manifest
constexpr uint32_t kCutMask = 2'047;     // one name in so many begins a part
constexpr size_t kLongestPart = 16'384;  // whatever the names say

bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f || c == '%';
}

void append_name(std::string& out, std::string_view name) {
  for (const char c : name)
    if (needs_escape(c))
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    else
      out += c;
}

Result<std::string> read_name(std::string_view text, const std::string& of) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2)
      return Error{Code::corrupt, fmt::format("the manifest {} holds a name that is none", of)};
    out += static_cast<char>(value);
    i += 2;
  }
  // A name that leads elsewhere must never reach a checkout.
  if (out.empty() || out == "." || out == ".." || out.find('/') != std::string::npos ||
      out.find('\0') != std::string::npos)
    return Error{Code::corrupt, fmt::format("the manifest {} holds a name that is none", of)};
  return out;
}

void append_line(std::string& out, const Entry& entry) {
  out += name_of(entry.kind);
  out += ' ';
  out += entry.digest.hex();
  fmt::format_to(std::back_inserter(out), " {} {} ", entry.size, entry.files);
  append_name(out, entry.name);
  out += '\n';
}

bool begins_part(const std::string& name) { return (crc32c(name) & kCutMask) == 0; }

Entry sum_of(const Entry* from, const Entry* to, Kind kind) {
  Entry out{.kind = kind, .digest = {}, .size = 0, .files = 0, .name = from == to ? "" : from->name};
  for (const auto* each = from; each != to; ++each) {
    out.size += each->size;
    out.files += each->files;
  }
  return out;
}

Result<Entry> write_lines(const Entry* from, const Entry* to, Kind kind, const Keep& keep) {
  auto out = sum_of(from, to, kind);
  std::string text(kHead);
  text.reserve(static_cast<size_t>(to - from) * 112 + kHead.size());
  for (const auto* each = from; each != to; ++each) append_line(text, *each);
  out.digest = hash_of(text);
  MILLRACE_DO(keep(out.digest, std::move(text)));
  return out;
}

std::string_view take_word(std::string_view& line) {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return word;
}

bool take_number(std::string_view& line, int64_t& number) {
  const auto word = take_word(line);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size() && number >= 0 && !word.empty();
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::file: return "file";
    case Kind::exec: return "exec";
    case Kind::tree: return "tree";
    case Kind::part: return "part";
  }
  return "";
}

Result<Entry> write_folder(const std::vector<Entry>& entries, const Keep& keep) {
  const auto* all = entries.data();
  if (entries.size() <= kWhole) {
    MILLRACE_TRY(auto whole, write_lines(all, all + entries.size(), Kind::tree, keep));
    whole.name.clear();
    return whole;
  }
  std::vector<Entry> parts;
  for (size_t from = 0; from < entries.size();) {
    size_t to = from + 1;
    while (to < entries.size() && to - from < kLongestPart && !begins_part(entries[to].name)) ++to;
    MILLRACE_TRY(auto part, write_lines(all + from, all + to, Kind::part, keep));
    parts.push_back(std::move(part));
    from = to;
  }
  MILLRACE_TRY(auto top, write_lines(parts.data(), parts.data() + parts.size(), Kind::tree, keep));
  top.name.clear();
  return top;
}

Result<std::vector<Entry>> read_manifest(std::string_view text, const std::string& name) {
  const auto broken = [&](size_t line) {
    return Error{Code::corrupt, fmt::format("the manifest {} cannot be read at line {}", name, line)};
  };
  if (!text.starts_with(kHead)) return broken(1);
  text.remove_prefix(kHead.size());
  std::vector<Entry> out;
  for (size_t number = 2; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return broken(number);
    auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    Entry entry;
    const auto kind = take_word(line);
    for (const auto each : {Kind::file, Kind::exec, Kind::tree, Kind::part})
      if (kind == name_of(each)) entry.kind = each;
    auto digest = read_digest(take_word(line));
    if (kind != name_of(entry.kind) || !digest || !take_number(line, entry.size) || !take_number(line, entry.files))
      return broken(number);
    entry.digest = *digest;
    MILLRACE_TRY(entry.name, read_name(line, name));
    if (!out.empty() && out.back().name >= entry.name) return broken(number);
    out.push_back(std::move(entry));
  }
  return out;
}

Result<std::vector<Entry>> read_folder(const Digest& digest, const Fetch& fetch) {
  MILLRACE_TRY(const auto text, fetch(digest));
  MILLRACE_TRY(auto top, read_manifest(text, digest.text()));
  if (top.empty() || top.front().kind != Kind::part) return top;
  std::vector<Entry> out;
  for (const auto& part : top) {
    MILLRACE_TRY(const auto lines, fetch(part.digest));
    MILLRACE_TRY(auto entries, read_manifest(lines, part.digest.text()));
    // One level: a part within a part, or a part out of order, was never written by us.
    if (part.kind != Kind::part || entries.empty() || entries.front().kind == Kind::part ||
        (!out.empty() && out.back().name >= entries.front().name))
      return Error{Code::corrupt, fmt::format("the manifest {} has parts that do not fit", digest.text())};
    out.insert(out.end(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  }
  return out;
}

}  // namespace millrace::versions
