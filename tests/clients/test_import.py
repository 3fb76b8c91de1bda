"""What the genuine mlflow package has written is taken over whole: `millrace import mlflow`."""
import hashlib
import json
import os
import pathlib
import sqlite3

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow_store import describe, make_store
from server import run, up


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same kind of store in both forms. Each is made once; nobody may write to it."""
    folder = tmp_path_factory.mktemp("made")
    stores = {"sqlite": f"sqlite:///{folder}/mlflow.db", "files": f"file://{folder}/files/mlruns"}
    (folder / "files").mkdir()
    before = os.getcwd()
    os.chdir(folder)  # mlflow puts a SQLite store's artifacts below the working folder
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    try:
        for kind, uri in stores.items():
            mlflow.set_tracking_uri(uri)
            make_store(uri, folder / f"artifacts-{kind}")
    finally:
        os.chdir(before)
    return stores


def bytes_below(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def report_of(done):
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def counts(report):
    return {item["what"]: (item["source"], item.get("here")) for item in report["items"]}


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_the_genuine_client_sees_the_same_on_both_sides(made, kind, tmp_path):
    uri = made[kind]
    folder = pathlib.Path(uri.split("://", 1)[1]).parent
    before = bytes_below(folder)
    done = run("import", "mlflow", uri, "--json", state=tmp_path / "state")
    report = report_of(done)
    assert report["ok"] and done.returncode == 0, report
    assert counts(report)["runs"] == (12, 12)
    assert counts(report)["artifacts"][0] == 36
    assert report["digest"]["source"] == report["digest"]["here"]
    assert bytes_below(folder) == before

    again = report_of(run("import", "mlflow", uri, "--json", state=tmp_path / "state"))
    assert again["ok"] and again["unchanged"] == 12 and again["digest"] == report["digest"]

    server = up(tmp_path / "state")
    mlflow.set_tracking_uri(server.url)
    try:
        here, there = describe(MlflowClient(server.url)), describe(MlflowClient(uri))
        assert here["experiments"] == there["experiments"]
        assert here["models"] == there["models"]
        for each in there["runs"]:
            assert here["runs"][each] == there["runs"][each]
        assert here["runs"].keys() == there["runs"].keys()
    finally:
        assert server.stop() == 0
    assert run("audit", "verify", state=tmp_path / "state").returncode == 0
