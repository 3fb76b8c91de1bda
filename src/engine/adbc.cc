#include "engine/adbc.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "engine/arrow_table.h"
#include "engine/timer.h"

namespace millrace::engine::adbc {

namespace {

// Some drivers leave a stream's `release` set once it has run, which Arrow takes for a fault. The stream that Arrow
// gets holds the driver's and clears itself.
ArrowArrayStream* held(ArrowArrayStream* stream) { return static_cast<ArrowArrayStream*>(stream->private_data); }

void wrap(ArrowArrayStream* stream) {
  auto* inner = new ArrowArrayStream(*stream);
  stream->private_data = inner;
  stream->get_schema = [](ArrowArrayStream* self, ArrowSchema* out) { return held(self)->get_schema(held(self), out); };
  stream->get_next = [](ArrowArrayStream* self, ArrowArray* out) { return held(self)->get_next(held(self), out); };
  stream->get_last_error = [](ArrowArrayStream* self) { return held(self)->get_last_error(held(self)); };
  stream->release = [](ArrowArrayStream* self) {
    held(self)->release(held(self));
    delete held(self);
    self->private_data = nullptr;
    self->release = nullptr;
  };
}

}  // namespace

Result<std::shared_ptr<const Driver>> load_driver(const Library& library) {
  const auto unusable = [&](std::string_view why) {
    return Error{Code::unavailable, fmt::format("{} cannot be used: {}", library.name, why)}
        .at(Where{.file = library.path})
        .hint(std::string(library.hint));
  };
  // RTLD_LOCAL: it carries its own copies of libraries that the program links too.
  void* handle = ::dlopen(library.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return unusable(::dlerror());
  const auto init = reinterpret_cast<AdbcDriverInitFunc>(::dlsym(handle, library.entry));
  if (init == nullptr) return unusable(fmt::format("the library has no {}", library.entry));
  auto driver = std::make_shared<Driver>();
  driver->error_of = library.error_of;
  Complaint complaint(library.error_of);
  if (init(ADBC_VERSION_1_1_0, &driver->functions, complaint.out()) != ADBC_STATUS_OK ||
      driver->functions.ConnectionCancel == nullptr || driver->functions.StatementCancel == nullptr)
    return unusable("it does not speak ADBC 1.1");
  return std::shared_ptr<const Driver>(std::move(driver));
}

Result<void> Complaint::check(AdbcStatusCode status) const {
  if (status == ADBC_STATUS_OK) return {};
  return error_of_(error_.message == nullptr ? "" : error_.message);
}

void Complaint::clear() {
  if (error_.release != nullptr) error_.release(&error_);
  error_ = ADBC_ERROR_INIT;
}

class Connection::Statement {
 public:
  explicit Statement(Connection& connection)
      : functions_(connection.driver_->functions),
        connection_(connection.connection_),
        complaint_(connection.driver_->error_of) {}
  ~Statement() {
    if (made_) functions_.StatementRelease(&statement_, complaint_.out());
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Result<void> set(const std::string& sql) {
    MILLRACE_DO(complaint_.check(functions_.StatementNew(&connection_, &statement_, complaint_.out())));
    made_ = true;
    return complaint_.check(functions_.StatementSetSqlQuery(&statement_, sql.c_str(), complaint_.out()));
  }

  Result<void> bind(const std::vector<Json>& values) {
    if (values.empty()) return {};
    ArrowArray array{};
    ArrowSchema schema{};
    MILLRACE_DO(make_row(values, &array, &schema));
    auto done = complaint_.check(functions_.StatementPrepare(&statement_, complaint_.out()));
    if (done) done = complaint_.check(functions_.StatementBind(&statement_, &array, &schema, complaint_.out()));
    // What was taken over has no release function any more.
    if (array.release != nullptr) array.release(&array);
    if (schema.release != nullptr) schema.release(&schema);
    return done;
  }

  Result<void> run(ArrowArrayStream* stream) {
    return complaint_.check(functions_.StatementExecuteQuery(&statement_, stream, nullptr, complaint_.out()));
  }

 private:
  const AdbcDriver& functions_;
  AdbcConnection& connection_;
  Complaint complaint_;
  AdbcStatement statement_{};
  bool made_ = false;
};

void Connection::close() {
  Complaint complaint(driver_->error_of);
  if (connection_.private_data != nullptr) driver_->functions.ConnectionRelease(&connection_, complaint.out());
  if (database_.private_data != nullptr) driver_->functions.DatabaseRelease(&database_, complaint.out());
  connection_ = {};
  database_ = {};
}

Result<void> Connection::open(const std::vector<std::pair<std::string, std::string>>& settings) {
  Complaint complaint(driver_->error_of);
  const AdbcDriver& adbc = driver_->functions;
  MILLRACE_DO(complaint.check(adbc.DatabaseNew(&database_, complaint.out())));
  for (const auto& [key, value] : settings)
    MILLRACE_DO(complaint.check(adbc.DatabaseSetOption(&database_, key.c_str(), value.c_str(), complaint.out())));
  MILLRACE_DO(complaint.check(adbc.DatabaseInit(&database_, complaint.out())));
  MILLRACE_DO(complaint.check(adbc.ConnectionNew(&connection_, complaint.out())));
  return complaint.check(adbc.ConnectionInit(&connection_, &database_, complaint.out()));
}

template <class T, class Read>
Result<T> Connection::run(const std::string& sql, const std::vector<Json>& parameters, Micros timeout, Read read) {
  const Timer timer(timeout, [this] { cancel(); });
  // An engine that was cancelled may say so in words of its own.
  const auto failed = [&](const Error& error) {
    if (timer.expired())
      return Error{Code::timeout, fmt::format("the query took longer than {} ms", timeout / 1000)}.hint(
          "make the query smaller, or allow it more time");
    return error.code() == Code::timeout ? Error{Code::timeout, "the query was cancelled"} : error;
  };
  Statement statement(*this);
  ArrowArrayStream stream{};
  if (auto done = statement.set(sql); !done) return failed(done.error());
  if (auto done = statement.bind(parameters); !done) return failed(done.error());
  if (auto done = statement.run(&stream); !done) return failed(done.error());
  if (stream.release == nullptr) return T{};
  wrap(&stream);
  auto result = read(&stream);
  if (result) return result;
  // What the engine says while it produces rows comes back through Arrow; its words tell the code.
  const Error& error = result.error();
  if (error.code() != Code::invalid || !error.hint().empty()) return failed(error);
  return failed(driver_->error_of(error.message()).at(error.where()));
}

Result<Table> Connection::query(const std::string& sql, const std::vector<Json>& parameters, Micros timeout) {
  return run<Table>(sql, parameters, timeout, read_table);
}

Result<int64_t> Connection::execute(const std::string& sql, Micros timeout) {
  return run<int64_t>(sql, {}, timeout, read_count);
}

Result<void> Connection::scan(const std::string& sql, const TakeRows& take, Micros timeout) {
  const auto read = [&](ArrowArrayStream* stream) -> Result<bool> {
    MILLRACE_DO(read_stream(stream, take));
    return true;
  };
  const auto done = run<bool>(sql, {}, timeout, read);
  return done ? Result<void>() : Result<void>(done.error());
}

void Connection::cancel() {
  Complaint ignored(driver_->error_of);
  driver_->functions.ConnectionCancel(&connection_, ignored.out());
}

Result<std::string> checked_text(std::string_view sql) {
  if (sql.size() > limits::sql_bytes)
    return Error{Code::too_large,
                 fmt::format("a statement of {} bytes is over the limit of {}", sql.size(), limits::sql_bytes)};
  // The ADBC call takes a C string: what follows a NUL would be checked and not run, or the reverse.
  if (sql.find('\0') != std::string_view::npos) return Error{Code::invalid, "the SQL holds a NUL byte"};
  return std::string(sql);
}

}  // namespace millrace::engine::adbc
