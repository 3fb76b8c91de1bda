"""`millrace export mlflow`: what was made here, by the pipeline or by clients, opened by the genuine package; what a file store cannot hold."""
import json
import os

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow_registered import files_of_model
from server import run, up
from shop import Shop

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"


def report_of(done):
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return json.loads(done.stdout)


def store_of(target, form):
    return f"sqlite:///{target}/mlflow.db" if form == "sqlite" else f"file://{target}/mlruns"


def test_versions_of_the_pipeline_come_with_their_files(tmp_path):
    (tmp_path / "made").mkdir()
    shop = Shop(tmp_path / "made")
    shop.change("millrace.yaml", "unit: shop}", "unit: shop, alias: champion}")
    shop.release()
    server = up(shop.state, "--project", shop.folder)
    try:
        mlflow.set_tracking_uri(server.url)
        here = files_of_model(MlflowClient(server.url), "models:/long/1")
    finally:
        assert server.stop() == 0
    assert "MLmodel" in here
    for form in ("sqlite", "mlruns"):
        target = tmp_path / form
        report = report_of(run("export", "mlflow", target, "--format", form, "--json", state=shop.state, project=shop.folder))
        assert report["ok"], report
        uri = store_of(target, form)
        mlflow.set_tracking_uri(uri)
        client = MlflowClient(uri)
        assert client.get_registered_model("long").aliases in ({"champion": 1}, {"champion": "1"})
        assert files_of_model(client, "models:/long@champion") == here


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Runs that a database holds and folders do not, beside one that both do."""
    state = tmp_path_factory.mktemp("odd") / "state"
    server = up(state)
    try:
        client = MlflowClient(server.url)
        experiment = client.create_experiment("odd: 'name' # \"é\"", tags={"line": "a\nb"})
        runs = {name: client.create_run(experiment, run_name=name).info.run_id for name in ("fine: \u2028 # x", "both", "spaced")}
        client.log_batch(runs["fine: \u2028 # x"], params=[Param("a/b", "1"), Param("c", "\u0085 \ttab\r\nline")], tags=[RunTag("d/e/f", "'")],
                         metrics=[Metric("m", value, at, at) for at, value in enumerate([0.1, 1e-300, -5e300, float("nan")])])
        client.log_batch(runs["both"], metrics=[Metric("m", 1.0, 1, 0), Metric("m/n", 1.0, 1, 0)])
        client.log_metric(runs["spaced"], "auc", 0.5, timestamp=1, step=3, dataset_name="two words", dataset_digest="d")
        for each in runs.values():
            client.set_terminated(each)
    finally:
        assert server.stop() == 0
    return state, experiment, runs


def test_what_folders_cannot_hold_is_refused_and_the_others_go_on(odd, tmp_path):
    state, experiment, runs = odd
    done = run("export", "mlflow", tmp_path / "files", "--format", "mlruns", "--json", state=state)
    report = report_of(done)
    why = {each["id"]: each["why"] for each in report["refused"]}
    assert done.returncode == 1 and set(why) == {runs["both"], runs["spaced"]}
    assert "'m' would be a file and the folder of 'm/n'" in why[runs["both"]] and "'two words'" in why[runs["spaced"]]
    assert {each["id"] for each in report["differences"]} == set(why)
    assert report_of(run("export", "mlflow", tmp_path / "base", "--json", state=state))["ok"]

    server = up(state)
    try:
        there = MlflowClient(server.url)
        fine = there.get_run(runs["fine: \u2028 # x"])
        history = there.get_metric_history(fine.info.run_id, "m")
        mine = there.get_experiment(experiment)
    finally:
        assert server.stop() == 0
    for form, target in {"mlruns": tmp_path / "files", "sqlite": tmp_path / "base"}.items():
        client = MlflowClient(store_of(target, form))
        back = client.get_run(fine.info.run_id)
        assert (back.info.run_name, back.info.status, back.info.start_time, back.info.end_time) == (fine.info.run_name, fine.info.status, fine.info.start_time, fine.info.end_time)
        assert back.data.params == fine.data.params and back.data.tags == fine.data.tags
        assert [(m.timestamp, m.step, str(m.value)) for m in client.get_metric_history(fine.info.run_id, "m")] == [(m.timestamp, m.step, str(m.value)) for m in history]
        again = client.get_experiment(experiment)
        assert (again.name, again.tags) == (mine.name, mine.tags)


def test_a_folder_of_somebody_elses_is_not_touched(odd, tmp_path):
    state, _, _ = odd
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mine").write_text("x")
    done = run("export", "mlflow", tmp_path, "--format", "mlruns", state=state)
    assert done.returncode == 5 and "another store" in done.stderr
    assert [each.name for each in tmp_path.rglob("*")] == ["mlruns", "mine"]
    wrong = run("export", "mlflow", tmp_path / "new", "--format", "csv", state=state)
    assert wrong.returncode == 2 and "sqlite or mlruns" in wrong.stderr
