// Patterns out of the shapes of texts.
#include <fmt/format.h>

#include "data/infer/parts.h"

namespace millrace::data::infer {
namespace {

constexpr size_t kForms = 4;        // alternatives of one pattern
constexpr size_t kRuns = 24;        // runs of one form; beyond it the texts are sentences
constexpr size_t kLongest = 1'000;  // RE2's own limit for a repetition

// Equal characters of a shape in a row: letters and digits by class, all else by itself.
struct Run {
  char kind = 0;
  size_t least = 0, most = 0;
};
using Form = std::vector<Run>;

bool is_class(char c) { return c == 'A' || c == 'a' || c == '9' || c == 'w'; }

Form to_form(const std::string& shape) {
  Form form;
  for (const char c : shape) {
    if (form.empty() || form.back().kind != c) form.push_back({c, 0, 0});
    ++form.back().least;
    form.back().most = form.back().least;
  }
  return form;
}

std::string to_words(std::string shape) {
  for (auto& c : shape)
    if (is_class(c)) c = 'w';
  return shape;
}

bool same_kinds(const Form& a, const Form& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Run& x, const Run& y) { return x.kind == y.kind; });
}

// Nothing when there are more forms than one pattern should have.
std::vector<Form> to_forms(const std::vector<std::pair<std::string, int64_t>>& shapes, bool words) {
  std::vector<Form> forms;
  for (const auto& [shape, count] : shapes) {
    const auto form = to_form(words ? to_words(shape) : shape);
    if (form.empty() || form.size() > kRuns) return {};
    const auto same = std::find_if(forms.begin(), forms.end(), [&](const Form& f) { return same_kinds(f, form); });
    if (same == forms.end()) {
      if (forms.size() == kForms) return {};
      forms.push_back(form);
      continue;
    }
    for (size_t i = 0; i < form.size(); ++i) {
      (*same)[i].least = std::min((*same)[i].least, form[i].least);
      (*same)[i].most = std::max((*same)[i].most, form[i].most);
    }
  }
  return forms;
}

// Digits, marks or fixed lengths: words of any length have no form worth a rule.
bool says_something(const std::vector<Form>& forms) {
  for (const auto& form : forms) {
    bool structured = false;
    for (const auto& run : form) structured = structured || run.kind == '9' || (!is_class(run.kind) && run.kind != ' ');
    const bool fixed = std::all_of(form.begin(), form.end(), [](const Run& r) { return r.least == r.most; });
    if (!structured && !fixed) return false;
  }
  return !forms.empty();
}

std::string set_of(char kind) {
  switch (kind) {
    case 'A': return "[A-Z]";
    case 'a': return "[a-z]";
    case '9': return "[0-9]";
    case 'w': return "[0-9A-Za-z]";
    default:
      return std::string("-_ :/,@#%&=~'\"<>!;`").find(kind) != std::string::npos ? std::string(1, kind)
                                                                                 : std::string("\\") + kind;
  }
}

std::string times(size_t least, size_t most) {
  if (least == most) return least == 1 ? "" : fmt::format("{{{}}}", least);
  // A length that varied in what was seen may vary by one more.
  return fmt::format("{{{},{}}}", least > 1 ? least - 1 : 1, std::min(most + 1, kLongest));
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    out += word ? std::string(1, c) : set_of(c);
  }
  return out;
}

// The form after its first `skip` characters, which stand there as they are.
std::string to_pattern(const Form& form, const std::string& prefix) {
  std::string out = escaped(prefix);
  size_t skip = prefix.size();
  for (const auto& run : form) {
    const size_t taken = std::min(skip, run.least);
    skip -= taken;
    if (run.most > taken && run.least == taken)
      out += fmt::format("{}{{0,{}}}", set_of(run.kind), std::min(run.most - taken + 1, kLongest));
    else if (run.most > taken)
      out += set_of(run.kind) + times(run.least - taken, run.most - taken);
  }
  return out;
}

// The part of `prefix` that lies within what every form has at its beginning.
std::string shared_prefix(const std::vector<Form>& forms, std::string prefix) {
  for (const auto& form : forms) {
    size_t fixed = 0;
    for (const auto& run : form) {
      fixed += run.least;
      if (run.least != run.most) break;
    }
    prefix = prefix.substr(0, fixed);
  }
  return prefix;
}

}  // namespace

std::string pattern_of(const std::vector<std::pair<std::string, int64_t>>& shapes, const std::string& prefix) {
  for (const auto& [shape, count] : shapes)
    for (const char c : shape)
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) return "";
  for (const bool words : {false, true}) {
    const auto forms = to_forms(shapes, words);
    if (!says_something(forms)) continue;
    for (const auto& form : forms)
      for (const auto& run : form)
        if (run.most > kLongest) return "";
    const auto start = shared_prefix(forms, prefix);
    std::vector<std::string> parts;
    for (const auto& form : forms) parts.push_back(to_pattern(form, start));
    std::sort(parts.begin(), parts.end());
    return parts.size() == 1 ? fmt::format("^{}$", parts[0]) : fmt::format("^(?:{})$", fmt::join(parts, "|"));
  }
  return "";
}

}  // namespace millrace::data::infer
