// A contract in the making; for data/import only. The words are those of the tools: "at least 95 % of the values lie
// between", which the contract says as a rule of its own where its schema knows only "all".
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/import/import.h"

namespace millrace::data {

class Draft {
 public:
  explicit Draft(std::string tool) : tool_(std::move(tool)) {}

  // What comes next is about this column ("" = the table), and is called `name` if it has to be left out.
  void begin(const std::string& table, const std::string& column, const std::string& name);
  void describe(const std::string& text);
  void severity(const std::string& word);  // error | warning | info

  void exists();
  void type(const std::string& word);
  void required(double share = 1);  // at least this share of the rows has a value
  void unique(std::vector<std::string> columns = {});
  void range(std::optional<double> low, std::optional<double> high, bool low_open, bool high_open, double share = 1);
  void length(std::optional<int64_t> low, std::optional<int64_t> high);
  void one_of(const Json& values, double share = 1);
  void pattern(const std::string& regex, double share = 1);
  void rows(std::optional<double> low, std::optional<double> high);
  void expression(const std::string& condition, std::vector<std::string> columns, double share = 1);
  void foreign_key(const std::string& dataset, const std::string& column);
  void leave_out(const std::string& why);

  std::string quoted() const;                      // the column, as SQL names it
  static std::string constant(const Json& value);  // as SQL writes it
  // invalid when nothing was taken and nothing left out: the file is not what it was taken for.
  Result<ImportedContract> finish(const std::string& id, const std::string& path);

 private:
  struct Table {
    std::vector<std::string> order;
    std::map<std::string, Json> columns;
    Json quality = Json::array();
    std::string description;
  };
  Json& column();
  void add_rule(Json rule);
  std::string rule_name(const std::string& kind);
  bool has_column(const char* what);

  std::string tool_, table_, column_, name_, severity_;
  std::vector<std::string> order_;
  std::map<std::string, Table> tables_;
  std::map<std::string, int> names_;
  ImportedContract out_;
};

}  // namespace millrace::data
