"""Tokens, roles and workspaces through the genuine mlflow client."""
import json

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from server import run


def token(state_dir, role):
    made = run("token", "create", "--subject", f"{role}-ada", "--role", role, "--json", state=state_dir)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["token"]


def test_a_reader_reads_and_a_writer_writes(server, state_dir, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token(state_dir, "writer"))
    client = MlflowClient(server)
    number = client.create_experiment("by token")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token(state_dir, "reader"))
    assert client.get_experiment(number).name == "by token"
    with pytest.raises(MlflowException) as refused:
        client.create_run(number)
    assert refused.value.error_code == "PERMISSION_DENIED"
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "mr_wrong")
    with pytest.raises(MlflowException) as refused:
        client.get_experiment(number)
    assert refused.value.error_code == "UNAUTHENTICATED"


def test_a_token_may_be_the_password_of_any_user(server, state_dir, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "anybody")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", token(state_dir, "writer"))
    assert MlflowClient(server).create_experiment("by password")


def test_every_write_names_its_author_and_the_journal_holds(server, state_dir, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token(state_dir, "writer"))
    client = MlflowClient(server)
    number = client.create_experiment("audited")
    made = client.create_run(number)
    client.log_metric(made.info.run_id, "m", 1)
    verified = run("audit", "verify", "--json", state=state_dir)
    assert verified.returncode == 0, verified.stderr
    lineage = run("lineage", f"run:{made.info.run_id}", "--json", state=state_dir)
    assert lineage.returncode == 0 and made.info.run_id in lineage.stdout, lineage.stderr


def test_workspaces_do_not_see_each_other(server):
    def post(path, body, workspace):
        return requests.post(f"{server}/api/2.0/mlflow/{path}", json=body, headers={"X-MLFLOW-WORKSPACE": workspace})
    made = post("runs/create", {"experiment_id": "0"}, "red").json()["run"]["info"]
    assert post("runs/search", {"experiment_ids": ["0"]}, "blue").json() == {}
    assert post("runs/set-tag", {"run_id": made["run_id"], "key": "a", "value": "b"}, "blue").status_code == 404
    assert len(post("runs/search", {"experiment_ids": ["0"]}, "red").json()["runs"]) == 1
    path = f"{server}/api/2.0/mlflow-artifacts/artifacts/0/{made['run_id']}/artifacts/a.txt"
    assert requests.put(path, data=b"red", headers={"X-MLFLOW-WORKSPACE": "red"}).status_code == 200
    assert requests.get(path, headers={"X-MLFLOW-WORKSPACE": "blue"}).status_code == 404
    assert requests.get(path).status_code == 404
    assert requests.get(path, headers={"X-MLFLOW-WORKSPACE": "red"}).content == b"red"
    assert requests.get(path, headers={"X-MLFLOW-WORKSPACE": "../red"}).status_code == 400
