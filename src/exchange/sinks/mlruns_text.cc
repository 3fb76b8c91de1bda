#include "exchange/sinks/mlruns_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/files.h"

namespace millrace::exchange {
namespace {

constexpr size_t kPartBytes = 255;  // of a name in a folder

// Readers of YAML refuse these even in quotes: controls, line separators of Unicode, and what is no character.
// Text is UTF-8; one of them has two or three bytes there.
std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = [&](size_t n) { return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0U; };
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xc2 && next(1) < 0xa0) {
      out += fmt::format("\\u{:04x}", next(1));
      i += 1;
    } else if ((byte == 0xe2 && next(1) == 0x80 && (next(2) == 0xa8 || next(2) == 0xa9)) ||
               (byte == 0xef && next(1) == 0xbb && next(2) == 0xbf) ||
               (byte == 0xef && next(1) == 0xbf && next(2) >= 0xbe)) {
      out += fmt::format("\\u{:04x}", (byte & 0x0fU) << 12U | (next(1) & 0x3fU) << 6U | (next(2) & 0x3fU));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

Error no_path(const std::string& key, std::string_view what) {
  return Error{Code::unsupported, fmt::format("the {} '{}' cannot be a file's path", what, key.substr(0, 250))}.hint(
      "export without --format mlruns: a database holds any");
}

bool is_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && part.size() <= kPartBytes &&
         part.find('\0') == std::string_view::npos;
}

bool is_path(std::string_view key) {
  for (;;) {
    const auto slash = key.find('/');
    if (!is_part(key.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

Result<std::string> on_dataset(const std::string& name, const std::string& digest) {
  if (name.empty()) return std::string();
  const auto spaced = [](const std::string& text) { return text.find_first_of(" \t\r\n") != std::string::npos; };
  if (digest.empty() || spaced(name) || spaced(digest))
    return Error{Code::unsupported, fmt::format("a metric's dataset '{}' cannot stand in a line", name.substr(0, 250))}
        .hint("export without --format mlruns: a database holds any");
  return fmt::format(" {} {}", name, digest);
}

// Not flushed: what a crash of the machine takes is found when the store is compared.
Result<void> write_plain(const std::string& path, std::string_view bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return file_error("cannot write", path, errno);
  auto written = write_all(descriptor, bytes, path);
  if (::close(descriptor) != 0 && written) written = file_error("cannot write", path, errno);
  return written;
}

}  // namespace

YamlText& YamlText::add(std::string_view key, std::string_view text) { return add_raw(key, double_quoted(text)); }
YamlText& YamlText::add(std::string_view key, int64_t number) { return add_raw(key, std::to_string(number)); }
YamlText& YamlText::add_null(std::string_view key) { return add_raw(key, "null"); }

YamlText& YamlText::add(std::string_view key, const std::vector<track::KeyValue>& pairs) {
  if (pairs.empty()) return add_raw(key, "{}");
  text_ += fmt::format("{}:\n", key);
  for (const auto& pair : pairs) text_ += fmt::format("  {}: {}\n", double_quoted(pair.key), double_quoted(pair.value));
  return *this;
}

YamlText& YamlText::add_raw(std::string_view key, std::string_view yaml) {
  text_ += fmt::format("{}: {}\n", key, yaml);
  return *this;
}

Result<void> check_keys(const std::vector<std::string>& keys, std::string_view what) {
  const std::set<std::string> all(keys.begin(), keys.end());
  for (const auto& key : all) {
    if (!is_path(key)) return no_path(key, what);
    for (auto slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1))
      if (all.contains(key.substr(0, slash)))
        return Error{Code::unsupported, fmt::format("the {} '{}' would be a file and the folder of '{}'", what,
                                                    key.substr(0, slash), key.substr(0, 250))}
            .hint("export without --format mlruns: a database holds both");
  }
  return {};
}

Result<void> check_name(const std::string& name, std::string_view what) {
  if (!is_part(name) || name.find_first_of("/%") != std::string::npos) return no_path(name, what);
  return {};
}

Result<std::string> metric_line(const Point& point) {
  std::string dataset;
  if (point.on != nullptr && point.on->model_id.empty()) {
    MILLRACE_TRY(dataset, on_dataset(point.on->dataset_name, point.on->dataset_digest));
  }
  return fmt::format("{} {} {}{}\n", point.timestamp, point.value, point.step, dataset);
}

Result<std::string> model_metric_line(const track::Metric& metric) {
  MILLRACE_TRY(const auto dataset, on_dataset(metric.dataset_name, metric.dataset_digest));
  return fmt::format("{} {} {} {}{}\n", metric.timestamp, metric.value, metric.step, metric.run_id, dataset);
}

Result<void> write_pairs(const std::string& folder, const std::vector<track::KeyValue>& pairs, std::string_view what) {
  std::vector<std::string> keys;
  for (const auto& pair : pairs) keys.push_back(pair.key);
  MILLRACE_DO(check_keys(keys, what));
  MILLRACE_DO(remove_tree(folder));
  MILLRACE_DO(make_folders(folder, 0755));
  for (const auto& pair : pairs) {
    const auto path = folder + "/" + pair.key;
    if (pair.key.find('/') != std::string::npos) MILLRACE_DO(make_folders(parent_of(path), 0755));
    MILLRACE_DO(write_plain(path, pair.value));
  }
  return {};
}

}  // namespace millrace::exchange
