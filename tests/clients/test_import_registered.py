"""Registered models, versions, aliases, stages and prompts move in and out with `millrace import mlflow` and `export mlflow`."""
import json
import os
import sqlite3

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow_registered import describe_registered, files_of_model, make_registered
from mlflow_store import describe, make_store
from server import run, up


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same kind of store in both forms. Each is made once; nobody may write to it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "files").mkdir()
    stores = {"sqlite": f"sqlite:///{folder}/mlflow.db", "files": f"file://{folder}/files/mlruns"}
    before = os.getcwd()
    os.chdir(folder)  # mlflow puts a SQLite store's artifacts below the working folder
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    names = {}
    try:
        for kind, uri in stores.items():
            mlflow.set_tracking_uri(uri)
            make_store(uri, folder / f"artifacts-{kind}", runs=1, points=5)
            names[kind] = make_registered(uri)
    finally:
        os.chdir(before)
    return {"folder": folder, "names": names, **stores}


def report_of(done):
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def imported(source, state, *more, **options):
    return run("import", "mlflow", source, "--json", *more, state=state, **options)


def counts(report):
    return {item["what"]: (item["source"], item.get("here")) for item in report["items"]}


def database_of(made):
    return made["folder"] / "mlflow.db"


def changed(made, tmp_path, *statements):
    """A copy of the database with something else in it, beside the artifacts of the first."""
    copy = tmp_path / "mlflow.db"
    with sqlite3.connect(f"file:{database_of(made)}?mode=ro", uri=True) as old, sqlite3.connect(copy) as new:
        old.backup(new)
        for statement in statements:
            new.execute(statement)
    return copy, ("--artifact-root", made["folder"] / "mlruns")


def kinds_in_audit(state):
    with sqlite3.connect(state / "meta.db") as store:
        return [kind for (kind,) in store.execute("SELECT kind FROM journal ORDER BY sequence")]


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_the_genuine_client_sees_the_same_on_both_sides(made, kind, tmp_path):
    state, uri = tmp_path / "state", made[kind]
    done = imported(uri, state)
    report = report_of(done)
    assert report["ok"] and done.returncode == 0, report
    assert counts(report)["registered models"] == (4, 4)
    assert counts(report)["model versions"] == (7, 7)
    assert counts(report)["aliases"] == (3, 3)
    again = report_of(imported(uri, state))
    assert again["ok"] and again["digest"] == report["digest"]

    mlflow.set_tracking_uri(uri)
    there = describe_registered(MlflowClient(uri))
    run_id, model_id = made["names"][kind]
    server = up(state)
    try:
        mlflow.set_tracking_uri(server.url)
        client = MlflowClient(server.url)
        assert describe_registered(client) == there
        assert client.get_model_version("late", "1").source.startswith("mlflow-artifacts:/")
        assert files_of_model(client, "models:/late/1") == {"er/b.bin": bytes(range(256)) * 64}
        assert set(files_of_model(client, "models:/late@champion")) == {"a.txt", "b.bin"}
        assert set(files_of_model(client, "models:/copied/1")) == {"er/b.bin"}
        assert client.create_model_version("late", f"runs:/{run_id}/deep", run_id).version == "5"
        for frozen in (lambda: client.delete_run(run_id), lambda: client.log_metric(run_id, "loss", 1.0), lambda: client.delete_logged_model(model_id)):
            with pytest.raises(mlflow.exceptions.MlflowException):
                frozen()
    finally:
        assert server.stop() == 0
    assert run("audit", "verify", state=state).returncode == 0
    kinds = kinds_in_audit(state)
    assert [kinds.count(kind) for kind in ("model.imported", "model.version.imported", "model.stage.set", "model.alias.set")] == [4, 7, 2, 3]


@pytest.mark.parametrize("fault", ["exchange.registered.taken:2", "registry.version.before_record:2", "exchange.version.taken:3", "exchange.stage.taken", "exchange.alias.taken:2"])
def test_after_a_kill_it_goes_on_with_nothing_twice_and_nothing_missing(made, tmp_path, fault):
    state = tmp_path / "state"
    whole = report_of(imported(made["sqlite"], tmp_path / "whole"))
    assert imported(made["sqlite"], state, env={"MILLRACE_FAULT": fault}).returncode not in (0, 1)
    report = report_of(imported(made["sqlite"], state))
    assert report["ok"] and report["digest"] == whole["digest"] and counts(report) == counts(whole)
    kinds = kinds_in_audit(state)
    assert [kinds.count(kind) for kind in ("model.imported", "model.version.imported", "model.stage.set", "model.alias.set")] == [4, 7, 2, 3]
    assert run("audit", "verify", state=state).returncode == 0


def test_a_dry_run_counts_and_changes_nothing(made, tmp_path):
    report = report_of(imported(made["files"], tmp_path / "state", "--dry-run"))
    assert counts(report)["model versions"] == (7, None) and counts(report)["aliases"] == (3, None) and not report["refused"]
    assert "model.imported" not in kinds_in_audit(tmp_path / "state")


def test_what_the_source_changes_is_taken_and_what_is_moved_here_stays(made, tmp_path):
    state = tmp_path / "state"
    assert report_of(imported(made["sqlite"], state))["ok"]
    copy, roots = changed(made, tmp_path, "UPDATE registered_model_aliases SET version = 1 WHERE alias = 'challenger'",
                          "UPDATE model_versions SET description = 'new words', current_stage = 'Staging' WHERE name = 'late' AND version = 4",
                          "INSERT INTO model_version_tags (key, value, name, version) VALUES ('more', 'm', 'late', 4)",
                          "INSERT INTO registered_model_tags (key, value, name) VALUES ('more', 'm', 'empty')")
    # It is the same source by its place: the new database takes the place of the old one.
    place = made["folder"] / "twin"
    place.mkdir(exist_ok=True)
    twin, state = place / "mlflow.db", tmp_path / "twin"
    with sqlite3.connect(f"file:{database_of(made)}?mode=ro", uri=True) as old, sqlite3.connect(twin) as new:
        old.backup(new)
    assert report_of(imported(twin, state, *roots))["ok"]
    copy.replace(twin)
    report = report_of(imported(twin, state, *roots))
    assert report["ok"], report
    server = up(state)
    try:
        client = MlflowClient(server.url)
        version = client.get_model_version("late", "4")
        assert (version.description, version.current_stage, version.tags["more"]) == ("new words", "Staging", "m")
        assert client.get_registered_model("empty").tags == {"more": "m"}
        assert client.get_registered_model("late").aliases["challenger"] == "1"
        client.set_registered_model_alias("late", "champion", "1")
    finally:
        assert server.stop() == 0
    done = imported(twin, state, *roots)
    assert done.returncode == 1 and [(each["kind"], each["id"]) for each in report_of(done)["differences"]] == [("alias", "late@champion")]


def test_names_and_numbers_that_are_here_already(made, tmp_path):
    state = tmp_path / "state"
    server = up(state)
    try:
        client = MlflowClient(server.url)
        client.create_registered_model("late", tags={"team": "mine"})
        client.create_model_version("late", "s3://mine/model")
        client.set_registered_model_alias("late", "champion", "1")
        client.create_registered_model("hello")
    finally:
        assert server.stop() == 0
    refused = report_of(imported(made["sqlite"], state, "--on-clash", "refuse"))
    why = {(each["kind"], each["id"]): each["why"] for each in refused["refused"]}
    assert "there is a registered model 'late' here already" in why["registered model", "late"]
    assert "its registered model was not taken" in why["version", "late/2"]
    merged = report_of(imported(made["sqlite"], state))
    why = {(each["kind"], each["id"]): each["why"] for each in merged["refused"]}
    assert "'hello' is a registered model here" in why["registered model", "hello"]
    assert "version 1 of the model 'late' is here already" in why["version", "late/1"]
    assert "it is version 1 here, 2 there" in why["alias", "late@champion"]
    assert [each["id"] for each in merged["differences"] if each["kind"] == "registered model"] == ["late"]  # its tag 'team' is the one here
    server = up(state)
    try:
        client = MlflowClient(server.url)
        late = client.get_registered_model("late")
        assert late.tags["team"] == "mine" and late.tags["ünï"] == "x\ny" and late.aliases == {"champion": "1", "challenger": "4"}
        assert sorted(int(each.version) for each in client.search_model_versions("name = 'late'")) == [1, 2, 4]
        assert client.get_model_version("late", "1").source == "s3://mine/model"
    finally:
        assert server.stop() == 0


def test_versions_by_reference_stay_where_their_files_are(made, tmp_path):
    state = tmp_path / "state"
    report = report_of(imported(made["sqlite"], state, "--artifacts", "reference"))
    assert report["ok"], report
    run_id, model_id = made["names"]["sqlite"]
    server = up(state)
    try:
        client = MlflowClient(server.url)
        places = {number: client.get_model_version_download_uri("late", str(number)) for number in (1, 2, 4)}
        sources = {number: client.get_model_version("late", str(number)).source for number in (1, 2, 4)}
        assert sources[2] == f"models:/{model_id}" and sources[4] == f"runs:/{run_id}/deep"
        assert sources[1].startswith("/") or sources[1].startswith("file:")
        assert all(place.startswith(str(made["folder"])) for place in places.values()), places
        assert files_of_model(client, "models:/late/1") == {"er/b.bin": bytes(range(256)) * 64}
    finally:
        assert server.stop() == 0


def test_a_source_that_leads_elsewhere_is_refused_with_its_reason(made, tmp_path):
    run_id, _ = made["names"]["sqlite"]
    for number, (source, more) in enumerate({"/etc": "", "file:///etc": "", f"/srv/{'0' * 32}/artifacts/x": "", f"{made['folder']}/mlruns/1/{run_id}/artifacts/../../..": "",
                                             f"mlflow-artifacts:/1/{run_id}/artifacts/%252e%252e/x": "", "models:/nothing/1": "",
                                             "runs:/" + "f" * 32 + "/model": "", "s3://bucket/a#b": ""}.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        copy, roots = changed(made, folder, f"UPDATE model_versions SET source = '{source}', run_id = NULL{more} WHERE name = 'late' AND version = 4")
        report = report_of(imported(copy, folder / "state", *roots))
        why = {(each["kind"], each["id"]): each["why"] for each in report["refused"]}
        assert ("version", "late/4") in why and not report["ok"], source
        assert counts(report)["model versions"] == (7, 6), source
        assert "its version 4 was not taken" in why["alias", "late@challenger"]


def test_a_version_that_is_not_ready_is_none_here(made, tmp_path):
    copy, roots = changed(made, tmp_path, "UPDATE model_versions SET status = 'FAILED_REGISTRATION' WHERE name = 'late' AND version = 1")
    report = report_of(imported(copy, tmp_path / "state", *roots))
    why = {(each["kind"], each["id"]): each["why"] for each in report["refused"]}
    assert "its status is FAILED_REGISTRATION" in why["version", "late/1"]
    assert ("version", "copied/1") in why  # it was copied from that one


def test_a_protected_alias_waits_for_its_approvals(made, tmp_path):
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    (project / "millrace.yaml").write_text("millrace: 1\nproject: p\nregistry: {protected: [champion], approvals: {count: 1, role: approver}}\n")
    report = report_of(imported(made["sqlite"], state, "--project", str(project)))
    why = {(each["kind"], each["id"]): each["why"] for each in report["refused"]}
    assert list(why) == [("alias", "late@champion")] and "cr-1" in why["alias", "late@champion"], report
    server = up(state, "--project", str(project))
    try:
        assert "champion" not in MlflowClient(server.url).get_registered_model("late").aliases
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("form", ["sqlite", "mlruns"])
def test_what_is_given_back_is_what_the_genuine_package_wrote(made, tmp_path, form):
    state, target = tmp_path / "state", tmp_path / "back"
    assert report_of(imported(made["sqlite"], state))["ok"]
    for fault in ("exchange.export.run:2", "exchange.export.registered:2", "exchange.export.version:3"):
        assert run("export", "mlflow", target, "--format", form, "--json", state=state, env={"MILLRACE_FAULT": fault}).returncode not in (0, 1)
    done = run("export", "mlflow", target, "--format", form, "--json", state=state)
    report = report_of(done)
    assert done.returncode == 0 and report["ok"], report
    assert counts(report)["model versions"] == (7, 7) and report["digest"]["source"] == report["digest"]["here"]
    uri = f"sqlite:///{target}/mlflow.db" if form == "sqlite" else f"file://{target}/mlruns"
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    back = describe_registered(client)
    back_runs = describe(client, files=form == "sqlite")
    assert files_of_model(client, "models:/late/1") == {"er/b.bin": bytes(range(256)) * 64}
    assert set(files_of_model(client, "models:/late@champion")) == {"a.txt", "b.bin"}
    assert client.create_model_version("late", "s3://bucket/new").version in (5, "5")
    mlflow.set_tracking_uri(made["sqlite"])
    there = MlflowClient(made["sqlite"])
    assert back == describe_registered(there)
    runs_there = describe(there, files=form == "sqlite")
    assert back_runs["experiments"] == runs_there["experiments"] and back_runs["models"] == runs_there["models"]
    assert back_runs["runs"] == runs_there["runs"]
