// What answers hold in thousands, written as JSON text at once: a document of each takes about ten times as long.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"
#include "api/mlflow/error.h"
#include "track/entities.h"

namespace millrace::api::mlflow {

// JSON text that grows at its end; commas come by themselves. Texts are valid UTF-8. Numbers without a fraction have no
// ".0".
class Text {
 public:
  void open(char bracket);
  void close(char bracket) { out_ += bracket; }
  void name(std::string_view name);  // of the field whose value comes next
  void value(std::string_view text);
  void value(int64_t number);
  void value(double number);  // NaN as "NaN", which is how MLflow's clients read it
  template <class T>
  void field(std::string_view key, const T& is) {
    name(key);
    value(is);
  }
  void field_unless_empty(std::string_view key, std::string_view text) {
    if (!text.empty()) field(key, text);
  }
  std::string take() { return std::move(out_); }

 private:
  void comma();
  std::string out_;
};

// As MLflow's entities; texts that are "" and empty lists are left out where MLflow leaves them out.
void add(Text& text, const track::KeyValue& pair);
void add(Text& text, const track::Metric& metric);
void add(Text& text, const track::RunInfo& info);
void add(Text& text, const track::DatasetInput& input);
void add(Text& text, const track::ModelOutput& model);
void add(Text& text, const track::Run& run);
void add(Text& text, const track::LoggedModel& model);

// "NAME": [..]; nothing when it is empty, as MLflow does.
template <class T>
void add_list(Text& text, std::string_view name, const std::vector<T>& items) {
  if (items.empty()) return;
  text.name(name);
  text.open('[');
  for (const auto& item : items) add(text, item);
  text.close(']');
}

// {"NAME": {..}}
template <class T>
Reply item_reply(std::string_view name, const Result<T>& item) {
  if (!item) return error_reply(item.error());
  Text text;
  text.open('{');
  text.name(name);
  add(text, *item);
  text.close('}');
  return {.status = 200, .body = text.take()};
}

// {"NAME": [...], "next_page_token": ".."}
template <class T>
Reply page_reply(std::string_view name, const Result<track::Page<T>>& page) {
  if (!page) return error_reply(page.error());
  Text text;
  text.open('{');
  add_list(text, name, page->items);
  text.field_unless_empty("next_page_token", page->next);
  text.close('}');
  return {.status = 200, .body = text.take()};
}

}  // namespace millrace::api::mlflow
