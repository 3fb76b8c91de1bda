"""A project that asks for signatures: nothing unsigned is released or loaded. Provenance and bills of materials of a version."""
import json
import pathlib
import subprocess

import mlflow
import model_signing
import pytest
import requests
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from server import run, up
from shop import REQUEST, Shop


def make_key(folder, name):
    key, public = folder / f"{name}.pem", folder / f"{name}.pub"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True, capture_output=True)
    key.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    return key, public


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    make_key(shop.folder, "release")
    make_key(shop.folder, "other")
    return shop


def ask_for_signatures(shop, more=""):
    shop.change("millrace.yaml", "    label: long\n", f"    label: long\n    signed_by: release.pub\n{more}")


def prepared(shop):
    """Version 1, approved, unsigned."""
    shop.add_visits()
    shop.good("run")
    shop.good("model", "register", "long")
    shop.good("model", "gates", "long", "1")
    shop.good("model", "approve", "long", "1", "--why", "it holds")


def release(shop):
    return shop.run("release", "create", "long", "--version", "1", "--why", "first")


def test_nothing_is_released_without_the_signature_that_the_project_names(shop):
    ask_for_signatures(shop)
    prepared(shop)
    refused = release(shop)
    assert refused.returncode == 1 and "long@1 is not signed by" in refused.stderr and "millrace model sign long@1" in refused.stderr
    shop.good("model", "sign", "long@1", "--key", shop.folder / "other.pem")
    assert release(shop).returncode == 1
    assert shop.run("model", "verify", "long@1", "--key", shop.folder / "release.pub").returncode == 1
    shop.good("model", "sign", "long@1", "--key", shop.folder / "release.pem", "--out", shop.folder / "long.sig")
    shop.good("model", "verify", "long@1", "--key", shop.folder / "release.pub")
    assert release(shop).returncode == 0
    downloaded = download(shop, shop.folder / "downloaded")
    (pathlib.Path(downloaded) / "registered_model_meta").unlink()  # a note of mlflow's client about what it loaded, no part of the model
    shop.good("model", "verify", downloaded, "--key", shop.folder / "release.pub", "--signature", shop.folder / "long.sig")
    model_signing.verifying.Config().use_elliptic_key_verifier(public_key=shop.folder / "release.pub").verify(downloaded, shop.folder / "long.sig")
    assert [event["kind"] for event in shop.events()].count("model.signed") == 2


def download(shop, folder):
    """What a client of MLflow gets of version 1."""
    server = up(shop.state, "--project", shop.folder)
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)
    try:
        return mlflow.artifacts.download_artifacts("models:/long/1", dst_path=str(folder))
    finally:
        assert server.stop() == 0


def served(shop):
    server = up(shop.state, "--project", shop.folder)
    try:
        return requests.post(f"{server.url}/v2/models/long/infer", json=REQUEST, timeout=60)
    finally:
        assert server.stop() == 0


def test_a_model_is_loaded_only_with_its_signature(shop):
    prepared(shop)
    assert release(shop).returncode == 0
    assert served(shop).status_code == 200
    ask_for_signatures(shop)
    assert served(shop).status_code != 200
    shop.good("model", "sign", "long@1", "--key", shop.folder / "release.pem")
    assert served(shop).status_code == 200
    [signature] = (shop.state / "serving/long/files").glob("*.sig")
    bundle = json.loads(signature.read_text())
    bundle["dsseEnvelope"]["payload"] = bundle["dsseEnvelope"]["payload"][::-1]
    signature.write_text(json.dumps(bundle))
    assert served(shop).status_code == 200, "the registry writes its own anew at start"


def test_a_new_version_is_signed_when_a_key_is_configured(shop):
    ask_for_signatures(shop, "    sign_with: ${file:release.pem}\n")
    prepared(shop)
    [signature] = requests_items(shop, "models/long/versions/1/signatures")
    assert len(signature["key_id"]) == 64
    assert release(shop).returncode == 0
    shop.change("millrace.yaml", "${file:release.pem}", "BEGIN")
    assert "does not stand in the project file" in shop.run("model", "register", "long").stderr


def requests_items(shop, path):
    server = up(shop.state, "--project", shop.folder)
    try:
        return requests.get(f"{server.url}/api/millrace/v1/{path}", timeout=60).json()["items"]
    finally:
        assert server.stop() == 0


def test_provenance_and_bill_of_materials_say_what_a_version_stands_on(shop):
    prepared(shop)
    model = shop.good("model", "show", "long", "1")["digests"]["model"]
    statement = shop.good("model", "provenance", "long@1")
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert {"name": "model.onnx", "digest": {"sha256": model.removeprefix("sha256:")}} in statement["subject"]
    definition = statement["predicate"]["buildDefinition"]
    assert {"buildType", "externalParameters", "resolvedDependencies"} <= definition.keys()
    assert statement["predicate"]["runDetails"]["builder"]["id"]
    out = shop.folder / "bom.json"
    shop.good("model", "bom", "long@1", "--out", out)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(out.read_text()) is None
    bom = json.loads(out.read_text())
    component = bom["metadata"]["component"]
    assert component["type"] == "machine-learning-model" and component["hashes"] == [{"alg": "SHA-256", "content": model.removeprefix("sha256:")}]
    assert component["modelCard"]["considerations"]["useCases"] == ["to be tried"]
    assert any(each["name"] == "columns.onnx" for each in bom["components"])
    assert shop.good("model", "bom", "long@1") == bom
    assert shop.run("model", "bom", "long@7").returncode == 3
