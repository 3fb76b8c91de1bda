#include "track/files/sign.h"

#include <gtest/gtest.h>

#include "track/files/s3.h"

namespace millrace::track {
namespace {

// The example of the S3 reference, "Authenticating Requests: Using Query Parameters".
TEST(Sign, gives_the_published_signature) {
  const auto url = sign({.method = "GET",
                         .scheme = "https",
                         .host = "examplebucket.s3.amazonaws.com",
                         .path = "/test.txt",
                         .region = "us-east-1",
                         .query = {},
                         .now = 1'369'353'600'000'000,
                         .seconds = 86'400},
                        {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""});
  EXPECT_TRUE(url.starts_with(
      "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
      "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"))
      << url;
  EXPECT_TRUE(url.ends_with("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"))
      << url;
}

TEST(S3Place, reads_bucket_prefix_and_options) {
  const auto place = read_s3_uri("s3://bucket/a/b/?endpoint_override=127.0.0.1:9000&scheme=http&region=eu-1");
  ASSERT_TRUE(place) << place.error().text();
  EXPECT_EQ(place->uri(), "s3://bucket/a/b");
  EXPECT_EQ(place->endpoint, "127.0.0.1:9000");
  EXPECT_EQ(place->scheme, "http");
  EXPECT_EQ(place->region, "eu-1");
}

TEST(S3Place, refuses_credentials_without_repeating_them) {
  const auto place = read_s3_uri("s3://key:hush@bucket/a");
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().text().find("hush"), std::string::npos);
  for (const auto* uri :
       {"gs://bucket", "s3://", "s3://b", "s3://bucket/../other", "s3://bucket/a#b", "s3://bucket/a?x=1",
        "s3://bucket?scheme=ftp", "s3://bucket?endpoint_override=a/b", "s3://bucket/a//b"})
    EXPECT_FALSE(read_s3_uri(uri)) << uri;
}

}  // namespace
}  // namespace millrace::track
