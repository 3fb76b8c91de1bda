#include "exchange/sources/postgres_reader.h"

#include <gtest/gtest.h>

#include "core/limits/exchange_limits.h"
#include "exchange/import.h"
#include "exchange/passwords.h"

namespace millrace::exchange {
namespace {

TEST(PostgresUrl, drivers_of_sqlalchemy_are_left_out) {
  EXPECT_EQ(postgres_url("postgresql+psycopg2://u@h/d"), "postgresql://u@h/d");
  EXPECT_EQ(postgres_url("postgres://h/d"), "postgresql://h/d");
  EXPECT_EQ(postgres_url("postgresqlx://h/d"), "");
  EXPECT_EQ(postgres_url("sqlite:///postgresql"), "");
  EXPECT_EQ(postgres_url("./mlruns"), "");
}

TEST(PostgresUrl, comes_apart_from_its_password) {
  const auto split = without_password("postgresql://ada:p%40ss%2fw@host:5432/db?sslmode=require");
  ASSERT_TRUE(split) << split.error().text();
  EXPECT_EQ(split->url, "postgresql://ada@host:5432/db?sslmode=require");
  EXPECT_EQ(split->password, "p@ss/w");
  const auto parameter = without_password("postgresql:///db?host=/tmp&pass%77ord=s%3d&user=ada");
  ASSERT_TRUE(parameter) << parameter.error().text();
  EXPECT_EQ(parameter->url, "postgresql:///db?host=/tmp&user=ada");
  EXPECT_EQ(parameter->password, "s=");
  const auto none = without_password("postgresql://ada@host/db");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->url, "postgresql://ada@host/db");
  EXPECT_EQ(none->password, "");
  const auto bad = without_password("postgresql://ada:sec@ret@host/db");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), Code::invalid);
  EXPECT_EQ(bad.error().text().find("sec"), std::string::npos);
}

TEST(ImportRequest, keeps_no_password) {
  Json body{{"source", "postgresql+psycopg2://ada:secret@host/db"}, {"password", "other"}};
  const auto password = take_password(body);
  ASSERT_TRUE(password);
  EXPECT_EQ(*password, "secret");
  EXPECT_EQ(to_text(body).find("secret"), std::string::npos);
  EXPECT_EQ(to_text(body).find("other"), std::string::npos);
  EXPECT_TRUE(read_import(body));
  const auto refused = read_import({{"source", "postgresql://ada:secret@host/db"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text().find("secret"), std::string::npos);
}

TEST(Passwords, are_handed_over_once_and_forgotten_beyond_the_limit) {
  Passwords passwords;
  passwords.keep("a", "one");
  EXPECT_EQ(passwords.take("a").value_or(""), "one");
  const auto gone = passwords.take("a");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Code::denied);
  for (size_t i = 0; i <= limits::exchange_passwords; ++i) passwords.keep(std::to_string(i), "p");
  EXPECT_FALSE(passwords.take("0"));
  EXPECT_TRUE(passwords.take("1"));
}

}  // namespace
}  // namespace millrace::exchange
