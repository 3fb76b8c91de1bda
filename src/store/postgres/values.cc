#include "store/postgres/values.h"

#include <postgresql/libpq-fe.h>

#include <bit>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace millrace::store::postgres {
namespace {

// Of pg_type.dat; they never change.
enum Type : unsigned {
  kBool = 16,
  kBytea = 17,
  kName = 19,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kFloat4 = 700,
  kFloat8 = 701,
  kUnknown = 705,
  kVarchar = 1043,
  kNumeric = 1700,
  kVoid = 2278
};

std::string big_endian(uint64_t bits) {
  std::string out(8, '\0');
  for (size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(bits >> (56 - 8 * i) & 0xff);
  return out;
}

// `bytes` as a signed number of as many bytes, most significant first.
int64_t integer_of(std::string_view bytes) {
  uint64_t bits = !bytes.empty() && (bytes[0] & 0x80) != 0 ? ~0ULL : 0;
  for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
  return static_cast<int64_t>(bits);
}

// Groups of four decimal digits: their number, the weight of the first, sign, digits shown after the point, groups.
Value numeric_of(std::string_view bytes) {
  const auto field = [&](size_t at) { return integer_of(bytes.substr(at * 2, 2)); };
  const int64_t groups = field(0), weight = field(1);
  const auto sign = static_cast<uint16_t>(field(2));
  if (sign == 0xc000) return std::nan("");
  if (sign == 0xd000 || sign == 0xf000) return sign == 0xd000 ? HUGE_VAL : -HUGE_VAL;
  long double real = 0;
  __int128 whole = 0;
  bool exact = weight < 6;  // at most 24 digits before the point: no overflow of `whole`
  for (int64_t i = 0; i < std::max(groups, weight + 1); ++i) {
    const int64_t digits = i < groups ? field(static_cast<size_t>(4 + i)) : 0;
    real += static_cast<long double>(digits) * std::pow(10000.0L, static_cast<long double>(weight - i));
    if (exact && i <= weight) whole = whole * 10000 + digits;
    if (i > weight && digits != 0) exact = false;
  }
  if (sign == 0x4000) whole = -whole, real = -real;
  const auto narrow = static_cast<int64_t>(whole);
  if (exact && narrow == whole) return narrow;
  return static_cast<double>(real);
}

std::optional<Value> value_of(unsigned type, std::string_view bytes) {
  switch (type) {
    case kBool: return Value(int64_t{!bytes.empty() && bytes[0] != 0});
    case kInt2:
    case kInt4:
    case kInt8: return Value(integer_of(bytes));
    case kFloat4: return Value(double{std::bit_cast<float>(static_cast<uint32_t>(integer_of(bytes)))});
    case kFloat8: return Value(std::bit_cast<double>(integer_of(bytes)));
    case kNumeric: return numeric_of(bytes);
    case kBytea:
    case kName:
    case kText:
    case kVarchar:
    case kUnknown: return Value(std::string(bytes));
    case kVoid: return Value(nullptr);
    default: return std::nullopt;
  }
}

}  // namespace

Parameters::Parameters(const Values& values) {
  numbers_.reserve(values.size());
  for (const auto& value : values) {
    const auto add = [&](unsigned type, char letter, const char* bytes, size_t size) {
      types_.push_back(type);
      pointers_.push_back(bytes);
      lengths_.push_back(static_cast<int>(size));
      formats_.push_back(1);
      signature_ += letter;
    };
    const auto add_number = [&](unsigned type, char letter, uint64_t bits) {
      numbers_.push_back(big_endian(bits));
      add(type, letter, numbers_.back().data(), 8);
    };
    if (const auto* integer = std::get_if<int64_t>(&value))
      add_number(kInt8, 'i', static_cast<uint64_t>(*integer));
    else if (const auto* real = std::get_if<double>(&value))
      add_number(kFloat8, 'd', std::bit_cast<uint64_t>(*real));
    else if (const auto* text = std::get_if<std::string>(&value))
      add(kText, 't', text->data(), text->size());
    else if (const auto* blob = std::get_if<Blob>(&value))
      add(kBytea, 'b', blob->bytes.data(), blob->bytes.size());
    else
      add(0, 'n', nullptr, 0);
  }
}

Result<Rows> read_rows(const pg_result* result) {
  Rows rows;
  const int columns = PQnfields(result);
  const int count = PQntuples(result);
  rows.reserve(static_cast<size_t>(count));
  for (int row = 0; row < count; ++row) {
    Values values;
    values.reserve(static_cast<size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, row, column) != 0) {
        values.emplace_back(nullptr);
        continue;
      }
      const auto size = static_cast<size_t>(PQgetlength(result, row, column));
      auto value = value_of(PQftype(result, column), {PQgetvalue(result, row, column), size});
      if (!value)
        return Error{Code::internal, fmt::format("the column '{}' has type {}, which no statement should answer",
                                                 PQfname(result, column), PQftype(result, column))};
      values.push_back(std::move(*value));
    }
    rows.emplace_back(std::move(values));
  }
  return rows;
}

}  // namespace millrace::store::postgres
