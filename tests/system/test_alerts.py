"""Alerts through the real program: a shift in the requests fires, people answer, and what breaks again is a new alert."""
import json

import pytest
import requests

from server import up
from shop import Shop

REFERENCE = "SELECT shop AS carrier, CAST(minutes AS BIGINT) AS minutes, CAST(minutes AS FLOAT) AS distance FROM visits ORDER BY visit\n"
MONITOR = """\
monitors:
  long:
    window: day
    min_rows: 100
    reference: {stage: reference, file: reference.parquet}
    drift: {psi: {warn: 0.25, page: 1}}
    on: {page: review}
"""


class Watched:
    """A released deployment with a monitor, served; days of requests are sent and looked at one by one."""

    def __init__(self, folder):
        self.shop = Shop(folder)
        self.shop.write("reference.sql", REFERENCE)
        self.shop.change("millrace.yaml", "    train:\n", "    reference:\n      sql: reference.sql\n      deps: [{dataset: visits}]\n"
                                                          "      outs: [reference.parquet]\n    train:\n")
        self.shop.change("millrace.yaml", "deps: [columns.onnx]", "deps: [columns.onnx, {stage: reference}]")
        self.shop.write("millrace.yaml", (self.shop.folder / "millrace.yaml").read_text() + MONITOR)
        self.shop.release()
        self.server = up(self.shop.state, "--project", str(self.shop.folder))
        # As a replay begins: some seconds after its start the server looks by the wall clock at what does not live in event time.
        self.post("/deployments/long/monitor", {"to": "2024-02-01", "clock": "event"}, 202)
        self.settle()

    def post(self, path, body, status):
        answer = requests.post(f"{self.server.url}/api/millrace/v1{path}", json=body, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path):
        answer = requests.get(f"{self.server.url}/api/millrace/v1{path}", timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def day(self, number, shift=0):
        """Two hundred rows like the reference's, `shift` minutes later; then the look at their day, and all that follows."""
        minutes = [i % 120 for i in range(200)]
        inputs = [{"name": "carrier", "datatype": "BYTES", "shape": [200, 1], "data": ["AB" if i % 2 else "CD" for i in range(200)]},
                  {"name": "minutes", "datatype": "INT64", "shape": [200, 1], "data": [m + shift for m in minutes]},
                  {"name": "distance", "datatype": "FP32", "shape": [200, 1], "data": minutes}]
        sent = requests.post(f"{self.server.url}/v2/models/long/infer", timeout=60,
                             json={"inputs": inputs, "parameters": {"millrace_event_time": f"2024-02-{number:02d}T12:00:00Z"}})
        assert sent.status_code == 200, sent.text
        self.post("/deployments/long/monitor", {"to": f"2024-02-{number + 1:02d}T00:00:00Z", "clock": "event"}, 202)
        self.settle()

    def settle(self):
        """Every job, and what it submitted, has ended."""
        while True:
            jobs = self.get("/jobs")["items"]
            running = [job for job in jobs if job["state"] in ("waiting", "running")]
            for job in running:
                ended = self.get(f"/jobs/{job['id']}?wait=30")
                assert ended["state"] != "failed", ended
            if not running:
                return

    def alerts(self, *words):
        return [a for a in self.shop.good("alert", "list", *words)["items"] if a["subject"] == "minutes"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    watched = Watched(tmp_path_factory.mktemp("alerts"))
    yield watched
    assert watched.server.stop() == 0


def test_a_shift_fires_is_answered_ends_and_fires_again(watched):
    shop = watched.shop
    watched.day(1)
    assert watched.alerts() == []

    watched.day(2, shift=600)
    alert, = watched.alerts("--only", "firing")
    assert (alert["kind"], alert["severity"], alert["limit"]) == ("drift", "page", 1)
    assert alert["value"] > 1 and alert["fired_at"] == "2024-02-03T00:00:00.000000Z"
    assert alert["evidence"]["n"] == 200 and alert["evidence"]["effect"] > 1
    assert shop.run("alert", "list", "--fail").returncode == 1
    assert shop.run("alert", "list").returncode == 0
    listed = shop.run("alert", "list", "long").stdout
    assert alert["short"] in listed and "drift:minutes" in listed and "page" in listed

    shown = shop.run("alert", "show", "drift:minutes").stdout
    for text in ("PSI of 'minutes' is", "over the page limit of 1", "history", "fired", f"cause: {alert['trace']['verdict']}", "led to", "review"):
        assert text in shown, shown
    assert "prediction_window:long/all@2024-02-02" in shop.run("lineage", alert["node"]).stdout

    acked = shop.good("alert", "ack", alert["short"], "--why", "I call the feed's owner")
    assert acked["state"] == "acknowledged" and acked["acknowledged_at"] == "2024-02-03T00:00:00.000000Z"
    again = shop.run("alert", "ack", "drift:minutes", "--why", "me too")
    assert again.returncode == 5 and "I call the feed's owner" in again.stderr

    watched.day(3)
    assert [a["state"] for a in watched.alerts()] == ["resolved"]
    late = shop.run("alert", "resolve", alert["id"], "--why", "x")
    assert late.returncode == 5 and "in the clear" in late.stderr

    watched.day(4, shift=600)
    second, first = watched.alerts()
    assert second["state"] == "firing" and second["id"] != alert["id"] and first["id"] == alert["id"]
    ended = shop.good("alert", "resolve", "drift:minutes", "--why", "a known move of the clock")
    assert ended["id"] == second["id"] and ended["resolved_at"] == "2024-02-05T00:00:00.000000Z"
    assert shop.run("alert", "list", "long", "--only", "open").returncode == 0
    assert watched.alerts("--only", "open") == []

    kinds = [e["kind"] for e in shop.events() if e["node"] == alert["node"]]
    assert kinds == ["alert.pending", "alert.fired", "alert.traced", "alert.acted", "alert.acknowledged", "alert.resolved"]


def test_a_person_closes_the_review_and_the_alert_shows_it(watched):
    shop = watched.shop
    if not watched.alerts():
        watched.day(6, shift=600)
    review = shop.good("review", "list", "--only", "open")["items"][0]
    assert any(subject["node"].startswith("alert:") for subject in review["subjects"])
    closed = shop.good("review", "close", review["id"], "--decision", "confirmed", "--why", "the shop opens later")
    assert (closed["state"], closed["decision"]) == ("closed", "confirmed")
    shown = shop.good("alert", "show", review["subjects"][0]["node"])
    assert shown["review"]["decision"] == "confirmed"
    assert "closed as confirmed" in shop.run("alert", "show", shown["id"]).stdout
    twice = shop.run("review", "close", review["id"], "--decision", "fixed", "--why", "x")
    assert twice.returncode == 5 and "the shop opens later" in twice.stderr
    assert "confirmed by" in shop.run("review", "list").stdout
    assert "the shop opens later" in shop.run("review", "show", review["id"]).stdout


def changes(shop):
    """Lines of the audit by commands; the server's own jobs come and end whenever they do."""
    return [e["sequence"] for e in shop.events() if e["via"] != "job"]


@pytest.mark.parametrize("words, status, said", [
    (("alert", "show", "alert-nothing"), 3, ["there is no alert 'alert-nothing'", "millrace alert list"]),
    (("alert", "ack", "drift:nothing", "--why", "x"), 3, ["drift:nothing"]),
    (("alert", "ack", "drift:minutes"), 2, ["--why"]),
    (("alert", "ack", "drift:minutes", "--why", " "), 2, ["an acknowledgement needs a reason"]),
    (("alert", "resolve", "drift:minutes", "--why", ""), 2, ["needs a reason"]),
    (("alert", "list", "--only", "fireing"), 2, ["'fireing' is no state of an alert", "did you mean 'firing'"]),
    (("alert", "lst"), 2, ["alert list"]),
    (("review", "show", "review-nothing"), 3, ["there is no review 'review-nothing'"]),
    (("review", "list", "--only", "opne"), 2, ["there are: open, closed"]),
    (("review", "close", "review-nothing", "--decision", "fixd", "--why", "x"), 2, ["'fixd' is no decision", "did you mean 'fixed'"]),
    (("review", "close", "review-nothing", "--decision", "fixed"), 2, ["--why"]),
])
def test_bad_input_is_named(watched, words, status, said):
    before = changes(watched.shop)
    done = watched.shop.run(*words)
    assert done.returncode == status, done.stdout + done.stderr
    for text in said:
        assert text in done.stderr, done.stderr
    assert "terminate" not in done.stderr
    assert changes(watched.shop) == before


@pytest.mark.parametrize("body", [{"why": 3}, {"wy": "x"}, []], ids=["number", "key", "list"])
def test_a_wrong_body_is_refused(watched, body):
    answer = requests.post(f"{watched.server.url}/api/millrace/v1/alerts/drift:minutes/ack", data=json.dumps(body), timeout=60)
    assert answer.status_code == 400 and answer.json()["detail"]


def test_a_reader_reads_and_may_not_answer(watched):
    token = watched.post("/tokens", {"subject": "rob", "roles": ["reader"]}, 201)["token"]
    headers = {"Authorization": f"Bearer {token}"}
    alerts = f"{watched.server.url}/api/millrace/v1/alerts"
    assert requests.get(alerts, headers=headers, timeout=60).status_code == 200
    assert requests.post(f"{alerts}/drift:minutes/ack", json={"why": "x"}, headers=headers, timeout=60).status_code == 403
