"""The genuine mlflow client against Millrace: it must not notice that the server is another one."""
import json
import math
import re

import mlflow
import numpy as np
import onnx
import pandas as pd
import pytest
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException, RestException
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression


@pytest.fixture(autouse=True)
def tracked(server):
    mlflow.set_tracking_uri(server)
    mlflow.set_registry_uri(server)
    yield
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def client(server):
    return MlflowClient(server)


@pytest.fixture
def experiment(request, client):
    return client.create_experiment(request.node.name)


@pytest.fixture
def run(client, experiment):
    return client.create_run(experiment).info.run_id


def graph():
    """y = 2x + 1"""
    nodes = [helper.make_node("Mul", ["x", "two"], ["d"]), helper.make_node("Add", ["d", "one"], ["y"])]
    value = helper.make_tensor_value_info
    return helper.make_model(
        helper.make_graph(nodes, "line", [value("x", TensorProto.FLOAT, [None])], [value("y", TensorProto.FLOAT, [None])],
                          [helper.make_tensor("two", TensorProto.FLOAT, [1], [2]), helper.make_tensor("one", TensorProto.FLOAT, [1], [1])]),
        ir_version=8, opset_imports=[helper.make_opsetid("", 15)])


def test_experiments_are_made_found_renamed_deleted_and_restored(client):
    number = client.create_experiment("planes", tags={"team": "ops"})
    found = client.get_experiment_by_name("planes")
    assert (found.experiment_id, found.tags["team"], found.lifecycle_stage) == (number, "ops", "active")
    assert found.artifact_location == f"mlflow-artifacts:/{number}"
    with pytest.raises(MlflowException, match="already exists") as refused:
        client.create_experiment("planes")
    assert refused.value.error_code == "RESOURCE_ALREADY_EXISTS"
    client.rename_experiment(number, "aircraft")
    client.set_experiment_tag(number, "season", "summer")
    client.delete_experiment_tag(number, "team")
    assert client.get_experiment(number).tags == {"season": "summer"}
    client.delete_experiment(number)
    assert client.get_experiment(number).lifecycle_stage == "deleted"
    assert number in [e.experiment_id for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)]
    client.restore_experiment(number)
    assert [e.name for e in client.search_experiments(filter_string="name LIKE 'air%' AND tags.season = 'summer'")] == ["aircraft"]
    assert client.get_experiment_by_name("planes") is None
    with pytest.raises(MlflowException, match="No Experiment with id=4711 exists"):
        client.get_experiment("4711")


def test_experiments_come_in_pages(client):
    names = [f"page {i}" for i in range(7)]
    for name in names:
        client.create_experiment(name)
    got, token = [], None
    while True:
        page = client.search_experiments(filter_string="name LIKE 'page %'", order_by=["name ASC"], max_results=3, page_token=token)
        got += [e.name for e in page]
        if not (token := page.token):
            break
    assert got == names


def test_the_fluent_interface_logs_a_run(server):
    mlflow.set_experiment("fluent")
    with mlflow.start_run(run_name="first", tags={"kind": "test"}, description="a note") as active:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "leaves": 31})
        mlflow.log_metric("auc", 0.7, step=1)
        mlflow.log_metrics({"auc": 0.75, "loss": 0.5}, step=2)
        mlflow.set_tag("team", "ops")
    run = mlflow.get_run(active.info.run_id)
    assert run.info.run_name == "first" and run.info.status == "FINISHED" and run.info.end_time >= run.info.start_time
    assert run.data.params == {"depth": "3", "rate": "0.1", "leaves": "31"}
    assert run.data.metrics == {"auc": 0.75, "loss": 0.5}
    assert run.data.tags["kind"] == "test" and run.data.tags["team"] == "ops" and run.data.tags["mlflow.runName"] == "first"
    assert run.data.tags["mlflow.note.content"] == "a note"


def test_a_failing_run_is_marked_so():
    mlflow.set_experiment("fluent")
    with pytest.raises(ValueError):
        with mlflow.start_run() as active:
            raise ValueError("broken")
    assert mlflow.get_run(active.info.run_id).info.status == "FAILED"
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d+", active.info.run_name)


def test_nested_runs_name_their_parent():
    mlflow.set_experiment("nested")
    with mlflow.start_run() as parent:
        for i in range(2):
            with mlflow.start_run(run_name=f"child {i}", nested=True):
                mlflow.log_param("i", i)
    children = MlflowClient().search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["attributes.run_name"])
    assert [c.info.run_name for c in children] == ["child 0", "child 1"]


def test_a_run_is_renamed_by_its_tag_and_the_other_way_round(client, run):
    client.set_tag(run, "mlflow.runName", "by tag")
    assert client.get_run(run).info.run_name == "by tag"
    client.update_run(run, name="by call", status="KILLED")
    assert client.get_run(run).data.tags["mlflow.runName"] == "by call"
    assert client.get_run(run).info.status == "KILLED"


def test_metrics_keep_their_history_in_order(client, run):
    client.log_metric(run, "m", 3, timestamp=20, step=1)
    client.log_batch(run, metrics=[Metric("m", i, 10 + i, i) for i in range(5)] + [Metric("m", 3, 20, 1)])
    history = client.get_metric_history(run, "m")
    assert [(p.timestamp, p.step, p.value) for p in history] == [(10, 0, 0), (11, 1, 1), (12, 2, 2), (13, 3, 3), (14, 4, 4), (20, 1, 3)]
    assert client.get_run(run).data.metrics == {"m": 4}
    assert client.get_metric_history(run, "none") == []


def test_a_long_history_is_read_whole(client, run):
    for start in range(0, 30_000, 1000):
        client.log_batch(run, metrics=[Metric("m", i, i, i) for i in range(start, start + 1000)])
    assert [p.step for p in client.get_metric_history(run, "m")] == list(range(30_000))


def test_nan_and_infinities_survive(client, run):
    client.log_metric(run, "nan", math.nan)
    client.log_batch(run, metrics=[Metric("up", math.inf, 1, 0), Metric("down", -math.inf, 1, 0)])
    metrics = client.get_run(run).data.metrics
    assert math.isnan(metrics["nan"])
    assert metrics["up"] == np.finfo(float).max and metrics["down"] == np.finfo(float).min
    assert math.isnan(client.get_metric_history(run, "nan")[0].value)


def test_params_are_written_once(client, run):
    client.log_param(run, "depth", 3)
    client.log_param(run, "depth", 3)
    with pytest.raises(MlflowException, match="Changing param values is not allowed") as refused:
        client.log_param(run, "depth", 4)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        client.log_batch(run, params=[Param("depth", "5")], tags=[RunTag("left", "out")])
    assert client.get_run(run).data.params == {"depth": "3"} and "left" not in client.get_run(run).data.tags


def test_tags_are_set_and_deleted(client, run):
    client.set_tag(run, "a", "1")
    client.set_tag(run, "a", "2")
    assert client.get_run(run).data.tags["a"] == "2"
    client.delete_tag(run, "a")
    with pytest.raises(MlflowException, match="No tag with name: a in run with id"):
        client.delete_tag(run, "a")


def test_a_deleted_run_refuses_writes_until_restored(client, run):
    client.delete_run(run)
    for write in (lambda: client.log_metric(run, "m", 1), lambda: client.log_param(run, "p", 1), lambda: client.set_tag(run, "t", 1),
                  lambda: client.log_batch(run, metrics=[Metric("m", 1, 1, 1)])):
        with pytest.raises(MlflowException, match="must be in the 'active' state"):
            write()
    client.restore_run(run)
    client.log_metric(run, "m", 1)


def test_a_missing_run_is_said_to_be_missing(client):
    with pytest.raises(MlflowException, match="Run with id=0123 not found") as refused:
        client.get_run("0123")
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_runs_are_searched_into_pandas(client, experiment):
    for i in range(6):
        with mlflow.start_run(experiment_id=experiment, run_name=f"run {i}"):
            mlflow.log_params({"i": i, "kind": "even" if i % 2 == 0 else "odd"})
            if i != 5:
                mlflow.log_metric("auc", i / 10)
    frame = mlflow.search_runs([experiment], "metrics.auc > 0.05 AND params.kind = 'even'", order_by=["metrics.auc DESC"])
    assert list(frame["params.i"]) == ["4", "2"] and list(frame["metrics.auc"]) == [0.4, 0.2]
    names = lambda **search: [r.info.run_name for r in client.search_runs([experiment], **search)]  # noqa: E731
    assert names(filter_string="", order_by=["metrics.auc ASC"])[-1] == "run 5"
    assert names(filter_string="", order_by=["metrics.auc DESC"])[-1] == "run 5"
    assert names(filter_string="attributes.run_name ILIKE 'RUN %' AND params.i != '0'", order_by=["start_time ASC"], max_results=2) == ["run 1", "run 2"]
    assert names(filter_string="status = 'FINISHED' and tags.`mlflow.runName` LIKE '%3'") == ["run 3"]
    assert len(mlflow.search_runs([experiment], max_results=4)) == 4
    with pytest.raises(MlflowException, match=re.escape("Invalid clause(s) in filter string: 'OR'")):
        names(filter_string="metrics.auc > 1 OR metrics.auc < 0")


def test_runs_come_in_pages_that_miss_nothing_while_runs_are_added(client, experiment):
    wanted = {client.create_run(experiment, tags={"old": "yes"}).info.run_id for _ in range(9)}
    got, token = [], None
    while True:
        page = client.search_runs([experiment], "tags.old = 'yes'", max_results=2, page_token=token)
        got += [r.info.run_id for r in page]
        client.create_run(experiment, tags={"old": "yes, but later"})
        if not (token := page.token):
            break
    assert len(got) == 9 and set(got) == wanted


def test_datasets_are_logged_with_their_context():
    mlflow.set_experiment("datasets")
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    with mlflow.start_run() as active:
        mlflow.log_input(mlflow.data.from_pandas(frame, source="memory.csv", name="small", targets="y"), context="training", tags={"month": "May"})
        mlflow.log_input(mlflow.data.from_pandas(frame, source="memory.csv", name="small", targets="y"), context="training")
    inputs = mlflow.get_run(active.info.run_id).inputs.dataset_inputs
    assert len(inputs) == 1 and inputs[0].dataset.name == "small" and json.loads(inputs[0].dataset.profile)["num_rows"] == 2
    assert {t.key: t.value for t in inputs[0].tags} == {"mlflow.data.context": "training", "month": "May"}
    found = MlflowClient().search_runs([active.info.experiment_id], "datasets.name = 'small' AND datasets.context = 'training'")
    assert [r.info.run_id for r in found] == [active.info.run_id]


def test_artifacts_go_up_are_listed_and_come_back(client, run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "one file.txt").write_text("one")
    (tmp_path / "out" / "größe.bin").write_bytes(bytes(range(256)) * 4096)
    (tmp_path / "out" / "empty").write_bytes(b"")
    client.log_artifact(run, str(tmp_path / "one file.txt"))
    client.log_artifacts(run, str(tmp_path / "out"), "deep/er")
    client.log_text(run, "hello", "notes/hello.txt")
    client.log_dict(run, {"a": 1}, "notes/a.json")
    assert {f.path: f.is_dir for f in client.list_artifacts(run)} == {"deep": True, "notes": True, "one file.txt": False}
    assert {f.path: f.file_size for f in client.list_artifacts(run, "deep/er")} == {"deep/er/empty": 0, "deep/er/größe.bin": 1 << 20}
    folder = client.download_artifacts(run, "", str(tmp_path))
    with open(f"{folder}/deep/er/größe.bin", "rb") as file:
        assert file.read() == bytes(range(256)) * 4096
    assert mlflow.artifacts.load_text(f"runs:/{run}/notes/hello.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"runs:/{run}/notes/a.json") == {"a": 1}


def test_artifact_paths_cannot_leave_their_folder(server, client, run):
    root = f"{server}/api/2.0/mlflow-artifacts/artifacts"
    for path in ("..%2f..%2fmeta.db", "%2e%2e/meta.db", "0/..%2f..%2fmeta.db", "..\\meta.db", "%2fetc%2fpasswd", "workspaces/other/1"):
        answer = requests.get(f"{root}/{path}")
        assert 400 <= answer.status_code < 500, path
        assert 400 <= requests.put(f"{root}/{path}", data=b"x").status_code < 500, path
    answer = requests.get(f"{server}/get-artifact", params={"run_id": run, "path": "../../../meta.db"})
    assert answer.status_code == 400 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    with pytest.raises(requests.HTTPError, match="Invalid path"):
        client.list_artifacts(run, "../..")


def test_an_onnx_model_is_logged_and_loaded_by_run_and_by_id():
    mlflow.set_experiment("models")
    with mlflow.start_run() as active:
        info = mlflow.onnx.log_model(graph(), name="line", params={"kind": "linear"}, tags={"team": "ops"}, pip_requirements=["onnx", "onnxruntime"])
        mlflow.log_metric("error", 0.25, model_id=info.model_id)
    x = np.array([1, 2], dtype=np.float32)
    for uri in (f"runs:/{active.info.run_id}/line", f"models:/{info.model_id}", info.model_uri):
        assert mlflow.pyfunc.load_model(uri).predict(x)["y"].tolist() == [3, 5]
    model = mlflow.get_logged_model(info.model_id)
    assert model.status == "READY" and model.params == {"kind": "linear"} and model.tags["team"] == "ops"
    assert model.source_run_id == active.info.run_id and [m.value for m in model.metrics] == [0.25]
    assert [o.model_id for o in mlflow.get_run(active.info.run_id).outputs.model_outputs] == [info.model_id]
    found = mlflow.search_logged_models([active.info.experiment_id], "metrics.error < 0.5 AND name = 'line'", output_format="list",
                                        order_by=[{"field_name": "metrics.error", "ascending": True}])
    assert [m.model_id for m in found] == [info.model_id]


def test_a_sklearn_model_is_logged_and_loaded():
    mlflow.set_experiment("models")
    rows, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(LogisticRegression().fit(rows, labels), name="logistic", input_example=rows, pip_requirements=["scikit-learn"])
    assert mlflow.sklearn.load_model(info.model_uri).predict(rows).tolist() == [0, 0, 1, 1]
    assert mlflow.pyfunc.load_model(info.model_uri).predict(pd.DataFrame(rows)).tolist() == [0, 0, 1, 1]


def test_logged_models_change_and_go(client, experiment):
    model = client.create_logged_model(experiment, name="m", model_type="agent", params={"a": "1"}, tags={"x": "1"})
    assert model.status == "PENDING"
    client.log_model_params(model.model_id, {"b": "2"})
    client.set_logged_model_tags(model.model_id, {"x": "2", "y/z": "3"})
    client.delete_logged_model_tag(model.model_id, "x")
    client.finalize_logged_model(model.model_id, "READY")
    model = client.get_logged_model(model.model_id)
    assert (model.status, model.model_type, model.params, model.tags) == ("READY", "agent", {"a": "1", "b": "2"}, {"y/z": "3"})
    client.delete_logged_model(model.model_id)
    with pytest.raises(MlflowException, match="not found"):
        client.get_logged_model(model.model_id)


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'{"name": "\xff"}', b'{"name": "a"} trailing', b"[" * 100_000, b'"{', b'{"name": ["a"]}', b'{"name": {"a": 1}}',
                                  b'{"name": 1e999}', b'{"run_id": {}, "metrics": 7}', b'{"name": "a", "name": "b"}'])
@pytest.mark.parametrize("path", ["experiments/create", "runs/log-batch", "runs/search", "logged-models", "runs/log-inputs"])
def test_malformed_bodies_are_refused_in_mlflows_shape(server, path, body):
    answer = requests.post(f"{server}/api/2.0/mlflow/{path}", data=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500 or (answer.status_code == 200 and path == "runs/search")
    if answer.status_code != 200:
        assert set(answer.json()) >= {"error_code", "message"}


def test_a_body_over_the_limit_is_refused(server):
    answer = requests.post(f"{server}/api/2.0/mlflow/experiments/create", data=b'{"name": "' + b"x" * (9 << 20) + b'"}', headers={"Content-Type": "application/json"})
    assert answer.status_code == 413 and answer.json()["error_code"]


def test_what_is_not_there_says_so(server):
    for method, path in (("POST", "/api/2.0/mlflow/gateway/endpoints"), ("GET", "/api/3.0/mlflow/none"), ("POST", "/ajax-api/2.0/mlflow/none")):
        answer = requests.request(method, server + path, json={})
        assert answer.status_code == 404 and answer.json()["error_code"] == "ENDPOINT_NOT_FOUND", path


def test_the_page_that_the_ui_uses_answers_too(server, run):
    assert requests.get(f"{server}/ajax-api/2.0/mlflow/runs/get", params={"run_id": run}).json()["run"]["info"]["run_id"] == run
    assert requests.get(f"{server}/version").text == mlflow.__version__
    assert requests.get(f"{server}/api/3.0/mlflow/server-info").json()["store_type"] == "SqlStore"
    assert requests.get(f"{server}/health").text == "OK"


def test_errors_carry_mlflows_codes(client, experiment):
    with pytest.raises(RestException) as refused:
        client._tracking_client.store.get_run("nothing-here")
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="Timestamp must be a nonnegative long"):
        client.log_batch(client.create_run(experiment).info.run_id, metrics=[Metric("m", 1, -5, 0)])
