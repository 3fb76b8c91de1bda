// What a command is: a name, its words, and a function. The list is list.inc; --help, completion of wrong words and the
// reference page are read from here.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace millrace::cli {

class Host;

struct Option {
  std::string name;   // "--state"
  std::string value;  // "DIR"; "" = a flag
  std::string summary;
  bool required = false;
  bool many = false;
};
struct Positional {
  std::string name;  // "MODEL"
  std::string summary;
  bool required = true;
  bool many = false;
};

// The words given, by name; many-valued ones in order.
class Args {
 public:
  bool has(const std::string& name) const { return values_.count(name) != 0; }
  std::string get(const std::string& name, const std::string& otherwise = "") const;
  const std::vector<std::string>& all(const std::string& name) const;
  Result<int64_t> integer(const std::string& name, int64_t otherwise) const;
  void add(const std::string& name, std::string value) { values_[name].push_back(std::move(value)); }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// Speaks the native API: to the state folder's owner, or to ourselves when we are the owner.
class Gateway {
 public:
  virtual ~Gateway() = default;
  // The answer's JSON; a problem answer becomes the Error that it was made from.
  virtual Result<Json> call(const std::string& method, const std::string& target, const Json& body = nullptr) = 0;
  virtual Result<std::string> text(const std::string& target) = 0;  // GET of something that is not JSON
};

struct Invocation {
  const Args& args;
  Host& host;
  bool json = false;

  Result<Gateway*> gateway();                // opened at first use, for --project and --state
  std::string project_folder() const;        // --project, or the nearest folder upwards with millrace.yaml; "" if none
  Result<std::string> state_folder() const;  // --state, or PROJECT/.millrace; invalid when there is neither
  // Prints `value` with --json, else the lines.
  void show(const Json& value, const std::string& lines) const;
  void say(const std::string& line) const;  // a line of progress, to standard error with --json
};

struct Command {
  std::string name;  // "model approve"
  std::string summary;
  std::vector<Positional> positionals;
  std::vector<Option> options;
  std::function<Result<int>(Invocation&)> run;
};

const std::vector<Command>& commands();

// Reads the words, runs the command, prints errors. Answers the exit status.
int run_words(const std::vector<std::string>& words, Host& host);

// Splits a line as a shell splits words (quotes, no expansion).
Result<std::vector<std::string>> split_words(const std::string& line);

// Of one rule of findings: yes, NO, or "not run" (a rule that no engine here judges).
std::string verdict_word(const Json& check);

// "12,345", "3.4 MB": for people.
std::string with_commas(int64_t number);
// Rows of cells as aligned columns; the first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows);

// The address of one thing below the native API: parts are encoded.
std::string address(const std::vector<std::string>& parts);

}  // namespace millrace::cli
