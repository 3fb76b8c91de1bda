"""Releases with arms, through the real program: shadow, canary, promote, rollback, under load and under kill -9.

Version 1 answers 701.5 for the request below, version 2 answers 1301.5, so every answer says who gave it.
"""
import functools
import hashlib
import json
import re
import threading
import time

import pytest
import requests

from server import Crowd, run, until, up
from shop import REQUEST, Shop

VALUES = {"1": 701.5, "2": 1301.5}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Two approved versions, the first one live."""
    shop = Shop(tmp_path_factory.mktemp("release"))
    shop.change("millrace.yaml", "unit: shop}", "unit: shop, canary: {share: 0.1}}")
    shop.release()
    shop.second()
    return shop


@pytest.fixture
def server(shop):
    """A server on it, with version 1 live alone."""
    server = up(shop.state, "--project", shop.folder)
    first_alone(server)
    yield server
    assert server.stop() == 0, "".join(server.errors)[-2000:]


def first_alone(server):
    live = releases(server)[0]
    if live["canary"] or live["shadows"]:
        move(server, "stop")
    if live["version"] != 1:
        move(server, "releases", version=1)


def api(server, path):
    return f"{server.url}/api/millrace/v1/{path}"


def post(server, last, **body):
    return requests.post(api(server, f"deployments/long/{last}"), json={"why": "to be tried", **body}, timeout=60)


def move(server, last, **body):
    answer = post(server, last, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def releases(server):
    return requests.get(api(server, "deployments/long/releases"), timeout=60).json()["items"]


def ask(server, unit=None, session=requests, version=""):
    body = {**REQUEST, "parameters": {"millrace_unit": unit}} if unit else REQUEST
    path = f"/v2/models/long{version and f'/versions/{version}'}/infer"
    answer = session.post(server.url + path, json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    answer = answer.json()
    assert answer["outputs"][0]["data"] == [VALUES[answer["model_version"]]], "the version that is named has answered"
    return answer


def metric(server, series):
    found = re.search("^" + re.escape(series) + r" (\d+)$", requests.get(server.url + "/metrics", timeout=60).text, re.MULTILINE)
    assert found, series
    return int(found[1])


def in_canary(shop, unit, share):
    salt = json.loads((shop.state / "serving/long/current.json").read_text())["salt"]
    return int.from_bytes(hashlib.sha256(f"{salt}:{unit}".encode()).digest()[:8], "big") / 2**64 < share


class Load(Crowd):
    """Clients that ask without pause, each answer noted with the moments when its request was begun and when it was there."""

    def __init__(self, server, clients=32):
        self.server = server
        self.changed = threading.Condition()
        self.answers, self.failures = [], []
        super().__init__(*(functools.partial(self.work, i) for i in range(clients)))

    def work(self, number):
        with requests.Session() as session:
            turn = 0
            while not self.stopping:
                turn += 1
                began = time.monotonic()
                try:
                    version = ask(self.server, f"N{number}-{turn % 50}", session)["model_version"]
                except Exception as error:  # every way to fail counts
                    self.failures.append(repr(error))
                    return
                with self.changed:
                    self.answers.append((began, time.monotonic(), version))
                    self.changed.notify_all()

    def wait_for(self, more):
        with self.changed:
            aim = len(self.answers) + more
            assert self.changed.wait_for(lambda: len(self.answers) >= aim or self.failures, timeout=120)
        assert not self.failures, self.failures[:3]


def test_from_shadow_to_stable_and_back_by_the_command_line(shop, server):
    def arms(answer):
        canary = answer["canary"] and (answer["canary"]["version"], answer["canary"]["share"])
        return answer["step"], answer["stable"]["version"], canary, [s["version"] for s in answer["shadows"]]
    why = ("--why", "it looks better")
    assert arms(shop.good("release", "shadow", "long", "--version", "2", *why)) == ("shadow", 1, None, [2])
    before = len(releases(server))
    assert arms(shop.good("release", "shadow", "long", "--version", "2", "--once", *why)) == ("shadow", 1, None, [2])
    assert arms(shop.good("release", "canary", "long", "--version", "2", *why)) == ("canary", 1, (2, 0.1), [])
    assert arms(shop.good("release", "canary", "long", "--version", "2", "--once", *why)) == ("canary", 1, (2, 0.1), [])
    assert arms(shop.good("release", "canary", "long", "--version", "2", "--share", "0.25", "--once", *why)) == ("canary", 1, (2, 0.25), [])
    shown = shop.run("release", "list", "long").stdout.splitlines()
    assert "long@1, canary long@2 (25% of the units)" in shown[1] and "it looks better" in shown[1]
    assert "long@1, shadow long@2" in shown[3]
    assert arms(shop.good("release", "promote", "long", *why)) == ("promote", 2, None, [])
    assert arms(shop.good("release", "promote", "long", "--version", "2", "--once", *why)) == ("promote", 2, None, [])
    assert ask(server)["model_version"] == "2"
    back = shop.good("release", "rollback", "long", "--why", "too many alarms")
    assert arms(back) == ("rollback", 1, None, []) and back["restores"] == 1
    assert ask(server)["model_version"] == "1"
    assert len(releases(server)) == before + 4, "--once made no records"
    assert shop.good("audit", "verify")["intact"]


def test_refusals_say_why_and_what_to_do(shop, server):
    def refused(*words):
        done = shop.run(*words)
        assert done.returncode != 0 and not done.stdout
        return done.returncode, done.stderr
    code, text = refused("release", "promote", "long", "--why", "x")
    assert code == 5 and "has no canary that could be promoted" in text and "millrace release canary long" in text
    code, text = refused("release", "canary", "long", "--version", "2", "--share", "1", "--why", "x")
    assert code == 2 and "must be above 0 and below 1" in text and "millrace release promote long" in text
    code, text = refused("release", "canary", "long", "--version", "2", "--share", "much", "--why", "x")
    assert code == 2 and "'much' is not a share" in text
    code, text = refused("release", "stop", "long", "--why", "x")
    assert code == 5 and "neither canary nor shadow" in text
    code, text = refused("release", "shadow", "long", "--version", "7", "--why", "x")
    assert code == 3 and "it has versions 1 to 2" in text
    answer = post(server, "releases", version=2, arm="kanary")
    assert answer.status_code == 400 and answer.json()["hint"] == "stable, canary or shadow"
    answer = post(server, "releases", version=2, share=0.1)
    assert answer.status_code == 400 and "a share is a canary's" in answer.json()["detail"]
    assert post(server, "rollback", live=999).status_code == 409


def test_units_keep_their_arm_and_a_higher_share_keeps_them(shop, server):
    units = [f"N{i}" for i in range(300)]
    inside = set()
    for share in (0.05, 0.2, 0.5):
        move(server, "releases", version=2, arm="canary", share=share)
        now = {u for u in units if ask(server, u)["parameters"]["millrace_arm"] == "canary"}
        assert now == {u for u in units if in_canary(shop, u, share)}, "what any other program computes"
        assert now == {u for u in units if ask(server, u)["model_version"] == "2"}, "and again"
        assert inside < now
        inside = now
    assert ask(server)["parameters"]["millrace_arm"] == "stable", "a request without a unit"
    assert {ask(server, u, version="2")["parameters"]["millrace_arm"] for u in units[:20]} == {"canary"}, "a version that is named"
    assert metric(server, 'millrace_canary_rows_total{model="long"}') == metric(server, 'nv_inference_count{model="long",version="2",arm="canary"}') > 0


def test_every_answered_request_has_its_shadows_record(shop, server):
    move(server, "releases", version=2, arm="shadow")
    ids = [ask(server, f"N{i}")["parameters"]["millrace_prediction_id"] for i in range(200)]
    bad = {"inputs": [dict(i, data=[9999]) if i["name"] == "minutes" else i for i in REQUEST["inputs"]]}
    refused = requests.post(server.url + "/v2/models/long/infer", json=bad, timeout=60)
    assert refused.status_code == 422 and refused.json()["arm"] == "stable"
    until(lambda: metric(server, 'millrace_shadow_answered_total{model="long"}') == len(ids))
    assert metric(server, 'millrace_shadow_queued_total{model="long"}') == len(ids)
    assert metric(server, 'millrace_shadow_dropped_total{model="long"}') == metric(server, 'millrace_shadow_failed_total{model="long"}') == 0
    for prediction in ids[::20]:
        record = requests.get(api(server, f"predictions/{prediction}"), timeout=60).json()
        assert (record["arm"], record["version"]) == ("stable", 1) and record["duration_us"] > 0
        [shadow] = record["shadows"]
        assert (shadow["version"], shadow["status"], shadow["outputs"][0]["data"]) == (2, "answered", [VALUES["2"]])
        assert record["outputs"][0]["data"] == [VALUES["1"]]
    job = requests.post(api(server, "deployments/long/seal"), json={}, timeout=60).json()["id"]
    until(lambda: requests.get(api(server, f"jobs/{job}"), params={"wait": 10}, timeout=60).json()["state"] == "done")
    record = requests.get(api(server, f"predictions/{ids[0]}"), timeout=60).json()
    scores = [output["data"] for output in record["shadows"][0]["outputs"] if output["name"] == "score"]
    assert record["sealed"] and record["arm"] == "stable" and scores == [[VALUES["2"]]]


def test_promote_and_rollback_under_load_lose_no_request(shop, server):
    for _ in range(3):
        with Load(server) as load:
            load.wait_for(300)
            move(server, "releases", version=2, arm="canary", share=0.3)
            load.wait_for(300)
            move(server, "promote")
            promoted = time.monotonic()
            load.wait_for(300)
            rolling_back = time.monotonic()
            move(server, "rollback")
            rolled_back = time.monotonic()
            load.wait_for(300)
        assert not load.failures, load.failures[:3]
        assert {version for _, _, version in load.answers} == {"1", "2"}
        after = [version for began, _, version in load.answers if began > rolled_back]
        assert len(after) > 200 and set(after) == {"1"}, "the withdrawn version has answered again"
        between = [version for began, ended, version in load.answers if promoted < began and ended < rolling_back]
        assert len(between) > 200 and set(between) == {"2"}, "the promoted version was not alone"


def test_of_promotions_at_once_one_wins(shop, server):
    move(server, "releases", version=2, arm="canary", share=0.3)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(post(server, "promote"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.status_code for a in answers) == [201] + [409] * 15, [a.text for a in answers]
    assert releases(server)[0]["version"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("step", ["promote", "rollback"])
@pytest.mark.parametrize("point, moved", [("before_record", False), ("after_record", True), ("before_snapshot", True), ("after_snapshot", True)])
def test_kill_9_in_a_move_leaves_the_old_arms_or_the_new(shop, step, point, moved):
    first = up(shop.state, "--project", shop.folder)
    first_alone(first)
    move(first, "releases", version=2, arm="canary", share=0.3)
    if step == "rollback":
        move(first, "promote")
    before = releases(first)[0]
    assert first.stop() == 0
    dying = up(shop.state, "--project", shop.folder, env={"MILLRACE_FAULT": f"registry.release.{point}"})
    with pytest.raises(requests.RequestException):
        post(dying, step)
    dying.kill()
    again = up(shop.state, "--project", shop.folder)
    try:
        live = releases(again)[0]
        assert (live["number"], live["step"]) == ((before["number"] + 1, step) if moved else (before["number"], before["step"]))
        assert ask(again, version=str(live["version"]))["parameters"]["millrace_release"] == live["node"]
        assert {ask(again, f"N{i}")["model_version"] for i in range(40)} <= {str(live["version"])} | ({"2"} if live["canary"] else set())
        if not moved:
            move(again, step)
            assert releases(again)[0]["step"] == step
    finally:
        assert again.stop() == 0
    assert run("audit", "verify", state=shop.state).returncode == 0
