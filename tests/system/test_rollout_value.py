"""What decisions are worth as a guardrail, by labels that come back later; one version on both arms; units that count once."""
import itertools

import pytest
import requests

from server import ROOT, until, up
from shop import REQUEST, Shop

POLICY = ("unit: shop, rollout: {alpha: 0.01, steps: [0.5], min_rows: 40, promote: manual, guardrails: {errors: {tolerance: 0.02}, "
          "value: {per_1000: 5000}}}}\nvalue:\n  long: {currency: USD, true_positive: 60, false_positive: -15, false_negative: -40, true_negative: 0}\n")
SCORES = "cp table/table.parquet scored.parquet\necho '{\"threshold\": %s}' > report.json\n"


def other_bytes(data):
    """A model file with other bytes and the same answers: a doc_string, field 6 of ModelProto."""
    note = b"the same again"
    return data + b"\x32" + bytes([len(note)]) + note


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Version 1 decides at a score of 600, version 2 answers the same and decides at 5,000, which is never."""
    shop = Shop(tmp_path_factory.mktemp("value"))
    shop.change("millrace.yaml", "unit: shop}", POLICY)
    shop.change("millrace.yaml", "cmd: cp table/table.parquet scored.parquet", "cmd: sh scores.sh")
    shop.change("millrace.yaml", "deps: [{stage: table}, {stage: train}]\n      outs: [scored.parquet]",
                "deps: [{stage: table}, {stage: train}, scores.sh]\n      outs: [scored.parquet, report.json]")
    shop.write("scores.sh", SCORES % 600)
    shop.release()
    shop.write("scores.sh", SCORES % 5000)
    shop.write("columns.onnx", other_bytes((ROOT / "src/serve/testdata/columns.onnx").read_bytes()))
    shop.good("run")
    assert shop.good("model", "register", "long")["version"] == 2
    shop.good("model", "gates", "long", "2")
    shop.good("model", "approve", "long", "2", "--why", "it holds")
    return shop


@pytest.fixture
def server(shop):
    server = up(shop.state, "--project", shop.folder)
    yield server
    if live(server)["canary"]:
        assert post(server, "deployments/long/stop", why="the test is over").status_code == 201
    assert server.stop() == 0, "".join(server.errors)[-2000:]


def post(server, path, **body):
    return requests.post(f"{server.url}/api/millrace/v1/{path}", json=body, timeout=60)


def get(server, path):
    return requests.get(f"{server.url}/api/millrace/v1/{path}", timeout=60).json()


def live(server):
    return get(server, "deployments/long/releases")["items"][0]


TURNS = itertools.count()


def ask(server, session, unit=None, count=1):
    """(prediction, was it late) of requests whose truth is a score from 600 on."""
    out = []
    for _ in range(count):
        turn = next(TURNS)
        minutes = turn * 37 % 1200
        inputs = [dict(i, data=[minutes]) if i["name"] == "minutes" else dict(i, data=[0]) if i["name"] == "distance" else i for i in REQUEST["inputs"]]
        answer = session.post(server.url + "/v2/models/long/infer", timeout=60,
                              json={"inputs": inputs, "parameters": {"millrace_unit": unit or f"U{turn}"}})
        assert answer.status_code == 200, answer.text
        out.append((answer.json()["parameters"]["millrace_prediction_id"], minutes >= 600))
    return out


def send_labels(server, seen):
    items = [{"prediction_id": p, "row": 0, "label": int(late), "event_time": "2024-01-02"} for p, late in seen]
    answer = post(server, "feedback", deployment="long", items=items)
    assert answer.status_code == 200, answer.text


def test_a_canary_whose_decisions_are_worth_less_goes_back_by_late_labels(shop, server):
    assert post(server, "deployments/long/releases", arm="canary", version=2, why="to be tried").status_code == 201
    with requests.Session() as session:
        seen = ask(server, session, count=400)
        now = get(server, "deployments/long/rollout")
        [guard] = [g for g in now["rollout"]["guardrails"] if g["guardrail"] == "value"]
        assert guard["compared"] == {"canary": 0, "stable": 0} and now["rollout"]["verdict"] == "not enough evidence"
        for at in range(0, len(seen), 40):
            send_labels(server, seen[at:at + 40])
    until(lambda: live(server)["step"] == "rollback")
    back = live(server)
    assert back["subject"] == "policy:long" and back["evidence"]["blamed"] == "value"
    assert back["reason"].startswith("value: 1,000 decisions of the canary are worth USD ")
    [guard] = [g for g in back["evidence"]["guardrails"] if g["guardrail"] == "value"]
    assert guard["canary"]["value"] < guard["stable"]["value"] - 5000 and guard["difference"]["value"] < -5000
    assert guard["outcomes"]["true_positive"] == 60, "what it was judged by stays with the release"
    assert "USD per 1,000" in shop.run("release", "status", "long").stdout


def test_one_version_on_both_arms_counts_false_alarms_and_moves_nothing(shop, server):
    answer = post(server, "deployments/long/releases", arm="canary", aa=True, why="how often is it wrong")
    assert answer.status_code == 201, answer.text
    began = answer.json()
    assert began["canary"]["version"] == began["version"] == 1 and began["canary"]["share"] == 0.5
    again = post(server, "deployments/long/releases", arm="canary", aa=True, why="again")
    assert again.status_code == 409 and "release stop long" in again.text
    with requests.Session() as session:
        ask(server, session, count=200)
    now = get(server, "deployments/long/rollout")
    assert now["state"] == "aa" and now["rollout"]["aa"]["run_requests"] == 40
    assert now["rollout"]["aa"]["runs"] >= 1 and now["rollout"]["aa"]["false_alarms"] == 0
    assert live(server)["number"] == began["number"], "a good canary would have waited for a person, this one is no canary"
    shown = shop.run("release", "status", "long").stdout
    assert "A/A: 0 false alarms in" in shown and "runs of 40 canary requests" in shown
    assert server.stop() == 0
    server.__init__("up", "--state", shop.state, "--http", "127.0.0.1:0", "--project", shop.folder)
    assert get(server, "deployments/long/rollout")["rollout"]["aa"] == now["rollout"]["aa"], "a restart forgets no run"


def test_an_aa_is_asked_for_as_it_should_be(shop, server):
    for body, said in (({"aa": True, "version": 2, "arm": "canary"}, "model:long@2 is not the stable arm of 'long'"),
                       ({"aa": True, "version": 1}, "an A/A is a canary's; the arm is 'stable'"),
                       ({"aa": "yes", "arm": "canary"}, "aa is true or false"),
                       ({"arm": "canary"}, "version")):
        answer = post(server, "deployments/long/releases", why="x", **body)
        assert answer.status_code in (400, 409) and said in answer.text, answer.text
    assert shop.run("release", "canary", "long", "--why", "x").returncode == 2


def test_a_unit_counts_once_where_the_policy_says_so(shop):
    shop.change("millrace.yaml", "min_rows: 40", "min_rows: 40, count: units")
    server = up(shop.state, "--project", shop.folder)
    try:
        assert post(server, "deployments/long/releases", arm="canary", version=2, why="x").status_code == 201
        with requests.Session() as session:
            ask(server, session, unit="loud", count=50)
            ask(server, session, count=30)
        now = get(server, "deployments/long/rollout")["rollout"]
        assert sum(now["requests"].values()) == 31 and now["policy"]["count"] == "units"
        assert post(server, "deployments/long/stop", why="x").status_code == 201
    finally:
        assert server.stop() == 0


def test_a_guardrail_on_value_without_what_it_is_has_its_place(shop):
    good = (shop.folder / "millrace.yaml").read_text()
    for wrong, said in ((good.split("value:\n  long:")[0], "the guardrail 'value' needs what decisions are worth"),
                        (good.replace("per_1000: 5000", "per_1000: 200000"), "per_1000 is 200000, and must be from 0 to below 100000 USD")):
        shop.write("millrace.yaml", wrong)
        failed = shop.run("release", "canary", "long", "--version", "2", "--why", "x")
        assert failed.returncode == 2 and said in failed.stderr and "millrace.yaml:" in failed.stderr, failed.stderr
    shop.write("millrace.yaml", good)
