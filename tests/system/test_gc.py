"""`millrace gc`: what was deleted goes for good, whatever moment the process dies at, and nothing else does."""
import json

import pytest
import requests
from mlflow import MlflowClient

from server import run as command
from server import up

PROXY = "/api/2.0/mlflow-artifacts"


def gc(state, *words, env=None):
    done = command("gc", "--older-than", "0s", "--json", *words, state=state, env=env)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}


def logged_run(client, experiment="0"):
    run = client.create_run(experiment).info.run_id
    for step in range(3):
        client.log_metric(run, "m", step, step=step)
    client.log_param(run, "p", "1")
    client.log_text(run, "hello", "a/b.txt")
    return run


@pytest.fixture
def filled(tmp_path):
    """A state folder with a living run, a deleted one, a deleted experiment and an unfinished upload."""
    state = tmp_path / "state"
    server = up(state)
    client = MlflowClient(server.url)
    experiment = client.create_experiment("old")
    names = {"alive": logged_run(client), "dead": logged_run(client), "inside": logged_run(client, experiment), "experiment": experiment}
    client.delete_run(names["dead"])
    client.delete_experiment(experiment)
    assert server.stop() == 0
    return state, names


def files_of(state):
    return {str(path.relative_to(state / "artifacts")) for path in (state / "artifacts").rglob("*") if path.is_file()}


def check_all_gone(state, names):
    server = up(state)
    client = MlflowClient(server.url)
    try:
        assert client.get_run(names["alive"]).data.metrics == {"m": 2}
        assert requests.get(f"{server.url}/get-artifact", params={"run_id": names["alive"], "path": "a/b.txt"}).content == b"hello"
        for run in ("dead", "inside"):
            assert requests.get(f"{server.url}/api/2.0/mlflow/runs/get", params={"run_id": names[run]}).status_code == 404
            history = requests.get(f"{server.url}/api/2.0/mlflow/metrics/get-history", params={"run_id": names[run], "metric_key": "m"})
            assert history.status_code == 404 or not history.json().get("metrics")
        assert requests.get(f"{server.url}/api/2.0/mlflow/experiments/get", params={"experiment_id": names["experiment"]}).status_code == 404
    finally:
        assert server.stop() == 0
    assert files_of(state) == {f"0/{names['alive']}/artifacts/a/b.txt"}
    verdict = command("audit", "verify", state=state)
    assert verdict.returncode == 0, verdict.stdout
    lines = json.loads(command("audit", "list", "--json", state=state).stdout)["items"]
    removed = [line["node"] for line in lines if line["kind"] == "gc.removed"]
    assert sorted(removed) == sorted(["", f"run:{names['dead']}", f"run:{names['inside']}"])  # once each


def test_without_yes_nothing_changes(filled):
    state, names = filled
    before = files_of(state)
    code, found = gc(state)
    assert code == 0
    assert {item["id"] for item in found["items"] if not item["kept_for"]} == {names["dead"], names["inside"]}
    assert files_of(state) == before and len(before) == 3


def test_with_yes_it_is_gone_for_good(filled):
    state, names = filled
    code, done = gc(state, "--yes")
    assert code == 0 and {item["id"] for item in done["removed"]} == {names["dead"], names["inside"], names["experiment"]}
    check_all_gone(state, names)
    assert gc(state, "--yes")[1]["removed"] == []


def test_a_younger_deletion_stays(filled):
    state, names = filled
    done = json.loads(command("gc", "--older-than", "1d", "--yes", "--json", state=state).stdout)
    assert done["removed"] == [] and len(files_of(state)) == 3


@pytest.mark.parametrize("point", ["after_mark", "after_claim", "after_rows", "after_files"])
@pytest.mark.parametrize("visit", [1, 2])
def test_a_death_at_any_moment_is_made_good_by_the_next_call(filled, point, visit):
    state, names = filled
    code, _ = gc(state, "--yes", env={"MILLRACE_FAULT": f"track.gc.{point}:{visit}"})
    assert code != 0
    assert gc(state, "--yes")[0] == 0
    check_all_gone(state, names)


def test_it_runs_beside_a_server_and_its_writers(filled):
    state, names = filled
    server = up(state)
    try:
        client = MlflowClient(server.url)
        newer = logged_run(client)
        code, done = gc(state, "--yes")
        assert code == 0 and len(done["removed"]) == 3
        client.log_metric(newer, "m", 7, step=9)
        assert client.get_run(newer).data.metrics == {"m": 7}
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("point", ["track.artifact.before_put", "track.artifact.before_rename", "track.upload.after_part", "track.upload.after_join", "track.artifact.before_note"])
def test_an_upload_in_parts_survives_a_death(tmp_path, point):
    state = tmp_path / "state"

    def post(url, what, **body):
        return requests.post(f"{url}{PROXY}/mpu/{what}/1/r/artifacts", json={"path": "f.bin", **body}, timeout=60)

    def send(url, made):
        tags = []
        for part in made["credentials"]:
            place = url + part["url"].split(part["url"].split("/api/")[0], 1)[1]  # the port is another one now
            tags.append({"part_number": part["part_number"], "etag": requests.put(place, data=b"x" * part["part_number"], timeout=60).headers["ETag"]})
        return post(url, "complete", upload_id=made["upload_id"], parts=tags)
    dying = up(state, env={"MILLRACE_FAULT": point})
    made = post(dying.url, "create", num_parts=3).json()
    with pytest.raises(requests.ConnectionError):
        send(dying.url, made)
    dying.kill()
    server = up(state)
    try:
        place = f"{server.url}{PROXY}/artifacts/1/r/artifacts/f.bin"
        assert requests.get(place).status_code in ((200,) if point.endswith("before_note") else (404,))
        assert send(server.url, made).status_code == 200
        assert requests.get(place).content == b"xxxxxx"
    finally:
        assert server.stop() == 0
    assert not list((state / "uploads").iterdir())


def test_bad_words_are_refused(tmp_path):
    for words in (["--older-than", "soon"], ["--older-than", "-1d"], ["--grace", "5"]):
        refused = command("gc", *words, state=tmp_path / "state")
        assert refused.returncode == 2 and "is not a time" in refused.stderr, words
