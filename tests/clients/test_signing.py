"""OpenSSF model signing against the genuine `model_signing` package: bundles of each verify with the other."""
import base64
import json
import pathlib
import shutil
import subprocess

import model_signing
import pytest

from server import run

CURVES = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}


def make_key(folder, kind):
    key, public = folder / f"{kind}.pem", folder / f"{kind}.pub"
    make = ["genpkey", "-algorithm", "ed25519"] if kind == "Ed25519" else ["ecparam", "-name", CURVES[kind], "-genkey", "-noout"]
    subprocess.run(["openssl", *make, "-out", key], check=True, capture_output=True)
    key.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    return key, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {kind: make_key(folder, kind) for kind in [*CURVES, "Ed25519"]}


@pytest.fixture
def model(tmp_path):
    """Names that sort differently as texts and as paths, a hidden file, one of git's, an empty one."""
    folder = tmp_path / "model"
    for name, content in {"a/b.bin": b"1" * 5000, "a.txt": b"2", "a-b/c": b"3", ".env": b"4", "empty": b"", "größe/模型.bin": b"5", ".gitignore": b"x",
                          "a/.git/config": b"6"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def sign(model, key, signature, *more):
    return run("model", "sign", model, "--key", key, "--out", signature, *more)


def verify(model, public, signature, *more):
    return run("model", "verify", model, "--key", public, "--signature", signature, *more)


def genuine_sign(model, key, signature, hashing=None):
    config = model_signing.signing.Config().use_elliptic_key_signer(private_key=key)
    config.set_hashing_config(hashing or model_signing.hashing.Config().set_ignored_paths(paths=[signature], ignore_git_paths=True))
    config.sign(model, signature)


def genuine_verify(model, public, signature):
    model_signing.verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, signature)


@pytest.mark.parametrize("kind", CURVES)
def test_bundles_of_each_verify_with_the_other(keys, model, tmp_path, kind):
    key, public = keys[kind]
    ours, theirs = tmp_path / "ours.sig", tmp_path / "theirs.sig"
    assert sign(model, key, ours).returncode == 0
    genuine_verify(model, public, ours)
    genuine_sign(model, key, theirs)
    done = verify(model, public, theirs)
    assert done.returncode == 0, done.stderr
    (model / "a.txt").write_bytes(b"9")
    with pytest.raises(ValueError):
        genuine_verify(model, public, ours)
    for signature in (ours, theirs):
        done = verify(model, public, signature)
        assert done.returncode == 1 and "'a.txt' is not what was signed" in done.stderr


def test_ed25519_signs_and_verifies_here(keys, model, tmp_path):
    key, public = keys["Ed25519"]
    assert sign(model, key, tmp_path / "s").returncode == 0
    assert verify(model, public, tmp_path / "s").returncode == 0
    assert verify(model, keys["P-256"][1], tmp_path / "s").returncode == 1


@pytest.mark.parametrize("shard", [1000, 2500, 1 << 20])
def test_shards_and_other_digests_of_the_genuine_package_verify(keys, model, tmp_path, shard):
    key, public = keys["P-256"]
    for number, hashing in enumerate([model_signing.hashing.Config().use_shard_serialization(hashing_algorithm="sha256", shard_size=shard),
                                      model_signing.hashing.Config().use_file_serialization(hashing_algorithm="blake2")]):
        signature = tmp_path / f"{number}.sig"
        genuine_sign(model, key, signature, hashing)
        done = verify(model, public, signature)
        assert done.returncode == 0, done.stderr
        (model / "a/b.bin").write_bytes(b"1" * 4999 + b"0")
        assert verify(model, public, signature).returncode == 1
        (model / "a/b.bin").write_bytes(b"1" * 5000)


def test_one_file_a_signature_inside_and_ignored_paths(keys, model, tmp_path):
    key, public = keys["P-256"]
    alone = tmp_path / "alone.sig"
    assert sign(model / "a.txt", key, alone).returncode == 0
    assert verify(model / "a.txt", public, alone).returncode == 0
    genuine_sign(model / "a.txt", key, tmp_path / "theirs.sig")
    assert verify(model / "a.txt", public, tmp_path / "theirs.sig").returncode == 0
    inside = model / "model.sig"
    assert sign(model, key, inside, "--ignore", "empty").returncode == 0
    genuine_verify(model, public, inside)
    assert verify(model, public, inside).returncode == 0
    (model / "more").write_text("x")
    done = verify(model, public, inside)
    assert done.returncode == 1 and "'more' was not signed" in done.stderr
    assert verify(model, public, inside, "--ignore-unsigned").returncode == 0
    assert verify(model, public, inside, "--ignore", "more").returncode == 0


def test_what_cannot_be_signed_or_verified_says_why(keys, model, tmp_path):
    key, public = keys["P-256"]
    (tmp_path / "none").mkdir()
    assert "no file to sign" in sign(tmp_path / "none", key, tmp_path / "s").stderr
    assert "say where the signature" in run("model", "sign", model, "--key", key).stderr
    open_key = tmp_path / "open.pem"
    shutil.copy(key, open_key)
    open_key.chmod(0o644)
    done = sign(model, open_key, tmp_path / "s")
    assert done.returncode == 4 and "chmod 600" in done.stderr
    (model / "link").symlink_to("a.txt")
    assert "links are not followed" in sign(model, key, tmp_path / "s").stderr
    (model / "link").unlink()
    assert sign(model, key, tmp_path / "s").returncode == 0
    bundle = json.loads((tmp_path / "s").read_text())
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    payload["predicate"]["resources"].pop()
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    (tmp_path / "s").write_text(json.dumps(bundle))
    done = verify(model, public, tmp_path / "s")
    assert done.returncode == 1 and "does not fit what is signed" in done.stderr
