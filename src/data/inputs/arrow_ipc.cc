#include "data/inputs/arrow_ipc.h"

#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::data {
namespace {

constexpr std::array<unsigned char, 8> kEnd{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0};

Error damaged(const std::string& label, const std::string& where, const arrow::Status& status) {
  return Error{Code::corrupt,
               fmt::format("the Arrow file is cut off or damaged in {}: {}", where, status.message().substr(0, 200))}
      .at({.file = label})
      .hint("copy or write the file again");
}

// Where batches come from, one after the other; nullptr at the end.
class Batches {
 public:
  static Result<Batches> open(const std::string& path, const std::string& label, bool stream) {
    auto file = arrow::io::ReadableFile::Open(path);
    if (!file.ok()) return file_error("opening", label, errno);
    Batches out;
    if (stream) {
      MILLRACE_DO(check_end(**file, label));
      auto opened = arrow::ipc::RecordBatchStreamReader::Open(*file);
      if (!opened.ok()) return damaged(label, "its schema", opened.status());
      out.stream_ = *opened;
    } else {
      auto opened = arrow::ipc::RecordBatchFileReader::Open(*file);
      if (!opened.ok()) return damaged(label, "its footer", opened.status());
      out.file_ = *opened;
    }
    return out;
  }

  std::shared_ptr<arrow::Schema> schema() const { return stream_ ? stream_->schema() : file_->schema(); }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> next() {
    if (stream_) {
      std::shared_ptr<arrow::RecordBatch> batch;
      ARROW_RETURN_NOT_OK(stream_->ReadNext(&batch));
      return batch;
    }
    if (at_ == file_->num_record_batches()) return std::shared_ptr<arrow::RecordBatch>();
    return file_->ReadRecordBatch(at_++);
  }

 private:
  // A stream that was cut between two batches reads like a shorter one; writers end it with a mark.
  static Result<void> check_end(arrow::io::ReadableFile& file, const std::string& label) {
    std::array<unsigned char, 8> end{};
    const int64_t size = file.GetSize().ValueOr(0);
    const auto got = size < 8 ? arrow::Result<int64_t>(0) : file.ReadAt(size - 8, 8, end.data());
    if (!got.ok() || *got != 8 || end != kEnd)
      return Error{Code::corrupt,
                   fmt::format("the Arrow stream is cut off after {} bytes: its end mark is missing", size)}
          .at({.file = label})
          .hint("close the writer, then copy the file again");
    if (!file.Seek(0).ok()) return file_error("reading", label, EIO);
    return {};
  }

  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  int at_ = 0;
};

Error not_writable(const std::string& label, const arrow::Status& status) {
  if (status.IsIOError()) return file_error("writing a readable copy of", label, errno);
  return Error{Code::unsupported,
               fmt::format("the Arrow file holds a type that is not read here: {}", status.message().substr(0, 200))}
      .at({.file = label})
      .hint("leave the column out, or cast it");
}

arrow::Status write_all(Batches& batches, parquet::arrow::FileWriter& writer, int64_t& number, bool& reading) {
  for (number = 0;; ++number) {
    reading = true;
    ARROW_ASSIGN_OR_RAISE(const auto batch, batches.next());
    if (batch == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(batch->ValidateFull());  // offsets come from outside
    reading = false;
    ARROW_RETURN_NOT_OK(writer.WriteRecordBatch(*batch));
  }
}

}  // namespace

Result<std::string> copy_arrow(const std::string& path, const std::string& label, bool stream, Inputs& inputs) {
  MILLRACE_TRY(const auto target, inputs.copy_path(label, ".parquet"));
  MILLRACE_TRY(auto batches, Batches::open(path, label, stream));
  auto sink = arrow::io::FileOutputStream::Open(target);
  if (!sink.ok()) return file_error("writing a readable copy of", label, errno);
  // A copy that lives for one check: quick to write, and no part of it is searched by its statistics.
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(arrow::Compression::LZ4)
                              ->disable_statistics()
                              ->max_row_group_length(1 << 17)
                              ->build();
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  try {
    auto writer = parquet::arrow::FileWriter::Open(*batches.schema(), arrow::default_memory_pool(), *sink, properties,
                                                   arrow_properties);
    if (!writer.ok()) return not_writable(label, writer.status());
    int64_t number = 0;
    bool reading = true;
    if (const auto done = write_all(batches, **writer, number, reading); !done.ok())
      return reading ? damaged(label, fmt::format("record batch {}", number + 1), done) : not_writable(label, done);
    auto closed = (*writer)->Close();
    if (closed.ok()) closed = (*sink)->Close();
    if (!closed.ok()) return not_writable(label, closed);
  } catch (const parquet::ParquetException& error) {
    return not_writable(label, arrow::Status::Invalid(error.what()));
  }
  return target;
}

}  // namespace millrace::data
