#include "store/open.h"

#include "store/postgres/connection.h"

namespace millrace::store {

bool is_postgres(std::string_view place) {
  return place.starts_with("postgresql://") || place.starts_with("postgres://");
}

std::string shown_place(const std::string& place) { return is_postgres(place) ? postgres::shown_url(place) : place; }

bool has_password(const std::string& url) { return postgres::has_password(url); }

Result<std::unique_ptr<Database>> open_database(const std::string& place, Context& context, const std::string& writer) {
  return is_postgres(place) ? open_postgres(place, context, writer) : open_sqlite(place, context);
}

}  // namespace millrace::store
