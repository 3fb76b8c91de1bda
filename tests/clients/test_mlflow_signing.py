"""Signatures of versions that MLflow's client made: signed by name, wanted of every name that a client loads by."""
import pathlib
import subprocess

import mlflow
import model_signing
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from server import run, up

PLAIN, ASKS = "millrace: 1\nproject: plain\n", "millrace: 1\nproject: plain\nregistry: {signed_by: release.pub}\n"


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input * 2


def make_key(folder, name):
    key = folder / f"{name}.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True, capture_output=True)
    key.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", folder / f"{name}.pub"], check=True, capture_output=True)


class Place:
    def __init__(self, folder):
        self.folder, self.state = folder, folder / "state"
        (folder / "millrace.yaml").write_text(PLAIN)
        for name in ("release", "other"):
            make_key(folder, name)
        self.server = up(self.state, "--project", folder)
        mlflow.set_tracking_uri(self.server.url)
        mlflow.set_registry_uri(self.server.url)
        self.client = MlflowClient(self.server.url, self.server.url)

    def ask_for_signatures(self):
        (self.folder / "millrace.yaml").write_text(ASKS)

    def register(self, name="planes"):
        with mlflow.start_run():
            mlflow.pyfunc.log_model(name="model", python_model=Doubler(), pip_requirements=[], registered_model_name=name)

    def sign(self, version, key, *more):
        return run("model", "sign", version, "--key", self.folder / f"{key}.pem", *more, state=self.state)

    def verify(self, version, key="release", *more):
        return run("model", "verify", version, "--key", self.folder / f"{key}.pub", *more, state=self.state)


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    assert place.server.stop() == 0, "".join(place.server.errors)[-2000:]


def refused(call):
    with pytest.raises(MlflowException, match="is not signed by") as found:
        call()
    return str(found.value)


def test_a_clients_version_is_signed_by_its_name_and_the_genuine_package_agrees(place):
    place.register()
    assert place.verify("planes@1").returncode == 1
    signature = place.folder / "planes.sig"
    done = place.sign("planes@1", "release", "--out", signature)
    assert done.returncode == 0, done.stderr
    assert place.verify("planes@1").returncode == 0
    assert place.verify("planes@1", "other").returncode == 1
    downloaded = mlflow.artifacts.download_artifacts("models:/planes/1", dst_path=str(place.folder / "downloaded"))
    (pathlib.Path(downloaded) / "registered_model_meta").unlink()  # a note of mlflow's client about what it loaded, no part of the model
    model_signing.verifying.Config().use_elliptic_key_verifier(public_key=place.folder / "release.pub").verify(downloaded, signature)


def test_bytes_that_changed_behind_the_server_are_found_by_verify(place):
    place.register()
    assert place.sign("planes@1", "release").returncode == 0
    path = place.client.get_model_version_download_uri("planes", "1").removeprefix("mlflow-artifacts:/")
    model = next((place.state / "artifacts").rglob(f"{path}/MLmodel"))
    was = model.read_bytes()
    model.write_bytes(was + b"\n# more\n")
    done = place.verify("planes@1")
    assert done.returncode == 1 and "'MLmodel' of model:planes@1 is not what was registered" in done.stderr, done.stderr
    model.write_bytes(was)
    (model.parent / "added.py").write_text("import os")
    done = place.verify("planes@1")
    assert done.returncode == 1 and "'added.py' of model:planes@1 was not there when it was registered" in done.stderr, done.stderr


def test_no_name_stands_for_an_unsigned_version_where_the_project_asks_for_signatures(place):
    client = place.client
    place.register()
    client.set_registered_model_alias("planes", "best", "1")
    place.ask_for_signatures()
    place.register()
    assert "millrace model sign planes@2" in refused(lambda: client.set_registered_model_alias("planes", "best", "2"))
    assert place.sign("planes@2", "other").returncode == 0
    refused(lambda: client.set_registered_model_alias("planes", "best", "2"))
    for stage in ("Staging", "Production"):
        refused(lambda stage=stage: client.transition_model_version_stage("planes", "2", stage))
    client.transition_model_version_stage("planes", "2", "Archived")
    assert client.get_model_version_by_alias("planes", "best").version == "1", "what stood there stays"
    assert place.sign("planes@2", "release").returncode == 0
    client.set_registered_model_alias("planes", "best", "2")
    client.transition_model_version_stage("planes", "2", "Production")
    assert mlflow.pyfunc.load_model("models:/planes@best").predict(np.array([2])).tolist() == [4]
    back = run("model", "alias", "planes", "best", "--rollback", "--why", "it was better", state=place.state)
    assert back.returncode == 1 and "model:planes@1 is not signed by" in back.stderr, back.stderr
    assert place.sign("planes@1", "release").returncode == 0
    assert run("model", "alias", "planes", "best", "--rollback", "--why", "it was better", state=place.state).returncode == 0
    assert client.get_model_version_by_alias("planes", "best").version == "1"


def test_prompts_have_no_files_and_need_no_signature(place):
    place.ask_for_signatures()
    mlflow.genai.register_prompt("greeting", "Hello {{name}}")
    mlflow.genai.set_prompt_alias("greeting", "live", 1)
    assert mlflow.genai.load_prompt("prompts:/greeting@live").template == "Hello {{name}}"
