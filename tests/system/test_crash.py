"""kill -9 at 30 random moments of writes against a running server, compared with an expected-state file.

Four writers (two of metrics, one of params, one of experiments) work over HTTP and note each write in a file before it is sent and again once it is acknowledged.
After the kill the server starts again on the same state folder and the answer must hold: nothing acknowledged is missing, nothing is
there twice, nothing is there that was never sent, and the audit chain is whole.
"""
import json
import os
import random
import threading

import pytest
import requests

from server import run, up

SEED = int(os.environ.get("MILLRACE_CRASH_SEED", "20131"))
PARAMS, EXPERIMENTS = 2, 3  # writers; the others log metrics
KILLS = int(os.environ.get("MILLRACE_CRASH_KILLS", "30"))


class Expected:
    """The expected-state file: one JSON line a step, flushed before the step goes on."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.changed = threading.Condition()
        self.sent, self.acknowledged = set(), set()

    def note(self, state, key):
        with self.changed:
            self.changed.notify_all()
            self.file.write(json.dumps({"state": state, "key": key}) + "\n")
            self.file.flush()
            (self.sent if state == "sent" else self.acknowledged).add(key)

    def wait_for(self, more):
        """Until so many writes more are acknowledged."""
        with self.changed:
            aim = len(self.acknowledged) + more
            assert self.changed.wait_for(lambda: len(self.acknowledged) >= aim, timeout=300), "the server stopped answering"


def write(session, url, run_id, writer, step):
    api = f"{url}/api/2.0/mlflow"
    if writer == PARAMS:
        return session.post(f"{api}/runs/log-parameter", timeout=60, json={"run_id": run_id, "key": f"p{step}", "value": str(step)})
    if writer == EXPERIMENTS:
        return session.post(f"{api}/experiments/create", timeout=60, json={"name": f"e{step}"})
    return session.post(f"{api}/runs/log-metric", timeout=60,
                        json={"run_id": run_id, "key": f"w{writer}", "value": step, "timestamp": 1_370_000_000_000 + step, "step": step})


def write_until_dead(url, run_id, writer, start, expected):
    session = requests.Session()
    step = start
    while True:
        key = f"{writer}:{step}"
        expected.note("sent", key)
        try:
            answer = write(session, url, run_id, writer, step)
        except requests.RequestException:
            return
        assert answer.status_code == 200, answer.text
        expected.note("acknowledged", key)
        step += 1


def history(url, run_id, writer):
    """All steps that the server holds of one writer."""
    if writer == PARAMS:
        run = requests.get(f"{url}/api/2.0/mlflow/runs/get", params={"run_id": run_id}, timeout=60).json()["run"]
        assert all(p["key"] == "p" + p["value"] for p in run["data"].get("params", []))
        return [int(p["value"]) for p in run["data"].get("params", [])]
    steps, token = [], None
    while writer == EXPERIMENTS:
        page = requests.get(f"{url}/api/2.0/mlflow/experiments/search", params={"max_results": 1000, **({"page_token": token} if token else {})}, timeout=60).json()
        steps += [int(e["name"][1:]) for e in page.get("experiments", []) if e["name"] != "Default"]
        token = page.get("next_page_token")
        if not token:
            return steps
    while True:
        query = {"run_id": run_id, "metric_key": f"w{writer}", "max_results": 5000}
        if token:
            query["page_token"] = token
        answer = requests.get(f"{url}/api/2.0/mlflow/metrics/get-history", params=query, timeout=60).json()
        steps += [int(m.get("step", 0)) for m in answer.get("metrics", [])]
        token = answer.get("next_page_token")
        if not token:
            return steps


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(tmp_path):
    chance = random.Random(SEED)
    state = tmp_path / "state"
    expected = Expected(tmp_path / "expected.jsonl")
    server = up(state)
    made = requests.post(f"{server.url}/api/2.0/mlflow/runs/create", json={"experiment_id": "0", "start_time": 1}, timeout=60)
    run_id = made.json()["run"]["info"]["run_id"]
    starts = [0, 0, 0, 0]
    for kill in range(KILLS):
        writers = [threading.Thread(target=write_until_dead, args=(server.url, run_id, w, starts[w], expected)) for w in range(4)]
        for writer in writers:
            writer.start()
        expected.wait_for(chance.randint(1, 400))  # and a random part of the writes that follow at once
        server.kill()
        for writer in writers:
            writer.join()
        server = up(state)
        for w in range(4):
            found = history(server.url, run_id, w)
            acknowledged = {int(k.split(":")[1]) for k in expected.acknowledged if k.startswith(f"{w}:")}
            sent = {int(k.split(":")[1]) for k in expected.sent if k.startswith(f"{w}:")}
            assert len(found) == len(set(found)), f"kill {kill}, seed {SEED}: writer {w} has a step twice"
            assert acknowledged <= set(found), f"kill {kill}, seed {SEED}: lost {sorted(acknowledged - set(found))[:5]}"
            assert set(found) <= sent, f"kill {kill}, seed {SEED}: never sent {sorted(set(found) - sent)[:5]}"
            starts[w] = max(sent, default=-1) + 1
    for w in range(4):
        wrote = sum(1 for key in expected.acknowledged if key.startswith(f"{w}:"))
        assert wrote > KILLS, f"writer {w} hardly wrote: the test tried nothing"
    assert server.stop() == 0
    verdict = run("audit", "verify", "--json", state=state)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.slow
@pytest.mark.parametrize("point", ["store.commit.before", "store.commit.after"])
def test_a_death_at_a_marked_point_of_the_commit_leaves_whole_lines(tmp_path, point):
    state = tmp_path / "state"
    first = up(state)
    assert first.stop() == 0
    server = up(state, env={"MILLRACE_FAULT": f"{point}:5"})
    acknowledged = []
    for number in range(50):
        try:
            answer = requests.post(f"{server.url}/api/2.0/mlflow/experiments/create", json={"name": f"e{number}"}, timeout=60)
        except requests.RequestException:
            break
        assert answer.status_code == 200, answer.text
        acknowledged.append(f"e{number}")
    else:
        pytest.fail("the fault point was never reached")
    server.kill()
    server = up(state)
    for name in acknowledged:
        answer = requests.get(f"{server.url}/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": name}, timeout=60)
        assert answer.status_code == 200, f"{name} was acknowledged and is gone"
    assert server.stop() == 0
    assert run("audit", "verify", state=state).returncode == 0
