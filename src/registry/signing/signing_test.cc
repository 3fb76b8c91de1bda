#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/codes/base64.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/testing.h"
#include "registry/signing/bundle.h"
#include "registry/signing/folder.h"
#include "registry/signing/keys.h"

namespace millrace::registry {
namespace {

std::string private_pem(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr) {
  BIO* out = BIO_new(BIO_s_mem());
  char word[] = "secret";
  PEM_write_bio_PrivateKey(out, key, cipher, reinterpret_cast<unsigned char*>(word), cipher != nullptr ? 6 : 0, nullptr,
                           nullptr);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(out);
  return pem;
}

// "ED25519", or the name of a curve.
std::string new_key(const std::string& kind, const EVP_CIPHER* cipher = nullptr) {
  EVP_PKEY* key = kind == "ED25519" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen(kind.c_str());
  const auto pem = private_pem(key, cipher);
  EVP_PKEY_free(key);
  return pem;
}

class Signing : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_folders(folder / "model/deep"));
    put("model/a.bin", "first");
    put("model/deep/b.bin", "second");
    put("model/.gitignore", "x");
  }
  void put(const std::string& file, std::string_view bytes) { ASSERT_TRUE(write_file(folder / file, bytes)); }
  std::string signed_by(const PrivateKey& by) {
    const auto model = describe_folder(folder / "model", {});
    EXPECT_TRUE(model) << model.error().text();
    return *sign_model(*model, by);
  }
  // The bundle after `change` of its statement, signed anew.
  std::string with_statement(const std::function<void(Json&)>& change) {
    auto bundle = *parse_json(signed_by(key), "bundle");
    auto statement = *parse_json(*from_base64(bundle["dsseEnvelope"]["payload"].get<std::string>()), "statement");
    change(statement);
    const auto payload = to_text(statement);
    const auto message = fmt::format("DSSEv1 28 application/vnd.in-toto+json {} {}", payload.size(), payload);
    bundle["dsseEnvelope"]["payload"] = to_base64(payload);
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = to_base64(*key.sign(message));
    return to_text(bundle);
  }
  Code refusal(const std::string& bundle) {
    const auto opened = open_bundle(bundle, key.public_key());
    EXPECT_FALSE(opened);
    return opened ? Code::internal : opened.error().code();
  }
  Result<void> check(const SignedModel& model, const FolderRules& rules = {}) {
    return check_folder(folder / "model", model, rules);
  }

  testing::Folder folder;
  PrivateKey key = *PrivateKey::parse(new_key("P-256"));
};

TEST_F(Signing, every_kind_of_key_signs_and_verifies_and_no_other_key_does) {
  for (const char* kind : {"P-256", "P-384", "P-521", "ED25519"}) {
    const auto one = PrivateKey::parse(new_key(kind));
    ASSERT_TRUE(one) << kind << one.error().text();
    const auto same = PublicKey::parse(one->public_key().pem());
    ASSERT_TRUE(same);
    EXPECT_EQ(same->id(), one->public_key().id());
    const auto bundle = signed_by(*one);
    const auto opened = open_bundle(bundle, *same);
    ASSERT_TRUE(opened) << kind << opened.error().text();
    EXPECT_TRUE(check(*opened));
    EXPECT_EQ(refusal(bundle), Code::rejected) << kind;
  }
}

TEST_F(Signing, the_statement_lists_files_in_order_and_leaves_those_of_git_out) {
  const auto model = describe_folder(folder / "model", {.ignored = {}, .signature = ""});
  ASSERT_TRUE(model);
  ASSERT_EQ(model->files.size(), 2U);
  EXPECT_EQ(model->files[0].name, "a.bin");
  EXPECT_EQ(model->files[0].digest, "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e");
  EXPECT_EQ(model->files[1].name, "deep/b.bin");
  EXPECT_EQ(model->name, "model");
}

TEST_F(Signing, what_is_changed_missing_or_added_is_named) {
  const auto model = *open_bundle(signed_by(key), key.public_key());
  put("model/extra", "x");
  EXPECT_EQ(check(model).error().message(), "'extra' was not signed");
  EXPECT_TRUE(check(model, {.extra_allowed = true}));
  EXPECT_TRUE(check(model, {.ignored = {"extra"}}));
  ASSERT_EQ(::unlink((folder / "model/extra").c_str()), 0);
  put("model/a.bin", "fIrst");
  EXPECT_EQ(check(model).error().message(), "'a.bin' is not what was signed");
  ASSERT_EQ(::unlink((folder / "model/a.bin").c_str()), 0);
  EXPECT_EQ(check(model).error().message(), "'a.bin' was signed and is not there");
  EXPECT_EQ(check(model, {.extra_allowed = true}).error().code(), Code::rejected);
}

TEST_F(Signing, links_are_refused_and_nothing_is_no_model) {
  ASSERT_EQ(::symlink("/etc/passwd", (folder / "model/link").c_str()), 0);
  EXPECT_EQ(describe_folder(folder / "model", {}).error().code(), Code::rejected);
  EXPECT_TRUE(describe_folder(folder / "model", {.ignored = {"link"}}));
  ASSERT_TRUE(make_folders(folder / "empty"));
  EXPECT_EQ(describe_folder(folder / "empty", {}).error().code(), Code::invalid);
  EXPECT_EQ(describe_folder(folder / "nowhere", {}).error().code(), Code::not_found);
}

TEST_F(Signing, one_file_is_a_model_and_a_signature_inside_is_none_of_its_files) {
  const auto one = describe_folder(folder / "model/a.bin", {});
  ASSERT_TRUE(one);
  EXPECT_EQ(one->files.at(0).name, "a.bin");
  EXPECT_TRUE(check_folder(folder / "model/a.bin", *one, {}));
  put("model/model.sig", signed_by(key));
  const FolderRules rules{.signature = folder / "model/model.sig"};
  EXPECT_EQ(describe_folder(folder / "model", rules)->files.size(), 2U);
}

TEST_F(Signing, an_early_bundle_of_one_file_calls_it_a_dot) {
  const auto bundle = with_statement([](Json& statement) {
    auto& resources = statement["predicate"]["resources"];
    resources = Json::array({resources[0]});
    resources[0]["name"] = ".";
    const auto digest = resources[0]["digest"].get<std::string>();
    std::string bytes;
    for (size_t i = 0; i < digest.size(); i += 2)
      bytes += static_cast<char>(std::stoi(digest.substr(i, 2), nullptr, 16));
    statement["subject"][0]["digest"]["sha256"] = digest_of(bytes).substr(7);
  });
  const auto opened = open_bundle(bundle, key.public_key());
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_TRUE(check_folder(folder / "model/a.bin", *opened, {}));
  EXPECT_FALSE(check_folder(folder / "model/deep/b.bin", *opened, {}));
  EXPECT_FALSE(check(*opened));
}

TEST_F(Signing, parts_of_files_are_compared_one_by_one) {
  SignedModel model{.name = "m", .hash = "sha256", .shard_size = 4};
  put("model/empty", "");
  const std::vector<std::pair<std::string, std::string>> parts{
      {"a.bin:0:4", "firs"}, {"a.bin:4:5", "t"}, {"deep/b.bin:0:4", "seco"}, {"deep/b.bin:4:6", "nd"}};
  for (const auto& [name, bytes] : parts) model.files.push_back({name, digest_of(bytes).substr(7)});
  EXPECT_TRUE(check(model));
  put("model/deep/b.bin", "seconD");
  EXPECT_EQ(check(model).error().message(), "'deep/b.bin:4:6' is not what was signed");
}

TEST_F(Signing, a_bundle_that_was_touched_is_refused) {
  const auto good = *parse_json(signed_by(key), "bundle");
  const auto with = [&](const std::function<void(Json&)>& change) {
    auto bundle = good;
    change(bundle);
    return to_text(bundle);
  };
  EXPECT_EQ(refusal("{"), Code::invalid);
  EXPECT_EQ(refusal("{}"), Code::invalid);
  EXPECT_EQ(refusal(with([](Json& b) { b["mediaType"] = "application/json"; })), Code::unsupported);
  EXPECT_EQ(refusal(with([](Json& b) { b.erase("dsseEnvelope"); })), Code::invalid);
  EXPECT_EQ(refusal(with([](Json& b) { b.erase("verificationMaterial"); })), Code::invalid);
  EXPECT_EQ(refusal(with([](Json& b) { b["verificationMaterial"]["publicKey"] = Json::object(); })), Code::invalid);
  EXPECT_EQ(refusal(with([](Json& b) {
              b["verificationMaterial"] = {{"certificate", {{"rawBytes", "x"}}}};
            })),
            Code::unsupported);
  EXPECT_EQ(refusal(with([](Json& b) { b["dsseEnvelope"]["signatures"] = Json::array(); })), Code::invalid);
  EXPECT_EQ(refusal(with([](Json& b) { b["dsseEnvelope"]["payloadType"] = "text/plain"; })), Code::invalid);
  EXPECT_EQ(refusal(with([](Json& b) { b["dsseEnvelope"]["payload"] = to_base64("{}"); })), Code::rejected);
  EXPECT_EQ(refusal(with([](Json& b) { b["dsseEnvelope"]["payload"] = "e"; })), Code::invalid);
  const auto older = with([](Json& b) {
    b["verificationMaterial"] = {{"publicKey", {{"rawBytes", "AA=="}}}};
    b["dsseEnvelope"]["signatures"][0]["keyid"] = nullptr;
  });
  EXPECT_TRUE(open_bundle(older, key.public_key()));
}

TEST_F(Signing, a_statement_that_says_something_else_is_refused) {
  using Change = std::function<void(Json&)>;
  const std::vector<std::pair<Change, Code>> changes{
      {[](Json& s) { s["_type"] = "https://in-toto.io/Statement/v0.1"; }, Code::invalid},
      {[](Json& s) { s["predicateType"] = "https://slsa.dev/provenance/v1"; }, Code::invalid},
      {[](Json& s) { s["subject"] = Json::array(); }, Code::invalid},
      {[](Json& s) { s["subject"][0]["digest"]["sha256"] = std::string(64, '0'); }, Code::invalid},
      {[](Json& s) { s.erase("predicate"); }, Code::invalid},
      {[](Json& s) { s["predicate"]["resources"] = Json::array(); }, Code::invalid},
      {[](Json& s) { s["predicate"]["resources"][0]["name"] = "../a.bin"; }, Code::invalid},
      {[](Json& s) { s["predicate"]["resources"][0]["name"] = "deep/b.bin"; }, Code::invalid},
      {[](Json& s) { s["predicate"]["resources"][0]["digest"] = "XYZ"; }, Code::invalid},
      {[](Json& s) { s["predicate"]["serialization"]["hash_type"] = "md5"; }, Code::unsupported},
      {[](Json& s) { s["predicate"]["serialization"]["method"] = "other"; }, Code::unsupported},
      {[](Json& s) { s["predicate"]["serialization"]["method"] = "shards"; }, Code::invalid}};
  for (size_t i = 0; i < changes.size(); ++i)
    EXPECT_EQ(refusal(with_statement(changes[i].first)), changes[i].second) << i;
}

TEST_F(Signing, keys_that_cannot_be_used_say_why) {
  EXPECT_EQ(PrivateKey::parse("hello").error().message(), "this is no private key");
  EXPECT_EQ(PrivateKey::parse(new_key("P-256", EVP_aes_128_cbc())).error().message(), "the private key is encrypted");
  EXPECT_EQ(PrivateKey::parse(new_key("secp256k1")).error().code(), Code::unsupported);
  EXPECT_EQ(PublicKey::parse(new_key("P-256")).error().code(), Code::invalid);
  put("open.pem", new_key("P-256"));
  ASSERT_EQ(::chmod((folder / "open.pem").c_str(), 0644), 0);
  EXPECT_EQ(PrivateKey::load(folder / "open.pem").error().code(), Code::denied);
  ASSERT_EQ(::chmod((folder / "open.pem").c_str(), 0600), 0);
  EXPECT_TRUE(PrivateKey::load(folder / "open.pem"));
}

}  // namespace
}  // namespace millrace::registry
