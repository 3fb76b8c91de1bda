// The web UI as the build packed and embedded it. The build generates the table; it is empty when the tree has no web/.
#pragma once
#include <span>
#include <string_view>

namespace millrace::api::ui {

struct Embedded {
  std::string_view path;             // "index.html", "assets/main-Bx3.js"
  std::string_view media_type;       // "text/html; charset=utf-8"
  std::string_view digest;           // of the plain bytes, "sha256:<hex>"
  std::string_view plain, br, gzip;  // "" = not kept in this coding
};

std::span<const Embedded> embedded();  // sorted by path

}  // namespace millrace::api::ui
