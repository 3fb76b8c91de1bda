#include "api/token_file.h"

#include <gtest/gtest.h>

#include "core/hash.h"

namespace millrace::api {
namespace {

const std::string kSecret = "mr_0123456789abcdef0123456789abcdef", kOther = "fedcba9876543210fedcba9876543210";

// "line: message | hint"
std::string refused(const std::string& text) {
  const auto read = TokenFile::parse(text, "tokens");
  if (read) return "ok";
  EXPECT_EQ(read.error().text().find(kSecret), std::string::npos) << "a token is never shown";
  return std::to_string(read.error().where().line) + ": " + read.error().message() + " | " + read.error().hint();
}

TEST(TokenFile, knows_tokens_written_out_and_by_digest) {
  const auto file = TokenFile::parse(
      "# who may ask\n\nshop reader " + kSecret + "\r\n\tops reader,writer " + digest_of(kOther) + "\n", "tokens");
  ASSERT_TRUE(file) << file.error().text();
  const auto shop = file->of_token("w", kSecret);
  ASSERT_TRUE(shop);
  EXPECT_EQ(shop->subject, "shop");
  EXPECT_EQ(shop->workspace, "w");
  EXPECT_TRUE(shop->has_role("reader"));
  EXPECT_FALSE(shop->has_role("writer"));
  EXPECT_TRUE(file->of_token("w", kOther)->has_role("writer"));
  for (const auto& wrong : {std::string(), kSecret + "0", digest_of(kOther), std::string("shop")}) {
    const auto nobody = file->of_token("w", wrong);
    ASSERT_FALSE(nobody) << wrong;
    EXPECT_EQ(nobody.error().code(), Code::unauthenticated);
  }
  EXPECT_FALSE(file->trusts_this_machine());
}

TEST(TokenFile, what_is_wrong_has_its_line) {
  EXPECT_EQ(refused("# nothing\n"),
            "0: the token file has no token | write a line SUBJECT ROLE TOKEN, e.g. shop reader and what openssl rand "
            "-hex 32 says");
  EXPECT_EQ(refused("\nshop " + kSecret),
            "2: a line of a token file has three words | write SUBJECT ROLE[,ROLE] TOKEN, e.g. shop reader mr_...");
  EXPECT_EQ(refused("shop readr " + kSecret), "1: there is no role 'readr' | did you mean 'reader'?");
  EXPECT_EQ(refused("shop , " + kSecret), "1: the roles are empty | reader is enough to ask a model");
  EXPECT_EQ(refused("a/b reader " + kSecret), "1: the subject is not a name | letters, digits, '_', '-' and '.'");
  EXPECT_EQ(refused("shop reader secret"),
            "1: the token is shorter than 20 characters | make one that cannot be guessed: openssl rand -hex 32");
  EXPECT_EQ(refused("shop reader sha256:12"), "1: the digest is none | sha256: and 64 hexadecimal digits");
  EXPECT_EQ(refused("a reader " + kSecret + "\nb writer " + kSecret), "2: this token stands in the file twice | ");
  EXPECT_EQ(refused("a reader " + kSecret + "\nb writer " + digest_of(kSecret)),
            "2: this token stands in the file twice | ");
  std::string many;
  for (size_t i = 0; i <= limits::token_file_lines; ++i) many += "a reader " + digest_of(std::to_string(i)) + "\n";
  EXPECT_EQ(refused(many), "1001: a token file has at most 1000 tokens | ");
}

}  // namespace
}  // namespace millrace::api
