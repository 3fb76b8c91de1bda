"""An alias that a deployment binds, moved by the genuine mlflow client and by Millrace's own commands."""
import hashlib
import json
import pathlib

import mlflow
import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from server import run, up
from shop import REQUEST, Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Versions 1 (live) and 2 are approved, version 3 is not; `champion` is the deployment's stable arm."""
    shop = Shop(tmp_path_factory.mktemp("alias"))
    shop.change("millrace.yaml", "unit: shop}", "unit: shop, alias: champion}")
    shop.release()
    shop.second()
    shop.write("columns.odcs.yaml", (shop.folder / "columns.odcs.yaml").read_text() + "# another contract is another version\n")
    assert shop.good("model", "register", "long")["version"] == 3
    shop.good("model", "gates", "long", "3")
    return shop


@pytest.fixture(scope="module")
def server(shop):
    server = up(shop.state, "--project", shop.folder)
    yield server
    assert server.stop() == 0, "".join(server.errors)[-2000:]


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)
    return MlflowClient(server.url, server.url)


@pytest.fixture(autouse=True)
def first_is_live(shop, server, request):
    shop.good("release", "create", "long", "--version", "1", "--once", "--why", f"for {request.node.name}")
    yield


def token(shop, role):
    made = run("token", "create", "--subject", f"{role}-ada", "--role", role, "--json", state=shop.state)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["token"]


def served(server):
    answer = requests.post(server.url + "/v2/models/long/infer", json=REQUEST, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["model_version"]


def test_the_alias_set_by_mlflow_moves_the_traffic(shop, server, client):
    client.set_registered_model_alias("long", "champion", "2")
    assert served(server) == "2"
    assert client.get_model_version_by_alias("long", "champion").version == "2"
    live = shop.good("release", "list", "long")["items"][0]
    assert (live["step"], live["version"], live["reason"]) == ("release", 2, "alias 'champion' set through MLflow")
    event = [e for e in shop.events() if e["kind"] == "release.created"][-1]
    assert event["via"] == "mlflow" and event["why"] == "alias 'champion' set through MLflow"
    before = len(shop.good("release", "list", "long")["items"])
    client.set_registered_model_alias("long", "champion", "2")
    assert len(shop.good("release", "list", "long")["items"]) == before, "as it is already: no record"


def test_a_release_a_promotion_and_a_rollback_move_the_alias(shop, client):
    def champion():
        return client.get_model_version_by_alias("long", "champion").version
    assert champion() == "1"
    shop.good("release", "canary", "long", "--version", "2", "--share", "0.5", "--why", "to be tried")
    assert champion() == "1", "a canary is not the stable arm"
    shop.good("release", "promote", "long", "--why", "better")
    assert champion() == "2"
    assert client.get_registered_model("long").aliases == {"champion": "2"}
    assert client.get_model_version("long", "2").aliases == ["champion"]
    shop.good("release", "rollback", "long", "--why", "worse")
    assert champion() == "1"
    assert client.get_model_version("long", "2").aliases == []


def test_the_same_gates_approvals_and_roles_hold(shop, server, client, monkeypatch):
    with pytest.raises(MlflowException, match="it has 0 of 1 approval") as refused:
        client.set_registered_model_alias("long", "champion", "3")
    assert refused.value.error_code == "INVALID_STATE"
    with pytest.raises(MlflowException, match="it has versions 1 to 3") as refused:
        client.set_registered_model_alias("long", "champion", "9")
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token(shop, "writer"))
    with pytest.raises(MlflowException, match="takes the role 'approver'") as refused:
        client.set_registered_model_alias("long", "champion", "2")
    assert refused.value.error_code == "PERMISSION_DENIED"
    assert served(server) == "1"
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token(shop, "approver"))
    client.set_registered_model_alias("long", "champion", "2")
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    assert served(server) == "2"
    assert shop.good("release", "list", "long")["items"][0]["subject"] == "approver-ada"


def test_a_bound_alias_is_not_deleted(client):
    with pytest.raises(MlflowException, match="millrace release rollback long") as refused:
        client.delete_registered_model_alias("long", "champion")
    assert refused.value.error_code == "RESOURCE_CONFLICT"
    assert client.get_model_version_by_alias("long", "champion").version == "1"


def test_other_aliases_are_labels(shop, server, client, monkeypatch):
    client.set_registered_model_alias("long", "tried", "3")
    assert client.get_model_version_by_alias("long", "tried").version == "3"
    client.set_registered_model_alias("long", "tried", "2")
    assert client.get_registered_model("long").aliases == {"champion": "1", "tried": "2"}
    assert served(server) == "1"
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token(shop, "reader"))
    for change in (lambda: client.set_registered_model_alias("long", "tried", "1"), lambda: client.delete_registered_model_alias("long", "tried")):
        with pytest.raises(MlflowException) as refused:
            change()
        assert refused.value.error_code == "PERMISSION_DENIED"
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    client.delete_registered_model_alias("long", "tried")
    client.delete_registered_model_alias("long", "tried")
    with pytest.raises(MlflowException, match="Registered model alias tried not found"):
        client.get_model_version_by_alias("long", "tried")
    kinds = [e["kind"] for e in shop.events() if e["kind"].startswith("model.alias")]
    assert kinds == ["model.alias.set", "model.alias.set", "model.alias.deleted"]
    for alias in ("a b", "v3"):
        with pytest.raises(MlflowException) as refused:
            client.set_registered_model_alias("long", alias, "1")
        assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_models_and_versions_are_found(client):
    [model] = client.search_registered_models()
    assert model.name == "long" and model.latest_versions[0].version == "3"
    assert client.search_registered_models("name LIKE 'sho%'") == [] and len(client.search_registered_models("name = 'long'", order_by=["name DESC"])) == 1
    found = client.search_model_versions("name='long'")
    assert [v.version for v in found] == ["3", "2", "1"]
    version = client.get_model_version("long", "2")
    assert (version.status, version.source, version.tags["millrace.state"]) == ("READY", "millrace:model:long@2", "approved")
    assert version.version in [v.version for v in client.search_model_versions(f"run_id = '{version.run_id}'")]
    first = client.search_model_versions("name='long'", max_results=2, order_by=["version_number ASC"])
    rest = client.search_model_versions("name='long'", max_results=2, order_by=["version_number ASC"], page_token=first.token)
    assert [v.version for v in first] == ["1", "2"] and [v.version for v in rest] == ["3"] and not rest.token
    with pytest.raises(MlflowException, match="Invalid page token"):
        client.search_model_versions("name='other'", page_token=first.token)
    for ask in (lambda: client.get_registered_model("none"), lambda: client.get_model_version("long", "9"), lambda: client.get_model_version_by_alias("none", "x")):
        with pytest.raises(MlflowException, match="not found") as refused:
            ask()
        assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_a_version_of_the_pipeline_is_downloaded_and_loaded(shop, client, tmp_path):
    uri = client.get_model_version_download_uri("long", "2")
    assert uri == "mlflow-artifacts:/registered/long/2"
    folder = pathlib.Path(mlflow.artifacts.download_artifacts("models:/long/2", dst_path=str(tmp_path)))
    assert sorted(f.name for f in folder.iterdir() if f.name != "registered_model_meta") == ["MLmodel", "model.onnx"]
    assert (folder / "model.onnx").read_bytes() == (shop.folder / "columns.onnx").read_bytes()
    assert mlflow.pyfunc.load_model("models:/long/1").metadata.flavors["python_function"]["loader_module"] == "mlflow.onnx"
    content = shop.good("model", "show", "long", "2")["content"]
    files = [(f.name, f.read_bytes()) for f in sorted(folder.iterdir()) if f.name != "registered_model_meta"]
    manifest = [{"digest": "sha256:" + hashlib.sha256(data).hexdigest(), "path": name, "size": len(data)} for name, data in files]
    assert content == "sha256:" + hashlib.sha256(json.dumps(manifest, separators=(",", ":")).encode()).hexdigest()


def test_a_version_that_a_client_registers_goes_through_the_same_gates(shop, client):
    mlflow.set_experiment("by hand")
    with mlflow.start_run() as started:
        mlflow.log_artifact(str(shop.folder / "columns.onnx"), "model")
        mlflow.log_text("not a model of any stage", "other/model.onnx")
    run_id = started.info.run_id
    made = client.create_model_version("long", f"runs:/{run_id}/model", run_id)
    shown = shop.good("model", "gates", "long", made.version)
    assert (shown["state"], shown["stage"][:12]) == ("gates_passed", "stage:train@")
    shop.good("model", "approve", "long", made.version, "--why", "it is the same file")
    client.set_registered_model_alias("long", "champion", made.version)
    assert client.get_model_version_by_alias("long", "champion").version == made.version
    with pytest.raises(MlflowException, match="is on the traffic of 'long'") as refused:
        client.delete_model_version("long", made.version)
    assert refused.value.error_code == "RESOURCE_CONFLICT"
    other = client.create_model_version("long", f"runs:/{run_id}/other", run_id)
    refused = run("model", "gates", "long", other.version, project=shop.folder, state=shop.state)
    assert refused.returncode == 1 and "no record of the stage 'train' made one of its files" in refused.stderr, refused.stderr
    with pytest.raises(MlflowException, match="its name from the project file"):
        client.rename_registered_model("long", "short")
