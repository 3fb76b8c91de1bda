"""Logged requests through a version that was never on traffic."""
import json

import pytest
import requests

from server import up
from shop import REQUEST, Shop

MINUTES = list(range(0, 1200, 10))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Version 1 is live and has answered; version 2 (twice the minutes) is only registered."""
    shop = Shop(tmp_path_factory.mktemp("replay"))
    shop.release()
    shop.second()
    server = up(shop.state, "--project", shop.folder)
    for i, minutes in enumerate(MINUTES):
        body = json.loads(json.dumps(REQUEST))
        body["inputs"][0]["data"] = ["AA" if i % 2 else "UA"]
        body["inputs"][1]["data"] = [minutes]
        body["parameters"] = {"millrace_event_time": f"2024-01-{1 + i // 60:02d}T00:00:{i % 60:02d}Z"}
        answer = requests.post(server.url + "/v2/models/long/infer", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
    assert server.stop() == 0
    return shop


def test_the_same_version_differs_in_nothing(shop):
    report = shop.good("release", "replay", "long", "--version", "1", "--most-flips", "0", "--most-mean", "0")
    assert report["rows"] == report["replay"]["replayed"] == len(MINUTES)
    assert report["mean_abs"] == report["flips"] == report["max_abs"] == 0


def test_a_candidate_is_compared_row_by_row(shop):
    report = shop.good("release", "replay", "long", "--version", "2")
    assert report["rows"] == len(MINUTES) and report["replay"]["failed"] == report["replay"]["refused"] == 0
    # Version 1 answers minutes + distance, version 2 twice the minutes + distance.
    assert report["mean_abs"] == pytest.approx(sum(MINUTES) / len(MINUTES))
    assert report["max_abs"] == pytest.approx(max(MINUTES))
    assert {segment["value"] for segment in report["segments"] if segment["column"] == "carrier"} == {"AA", "UA"}
    again = shop.good("release", "replay", "long", "--version", "2")
    assert again == report, "a replay leaves nothing behind"


def test_a_period_is_only_its_own_requests(shop):
    report = shop.good("release", "replay", "long", "--version", "2", "--from", "2024-01-02", "--to", "2024-01-03")
    assert report["rows"] == sum(1 for i in range(len(MINUTES)) if i // 60 == 1)
    nothing = shop.run("release", "replay", "long", "--version", "2", "--from", "2025-01-01")
    assert nothing.returncode == 3 and "no request in this period" in nothing.stderr


def test_a_limit_fails_the_command(shop):
    refused = shop.run("release", "replay", "long", "--version", "2", "--most-mean", "1")
    assert refused.returncode == 1 and "limit 1" in refused.stderr, refused.stderr
    assert "replayed 120 rows" in refused.stdout, "the report is shown all the same"


def test_nothing_is_moved_and_the_log_stays(shop):
    before = shop.good("release", "list", "long")
    shop.good("release", "replay", "long", "--version", "2")
    assert shop.good("release", "list", "long") == before
    log = sorted(path.name for path in (shop.state / "predictions" / "long").iterdir())
    shop.good("release", "replay", "long", "--version", "2")
    assert sorted(path.name for path in (shop.state / "predictions" / "long").iterdir()) == log
    assert not [path for path in (shop.state / "tmp").iterdir() if path.name.startswith("replay-")]


@pytest.mark.parametrize("words,status,said", [(["--version", "9"], 3, "9"), (["--version", "2", "--from", "soon"], 2, "soon"),
                                               (["--version", "2", "--most-flips", "many"], 2, "many")])
def test_what_is_wrong_is_said(shop, words, status, said):
    refused = shop.run("release", "replay", "long", *words)
    assert refused.returncode == status and said in refused.stderr, refused.stderr

def gated(shop, gate):
    """Version 2's gates with this one among them."""
    good = (shop.folder / "millrace.yaml").read_text()
    shop.change("millrace.yaml", "gates: [{auc: {min: 0.6}}]", "gates: [{auc: {min: 0.6}}, {replay: %s}]" % gate)
    shop.run("model", "gates", "long", "2")
    shown = shop.good("model", "show", "long", "2")
    shop.write("millrace.yaml", good)
    [found] = [g for g in shown["gates"] if g["kind"] == "replay"]
    return shown, found


def test_a_replay_is_a_gate_with_its_evidence(shop):
    shown, gate = gated(shop, "{max_flips: 0.02, max_mean: 10, period: 3660, rows: 50}")
    assert shown["state"] == "gates_failed" and not gate["ok"]
    assert "the scores of 'long' would differ by" in gate["reason"] and "release replay long" in gate["reason"]
    assert gate["value"]["n"] == len(MINUTES) and gate["value"]["limit"] == 0.02 and gate["value"]["group"] == "long"

    shown, gate = gated(shop, "{max_flips: 0.02, period: 3660, rows: 50}")
    assert gate["ok"] and f"of {len(MINUTES)} rows of 'long' would be decided otherwise" in gate["reason"], gate
    digest = shown["digests"]["report"]
    assert gated(shop, "{max_flips: 0.02, period: 3660, rows: 50}")[0]["digests"]["report"] == digest, "the same traffic is the same evidence"

    assert "only 120 rows of 'long' could be compared, and 500 are asked for" in gated(shop, "{max_flips: 1, period: 3660, rows: 500}")[1]["reason"]
    shown, gate = gated(shop, "{max_flips: 0, period: 1}")
    assert gate["ok"] and "nothing that could be replayed" in gate["reason"], "the requests are of 2024"


def test_a_replay_gate_is_written_as_it_should_be(shop):
    good = (shop.folder / "millrace.yaml").read_text()
    for gate, said in (("{}", "the gate 'replay' needs 'max_flips'"), ("{max_flips: 2}", "max_flips is 2, and must be a number from 0 to 1"),
                       ("{max_flip: 0.1}", "did you mean 'max_flips'?")):
        shop.change("millrace.yaml", "gates: [{auc: {min: 0.6}}]", "gates: [{replay: %s}]" % gate)
        failed = shop.run("model", "gates", "long", "2")
        assert failed.returncode == 2 and said in failed.stderr, failed.stderr
        shop.write("millrace.yaml", good)
