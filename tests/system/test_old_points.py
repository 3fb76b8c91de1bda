"""Points that are still rows of an older version become chunks by themselves, and jobs survive a death at any moment: nothing is lost or there twice."""
import math
import sqlite3

import pytest
import requests

from server import run, up

COUNT = 9_000  # three chunks


def prepared(state):
    """A run whose points are rows, as versions before chunks left them."""
    server = up(state)
    run_id = requests.post(f"{server.url}/api/2.0/mlflow/runs/create", json={"experiment_id": "0", "start_time": 1}, timeout=60).json()["run"]["info"]["run_id"]
    assert server.stop() == 0
    with sqlite3.connect(state / "meta.db") as database:
        database.executemany("INSERT INTO track_metrics (workspace, run_id, key, timestamp, step, value, is_nan, model_id, dataset_name, dataset_digest) "
                             "VALUES ('default', ?, 'm', ?, ?, ?, 0, '', '', '')", ((run_id, 1000 + i, i, math.sin(i)) for i in range(COUNT)))
        database.execute("INSERT INTO track_latest_metrics (workspace, run_id, key, timestamp, step, value, is_nan, model_id, dataset_name, dataset_digest, old_rows) "
                         "VALUES ('default', ?, 'm', ?, ?, ?, 0, '', '', '', 1)", (run_id, 1000 + COUNT - 1, COUNT - 1, math.sin(COUNT - 1)))
    return run_id


def points(url, run_id):
    found, token = [], ""
    while True:
        page = requests.get(f"{url}/api/2.0/mlflow/metrics/get-history", timeout=60,
                            params={"run_id": run_id, "metric_key": "m", "max_results": 5000, **({"page_token": token} if token else {})}).json()
        found += [(p["timestamp"], p.get("step", 0), p["value"]) for p in page.get("metrics", [])]
        token = page.get("next_page_token", "")
        if not token:
            return found


def sealing(url):
    return [job for job in requests.get(f"{url}/api/millrace/v1/jobs", timeout=60).json()["items"] if job["kind"] == "metrics.seal"]


def wait_for_the_job(url):
    while not sealing(url):  # the keeper asks for it some seconds after the start
        requests.get(f"{url}/health", timeout=60)
    [job] = sealing(url)
    while job["state"] in ("waiting", "running"):
        job = requests.get(f"{url}/api/millrace/v1/jobs/{job['id']}", params={"wait": 10}, timeout=60).json()
    return job


@pytest.mark.parametrize("fault", [None, "jobs.taken", "jobs.settle.before", "track.old_points.before_store", "track.old_points.before_store:2",
                                   "track.old_points.after_step", "track.old_points.after_step:3"])
def test_rows_of_before_become_chunks_whenever_the_server_dies(tmp_path, fault):
    state = tmp_path / "state"
    run_id = prepared(state)
    expected = [(1000 + i, i, math.sin(i)) for i in range(COUNT)]
    if fault:
        dying = up(state, env={"MILLRACE_FAULT": fault})
        assert dying.process.wait(timeout=120) == -9, "the point was not reached"
        dying.kill()
    server = up(state)
    try:
        assert points(server.url, run_id) == expected
        job = wait_for_the_job(server.url)
        assert job["state"] == "done" and job["attempts"] == (2 if fault else 1)
        assert points(server.url, run_id) == expected
        latest = requests.get(f"{server.url}/api/2.0/mlflow/runs/get", params={"run_id": run_id}, timeout=60).json()["run"]["data"]["metrics"]
        assert [(m["key"], m["step"], m["value"]) for m in latest] == [("m", COUNT - 1, math.sin(COUNT - 1))]
    finally:
        assert server.stop() == 0
    with sqlite3.connect(state / "meta.db") as database:
        assert database.execute("SELECT count(*) FROM track_metrics").fetchone() == (0,)
        assert database.execute("SELECT sum(points) FROM track_metric_chunks").fetchone() == (COUNT,)
        assert database.execute("SELECT count(*) FROM jobs WHERE kind = 'metrics.seal'").fetchone() == (1,)
    assert run("audit", "verify", state=state).returncode == 0
