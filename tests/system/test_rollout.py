"""Canaries that decide by evidence, on a real server: a bad one is out at once and its record says why, a good one goes through all steps,
people hold and decide, and a kill in the middle resets nothing."""
import itertools
import json
import re
import time

import pytest
import requests

from server import ROOT, Crowd, run, until, up
from shop import REQUEST, Shop

POLICY = ("unit: shop, rollout: {alpha: 0.01, steps: [0.3, 0.6], min_rows: 60, guardrails: {errors: {tolerance: 0.02}, "
          "latency: {quantile: 0.5, ratio: 20}, prediction_shift: {tolerance: 0.3}}}}")
BREAKING, LATER, SAME = 2, 3, 4  # versions


def same_model(data):
    """A model file with other bytes and the same answers: a doc_string, field 6 of ModelProto."""
    note = b"the same again"
    return data + b"\x32" + bytes([len(note)]) + note


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Four approved versions: the first, one that fails above 1,000 minutes, one with other scores, one that is as good."""
    shop = Shop(tmp_path_factory.mktemp("rollout"))
    shop.change("millrace.yaml", "unit: shop}", POLICY)
    shop.release()
    models = ROOT / "src/serve/testdata"
    for version, data in ((BREAKING, (models / "columns_breaking.onnx").read_bytes()), (LATER, (models / "columns_later.onnx").read_bytes()),
                          (SAME, same_model((models / "columns.onnx").read_bytes()))):
        shop.write("columns.onnx", data)
        shop.good("run")
        assert shop.good("model", "register", "long")["version"] == version
        shop.good("model", "gates", "long", version)
        shop.good("model", "approve", "long", version, "--why", "it holds")
    return shop


@pytest.fixture
def server(shop):
    server = up(shop.state, "--project", shop.folder)
    alone(server)
    yield server
    assert server.stop() == 0, "".join(server.errors)[-2000:]


def alone(server):
    """Version 1 live alone, nothing held."""
    if status(server)["hold"]:
        post(server, "rollout/resume")
    live = releases(server)[0]
    if live["canary"] or live["shadows"]:
        assert post(server, "stop").status_code == 201
    if live["version"] != 1:
        assert post(server, "releases", version=1).status_code == 201


def api(server, last):
    return f"{server.url}/api/millrace/v1/deployments/long/{last}"


def post(server, last, **body):
    return requests.post(api(server, last), json={"why": "to be tried", **body}, timeout=60)


def releases(server):
    return requests.get(api(server, "releases"), timeout=60).json()["items"]


def status(server):
    return requests.get(api(server, "rollout"), timeout=60).json()


def canary(server, version, **body):
    answer = post(server, "releases", arm="canary", version=version, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


class Load(Crowd):
    """Clients that ask for another unit each time. Each answer: when its request began, who answered, its HTTP status."""

    def __init__(self, server, minutes=lambda turn: 600, clients=4):
        self.server, self.minutes = server, minutes
        self.turns, self.answers, self.broken = itertools.count(), [], []
        super().__init__(*[self.work] * clients)

    def ask(self, session):
        turn = next(self.turns)
        inputs = [dict(i, data=[self.minutes(turn)]) if i["name"] == "minutes" else i for i in REQUEST["inputs"]]
        body = {"inputs": inputs, "parameters": {"millrace_unit": f"U{turn}"}}
        began = time.monotonic()
        answer = session.post(self.server.url + "/v2/models/long/infer", json=body, timeout=60)
        self.answers.append((began, answer.json().get("model_version"), answer.status_code))

    def work(self):
        with requests.Session() as session:
            while not self.stopping:
                try:
                    self.ask(session)
                except Exception as error:  # every way to fail counts
                    self.broken.append(repr(error))
                    return

    def __exit__(self, *error):
        super().__exit__(*error)
        assert not self.broken, self.broken[:3]


def decided(server, step, after):
    """Waits until a policy has made a release by `step` behind release number `after`."""
    def found():
        return next((r for r in releases(server) if r["step"] == step and r["number"] > after and r["subject"] == "policy:long"), None)
    until(found)
    return found()


def log_line(server, event):
    return next((json.loads(line) for line in list(server.errors) if f'"{event}"' in line), None)


def test_a_canary_with_other_scores_is_out_at_once_and_no_request_fails(shop, server):
    began = canary(server, LATER)
    assert began["canary"]["share"] == 0.3, "the policy's first step"
    with Load(server) as load:
        back = decided(server, "rollback", began["number"])
        recorded = time.monotonic()
        until(lambda: sum(began > recorded for began, _, _ in list(load.answers)) > 200)
    assert back["stable"]["version"] == 1 and back["canary"] is None
    assert {code for _, _, code in load.answers} == {200}
    by_canary = [began for began, version, _ in load.answers if version == str(LATER)]
    # The judge needs few of them; then there is none, before the record was written.
    assert 10 < len(by_canary) < 400
    assert not [began for began in by_canary if began > recorded]
    late = len(by_canary) - back["evidence"]["requests"]["canary"]
    assert 0 <= late < len(load.threads), "only what was under way was answered after the request that decided"
    assert back["reason"].startswith("prediction_shift: the share of scores above")
    evidence = back["evidence"]
    assert evidence["verdict"] == "harm" and evidence["blamed"] == "prediction_shift" and evidence["e_value"] >= 100
    assert [g["guardrail"] for g in evidence["guardrails"]] == ["errors", "latency", "prediction_shift"]
    until(lambda: log_line(server, "canary_out"))
    [line] = [e for e in shop.events() if e["kind"] == "release.created" and e["node"] == back["node"]]
    assert line["subject"] == "policy:long" and line["why"] == back["reason"]
    assert line["body"]["evidence"]["harm_at"] == evidence["harm_at"]
    shown = shop.run("release", "status", "long").stdout
    assert "last decided by policy:long" in shown and "prediction_shift" in shown
    upstream = shop.good("lineage", back["node"])
    assert f"report:rollout.{back['node'].removeprefix('release:')}" in json.dumps(upstream)
    assert run("audit", "verify", state=shop.state).returncode == 0


def test_a_canary_that_fails_is_taken_back_by_its_errors(server):
    began = canary(server, BREAKING)
    with Load(server, minutes=lambda turn: 1200 if turn % 3 == 0 else 600) as load:
        back = decided(server, "rollback", began["number"])
        recorded = time.monotonic()
        until(lambda: sum(began > recorded for began, _, _ in list(load.answers)) > 100)
    assert back["evidence"]["blamed"] == "errors"
    assert back["reason"].startswith("errors: the share of failed requests is")
    failed = [began for began, _, code in load.answers if code != 200]
    assert failed and max(failed) < recorded
    errors = back["evidence"]["guardrails"][0]
    assert errors["canary"]["low"] > errors["stable"]["value"] == 0


def test_a_good_canary_goes_through_all_steps_and_is_promoted(server):
    began = canary(server, SAME)
    with Load(server, minutes=lambda turn: turn * 7 % 900) as load:
        up_to = decided(server, "canary", began["number"])
        assert up_to["canary"]["share"] == 0.6 and up_to["evidence"]["verdict"] != "harm"
        assert "on to a share of 0.6" in up_to["reason"]
        end = decided(server, "promote", up_to["number"])
        until(lambda: load.answers[-1][1] == str(SAME))
    assert {code for _, _, code in load.answers} == {200}
    assert end["stable"]["version"] == SAME and "every guardrail is shown to be kept" in end["reason"]
    assert end["evidence"]["verdict"] == "safe"
    assert [step["share"] for step in end["evidence"]["steps"]] == [0.3, 0.6]
    assert all(step["canary_requests"] >= 60 for step in end["evidence"]["steps"])


def test_without_traffic_nothing_is_decided(server):
    began = canary(server, SAME)
    until(lambda: status(server)["state"] == "gathering")
    now = status(server)
    assert now["rollout"]["verdict"] == "not enough evidence" and now["next"] == "a share of 0.6 after 60 more requests of the canary"
    with Load(server, clients=1) as load:
        until(lambda: len(load.answers) > 20)
    assert releases(server)[0]["number"] == began["number"]
    assert status(server)["rollout"]["requests"]["canary"] < 60


def test_a_person_holds_decides_and_goes_on(shop, server):
    began = canary(server, LATER)
    assert shop.run("release", "hold", "long").returncode == 2, "a reason is asked for"
    shop.good("release", "hold", "long", "--even-rollback", "--why", "the other scores are meant")
    with Load(server) as load:
        until(lambda: (status(server)["rollout"] or {}).get("verdict") == "harm")
        seen = len(load.answers)
        until(lambda: len(load.answers) > seen + 300)
    now = status(server)
    assert now["state"] == "held" and now["hold"]["why"] == "the other scores are meant" and now["hold"]["rollback"]
    assert releases(server)[0]["number"] == began["number"], "nothing was moved"
    assert {version for _, version, _ in load.answers[seen:]} == {"1", str(LATER)}
    shop.good("release", "resume", "long", "--why", "they are not")
    back = decided(server, "rollback", began["number"])
    assert back["evidence"]["blamed"] == "prediction_shift"
    kinds = [e["kind"] for e in shop.events() if e["kind"].startswith("rollout.")]
    assert kinds[-2:] == ["rollout.held", "rollout.resumed"]
    answer = post(server, "rollout/resume")
    assert answer.status_code == 409 and "is not held" in answer.json()["detail"]
    assert post(server, "rollout/hold", why="").status_code == 400


def test_held_steps_still_take_back_what_does_harm(shop, server):
    began = canary(server, SAME)
    shop.good("release", "hold", "long", "--why", "over the weekend")
    with Load(server, minutes=lambda turn: turn * 7 % 900) as load:
        until(lambda: status(server)["rollout"]["verdict"] == "safe")
        seen = len(load.answers)
        until(lambda: len(load.answers) > seen + 100)
    assert releases(server)[0]["number"] == began["number"]
    assert post(server, "stop").status_code == 201
    began = canary(server, LATER)
    with Load(server):
        decided(server, "rollback", began["number"])


@pytest.mark.slow
def test_a_kill_in_the_middle_resets_no_evidence(shop):
    first = up(shop.state, "--project", shop.folder)
    alone(first)
    canary(first, SAME)
    saved = shop.state / "serving/long/rollout.json"
    with Load(first, minutes=lambda turn: turn * 7 % 900, clients=1) as load:
        until(lambda: len(load.answers) > 60)
    before = status(first)["rollout"]["requests"]
    until(lambda: saved.exists() and sum(json.loads(saved.read_text())["seen"]) == sum(before.values()))
    first.kill()
    again = up(shop.state, "--project", shop.folder)
    try:
        assert status(again)["rollout"]["requests"] == before
        assert status(again)["rollout"]["began_at"]
        alone(again)
        assert not saved.exists(), "the next rollout begins anew"
    finally:
        assert again.stop() == 0


@pytest.mark.slow
def test_a_canary_that_is_out_stays_out_when_the_record_was_not_written(shop):
    first = up(shop.state, "--project", shop.folder)
    alone(first)
    began = canary(first, LATER)
    assert first.stop() == 0
    dying = up(shop.state, "--project", shop.folder, env={"MILLRACE_FAULT": "registry.release.before_record"})
    load = Load(dying, clients=2)
    for thread in load.threads:
        thread.start()
    dying.process.wait(timeout=60)
    for thread in load.threads:
        thread.join()
    dying.kill()
    again = up(shop.state, "--project", shop.folder)
    try:
        with Load(again) as load:
            back = decided(again, "rollback", began["number"])
        assert {version for _, version, code in load.answers if code == 200} == {"1"}, "not one more answer of the canary"
        assert back["evidence"]["blamed"] == "prediction_shift"
    finally:
        assert again.stop() == 0


def test_a_shadow_is_shown_beside_who_answered(shop, server):
    assert post(server, "releases", arm="shadow", version=LATER).status_code == 201
    with requests.Session() as session:
        for turn in range(60):
            inputs = [dict(i, data=[turn * 10]) if i["name"] == "minutes" else
                      dict(i, data=["AA" if turn % 3 else "UA"]) if i["name"] == "carrier" else i for i in REQUEST["inputs"]]
            assert session.post(server.url + "/v2/models/long/infer", json={"inputs": inputs}, timeout=60).status_code == 200
    until(lambda: shop.good("release", "diff", "long", "--version", LATER)["rows"] >= 60)  # a shadow answers behind the others
    shown = shop.good("release", "diff", "long", "--version", LATER)
    assert (shown["shadow"], shown["rows"] >= 60, shown["score"]) == (f"model:long@{LATER}", True, "score")
    # The later model counts the minutes twice.
    assert shown["max_abs"] == 590 or shown["rows"] > 60
    assert sum(shown["histogram"]["counts"]) == shown["rows"] and shown["flips"] == 0
    segments = {(s["column"], s["value"]): s["rows"] for s in shown["segments"]}
    assert segments[("carrier", "UA")] >= 20 and segments[("carrier", "AA")] >= 40
    text = shop.run("release", "diff", "long").stdout
    assert "rows that both answered" in text and "carrier = UA" in text
    missing = shop.run("release", "diff", "long", "--version", "9")
    assert missing.returncode == 3 and "has answered no row" in missing.stderr


def test_a_policy_is_checked_with_its_place(shop):
    good = (shop.folder / "millrace.yaml").read_text()
    for wrong, right, said in (("alpha: 0.01", "alpha: 2", "alpha is 2, and must be from 1e-9 to 0.5"),
                               ("errors:", "erors:", "did you mean 'errors'?"),
                               ("[0.3, 0.6]", "[0.6, 0.3]", "does not come after 0.6")):
        shop.write("millrace.yaml", good.replace(wrong, right))
        failed = shop.run("release", "canary", "long", "--version", SAME, "--why", "x")
        assert failed.returncode == 2 and said in failed.stderr and re.search(r"millrace.yaml:\d+:\d+", failed.stderr), failed.stderr
    shop.write("millrace.yaml", good)
