"""What the genuine mlflow package has written is taken over whole: `millrace import mlflow`."""
import hashlib
import json
import os
import pathlib
import sqlite3

import mlflow
import pytest
import requests
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


def as_its_file_store_reads(run):
    """The genuine file store reads step 0 from a line that names a dataset too, and finds no file of a deleted experiment."""
    auc = [(at, 0 if (at, step) == (11, 2) else step, value) for at, step, value in run["metrics"].get("auc", [])]
    return {**run, "metrics": {**run["metrics"], **({"auc": auc} if auc else {})}, **({"files": {}} if run["experiment"] == "gone" else {})}


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
            assert (as_its_file_store_reads(here["runs"][each]) if kind == "files" else here["runs"][each]) == there["runs"][each]
        assert here["runs"].keys() == there["runs"].keys()
    finally:
        assert server.stop() == 0
    assert run("audit", "verify", state=tmp_path / "state").returncode == 0


def test_files_of_the_servers_machine_are_not_named_over_the_network(made, tmp_path):
    """Not by an administrator either: a token reads what the server was told to keep, and nothing beside it."""
    state = tmp_path / "state"
    token = run("token", "create", "--subject", "root", "--role", "admin", "--json", state=state)
    assert token.returncode == 0, token.stderr
    server = up(state)
    try:
        login = {"Authorization": f"Bearer {json.loads(token.stdout)['token']}"}
        for path, body in (("imports", {"source": made["sqlite"]}), ("exports", {"target": str(tmp_path / "out")})):
            answer = requests.post(f"{server.url}/api/millrace/v1/{path}", json=body, headers=login, timeout=60)
            assert answer.status_code == 403 and "command line" in answer.json()["detail"], answer.text
        jobs = requests.get(f"{server.url}/api/millrace/v1/jobs", headers=login, timeout=60)
        assert jobs.status_code == 200 and jobs.json()["items"] == []
        assert not (tmp_path / "out").exists()
    finally:
        assert server.stop() == 0


def database_of(made):
    return pathlib.Path(made["sqlite"].removeprefix("sqlite:///"))


def imported(source, state, *more, **options):
    return run("import", "mlflow", source, "--json", *more, state=state, **options)


@pytest.mark.parametrize("fault", ["exchange.run.begun:2", "exchange.run.points:3", "exchange.artifact.copied:4", "exchange.run.before_end:5", "store.commit.before:9"])
def test_after_a_kill_it_goes_on_with_nothing_twice_and_nothing_missing(made, tmp_path, fault):
    state = tmp_path / "state"
    whole = report_of(imported(made["sqlite"], tmp_path / "whole"))
    died = imported(made["sqlite"], state, env={"MILLRACE_FAULT": fault})
    assert died.returncode not in (0, 1)
    report = report_of(imported(made["sqlite"], state))
    assert report["ok"] and report["digest"] == whole["digest"] and counts(report) == counts(whole)
    assert run("audit", "verify", state=state).returncode == 0


def test_a_dry_run_counts_and_changes_nothing(made, tmp_path):
    report = report_of(imported(made["files"], tmp_path / "state", "--dry-run"))
    assert report["dry_run"] and counts(report)["runs"] == (12, None) and counts(report)["artifacts"] == (36, None)
    again = report_of(imported(made["files"], tmp_path / "state"))
    assert again["ok"] and again["unchanged"] == 0


def test_what_the_source_adds_is_taken_by_the_next_import(made, tmp_path):
    copy = tmp_path / "mlflow.db"
    with sqlite3.connect(f"file:{database_of(made)}?mode=ro", uri=True) as old, sqlite3.connect(copy) as new:
        old.backup(new)
        run_id = new.execute("SELECT run_uuid FROM runs WHERE name = 'flights-0'").fetchone()[0]
    assert report_of(imported(copy, tmp_path / "state", "--artifacts", "none"))["ok"]
    with sqlite3.connect(copy) as new:
        new.execute("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('loss', 9.5, 77, ?, 99999, 0)", (run_id,))
        new.execute("UPDATE runs SET status = 'KILLED', lifecycle_stage = 'deleted' WHERE run_uuid = ?", (run_id,))
    report = report_of(imported(copy, tmp_path / "state", "--artifacts", "none"))
    assert report["ok"] and report["unchanged"] == 11
    server = up(tmp_path / "state")
    try:
        client = MlflowClient(server.url)
        found = client.get_run(run_id)
        assert (found.info.status, found.info.lifecycle_stage, found.data.metrics["loss"]) == ("KILLED", "deleted", 9.5)
        client.log_metric(client.search_runs(["1"], "attributes.run_name = 'flights-1'")[0].info.run_id, "loss", 1.0, step=3)
    finally:
        assert server.stop() == 0
    done = imported(copy, tmp_path / "state", "--artifacts", "none")
    assert done.returncode == 1 and report_of(done)["differences"][0]["kind"] == "run"


def test_names_and_ids_that_are_here_already(made, tmp_path):
    state = tmp_path / "state"
    server = up(state)
    try:
        client = MlflowClient(server.url)
        mine = client.create_experiment("flights", tags={"team": "mine"})
        kept = client.create_run(mine).info.run_id
    finally:
        assert server.stop() == 0
    refused = imported(made["sqlite"], state, "--on-clash", "refuse")
    assert refused.returncode == 1
    assert any(each["kind"] == "experiment" and "already" in each["why"] for each in report_of(refused)["refused"])
    merged = report_of(imported(made["sqlite"], state))
    assert merged["difference_count"] == 1 and merged["differences"][0]["kind"] == "experiment"  # its tag 'team' is the one here
    server = up(state)
    try:
        client = MlflowClient(server.url)
        assert client.get_experiment(mine).tags == {"team": "mine", "empty": ""}
        assert kept in [found.info.run_id for found in client.search_runs([mine])]
        assert len(client.search_runs([mine])) == 6
    finally:
        assert server.stop() == 0


def test_artifacts_by_reference_or_not_at_all(made, tmp_path):
    run_id = sqlite3.connect(f"file:{database_of(made)}?mode=ro", uri=True).execute("SELECT run_uuid FROM runs WHERE name = 'flights-0'").fetchone()[0]
    for how, files in {"reference": ["a.txt", "deep"], "none": []}.items():
        state = tmp_path / how
        assert report_of(imported(made["sqlite"], state, "--artifacts", how))["ok"]
        server = up(state)
        try:
            assert [each.path for each in MlflowClient(server.url).list_artifacts(run_id)] == files
        finally:
            assert server.stop() == 0


def test_artifacts_outside_the_source_are_not_read(made, tmp_path):
    copy, secret = tmp_path / "in" / "mlflow.db", tmp_path / "secret"
    copy.parent.mkdir()
    secret.mkdir()
    (secret / "s.txt").write_text("s")
    with sqlite3.connect(f"file:{database_of(made)}?mode=ro", uri=True) as old, sqlite3.connect(copy) as new:
        old.backup(new)
        new.execute("UPDATE runs SET artifact_uri = ? WHERE name = 'flights-0'", (str(secret),))
    report = report_of(imported(copy, tmp_path / "state"))
    assert any("below none of the source's artifact folders" in each["why"] for each in report["refused"]) and not report["ok"]
    assert counts(report)["artifacts"][1] == 0
    allowed = report_of(imported(copy, tmp_path / "other", "--artifact-root", secret, "--artifact-root", database_of(made).parent / "mlruns"))
    assert allowed["ok"] and counts(allowed)["artifacts"] == (35, 35)


def test_only_the_machines_own_user_names_files(tmp_path):
    import requests

    server = up(tmp_path / "state")
    try:
        for path, body in {"imports": {"source": "/etc"}, "exports": {"target": "/tmp/x"}}.items():
            answer = requests.post(f"{server.url}/api/millrace/v1/{path}", json=body, timeout=60)
            assert answer.status_code == 403, answer.text
    finally:
        assert server.stop() == 0
    done = run("import", "mlflow", tmp_path / "nothing", state=tmp_path / "state")
    assert done.returncode == 3 and "no such file or folder" in done.stderr


def test_what_is_given_back_is_what_the_genuine_package_wrote(made, tmp_path):
    state, target = tmp_path / "state", tmp_path / "back"
    assert report_of(imported(made["sqlite"], state))["ok"]
    died = run("export", "mlflow", target, "--json", state=state, env={"MILLRACE_FAULT": "exchange.export.run:4"})
    assert died.returncode not in (0, 1)
    done = run("export", "mlflow", target, "--json", state=state)
    report = report_of(done)
    assert done.returncode == 0 and report["ok"], report
    uri = f"sqlite:///{target}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    back, there = describe(MlflowClient(uri)), describe(MlflowClient(made["sqlite"]))
    assert back["experiments"] == there["experiments"] and back["models"] == there["models"]
    for each in there["runs"]:
        assert back["runs"][each] == there["runs"][each]
    client = MlflowClient(uri)
    again = client.create_run(client.create_experiment("new"))  # it can be written to as well
    client.log_metric(again.info.run_id, "m", 1.0)
    client.create_registered_model("r")
    assert client.search_traces(locations=["0"]) == []
    refused = run("export", "mlflow", database_of(made).parent, state=state)
    assert refused.returncode == 5 and "another database" in refused.stderr
