"""Windows through the real program: requests over HTTP with event times, labels that come late and are corrected, looks, the command line."""
import hashlib
import json

import pyarrow
import pyarrow.parquet
import pytest
import requests

from server import up
from shop import Shop

TABLE = """SELECT CAST(minutes AS DOUBLE) / 1440 AS score, CASE WHEN minutes > 60 THEN 1 ELSE 0 END AS long, visit,
  CASE WHEN shop = 'AB' THEN 'AA' ELSE 'UA' END AS carrier, minutes, CAST(minutes AS DOUBLE) * 2 AS distance FROM visits ORDER BY visit
"""
MONITORS = """monitors:
  long:
    window: month
    every: week
    min_rows: 10
    reference: {stage: table, file: table.parquet}
    drift: {psi: {warn: 0.1, page: 0.25}}
    performance: {auc: {page_below: 0.6}}
"""


def infer(url, day, minutes, request_id="", source=""):
    """One request; the answer's prediction id, also of a refusal."""
    parameters = {"millrace_event_time": f"{day}T12:00:00Z"} | ({"millrace_input": source} if source else {})
    inputs = [{"name": "carrier", "datatype": "BYTES", "shape": [1, 1], "data": ["AA"]},
              {"name": "minutes", "datatype": "INT64", "shape": [1, 1], "data": [minutes]},
              {"name": "distance", "datatype": "FP32", "shape": [1, 1], "data": [2.0 * minutes]}]
    answer = requests.post(f"{url}/v2/models/long/infer", timeout=60, json={"id": request_id, "inputs": inputs, "parameters": parameters})
    assert answer.status_code in (200, 422), answer.text
    return answer.json().get("parameters", {}).get("millrace_prediction_id", "")


class Watched:
    """The shop, released and served, with its monitor."""

    def __init__(self, folder):
        self.shop = Shop(folder)
        self.shop.write("table.sql", TABLE)
        self.shop.change("millrace.yaml", "deps: [columns.onnx]", "deps: [columns.onnx, {stage: table}]")
        self.shop.change("millrace.yaml", "deployments:", MONITORS + "deployments:")
        self.shop.release()
        self.start()
        # As a replay begins: some seconds after its start the server looks by the wall clock at what does not live in event time.
        self.look(to="2024-01-01", clock="event")

    def start(self):
        self.server = up(self.shop.state, "--project", self.shop.folder)
        self.api = f"{self.server.url}/api/millrace/v1"

    def get(self, path, **query):
        answer = requests.get(f"{self.api}/{path}", params=query, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body, status=200):
        answer = requests.post(f"{self.api}/{path}", json=body, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def look(self, **body):
        job = self.post("deployments/long/monitor", body, 202)["id"]
        while (state := self.get(f"jobs/{job}", wait=20))["state"] in ("waiting", "running"):
            pass
        assert state["state"] == "done", state["error"]
        return state["result"]

    def feedback(self, labels, **more):
        return self.post("feedback", {"deployment": "long", "items": [{"prediction_id": p, "label": y, **more} for p, y in labels]})

    def windows(self, arm="all"):
        return self.get("deployments/long/windows", arm=arm)["items"]

    def seen(self):
        return [(w["from"][:10], w["revision"], w["summary"]["requests"], w["summary"]["labels"]) for w in self.windows()]


@pytest.fixture
def watched(tmp_path):
    it = Watched(tmp_path)
    yield it
    it.server.stop()


def test_windows_follow_event_time_and_late_labels(watched):
    january = [infer(watched.server.url, f"2024-01-{1 + i:02d}", 40 + 2 * i) for i in range(31)]
    february = [infer(watched.server.url, f"2024-02-{1 + i:02d}", 900 + i) for i in range(10)]
    infer(watched.server.url, "2024-01-20", 5000)  # refused by the contract
    assert watched.look(to="2024-02-11", clock="event") == {"looks": 6, "revisions": 12, "to": "2024-02-11T00:00:00.000000Z"}
    assert watched.seen() == [("2024-01-01", 5, 32, 0), ("2024-02-01", 1, 7, 0)]
    summary = watched.windows()[0]["summary"]
    assert (summary["answered"], summary["refused"]) == (31, 1)
    assert summary["refusals"] == [{"field": "minutes", "rule": "minutes.range", "count": 1}]
    assert summary["reference"]["problem"] is None
    columns = {c["column"]: c for c in summary["columns"]}
    assert columns["minutes"]["psi"] > 0.25 and columns["minutes"]["effect_kind"] == "cohens_d"
    assert columns["carrier"]["effect_kind"] == "cramers_v" and columns["score"]["role"] == "score"

    # The event clock is what a label without a time is known at; the same again changes nothing.
    labels = [(p, int(i > 15)) for i, p in enumerate(january)]
    assert watched.feedback(labels) == {"accepted": 31, "corrected": 0, "unchanged": 0}
    assert watched.feedback(labels) == {"accepted": 0, "corrected": 0, "unchanged": 31}
    assert watched.look()["revisions"] == 2
    assert watched.seen() == [("2024-01-01", 6, 32, 31), ("2024-02-01", 1, 7, 0)]
    performance = watched.windows()[0]["summary"]["performance"]
    assert performance["auc"]["value"] == 1 and performance["auc"]["n"] == 31
    assert watched.look()["revisions"] == 0

    # A correction, and a label of the window that is still filling.
    assert watched.feedback([(january[0], 1), (february[0], 0)]) == {"accepted": 1, "corrected": 1, "unchanged": 0}
    assert watched.look()["revisions"] == 2
    assert watched.windows()[0]["summary"]["performance"]["auc"]["value"] < 1
    infer(watched.server.url, "2024-01-05", 100)  # late
    assert watched.look(to="2024-03-01", clock="event")["looks"] == 5
    assert watched.seen() == [("2024-01-01", 8, 33, 31), ("2024-02-01", 5, 10, 1)]

    lineage = watched.get("lineage/prediction_window:long/all@2024-01-01", direction="upstream")
    nodes = {node["id"].split("@")[0] for node in lineage["nodes"]}
    assert {"release:long", "reference:long/1", "artifact:table/table.parquet", "model:long"} <= nodes
    assert watched.shop.good("audit", "verify")["intact"]


def test_a_look_goes_on_after_the_server_is_killed(watched):
    for i in range(60):
        infer(watched.server.url, f"2024-01-{1 + i % 30:02d}", 40 + i)
    watched.server.kill()
    watched.start()
    assert watched.look(to="2024-02-01", clock="event")["revisions"] == 10
    before = watched.windows()
    watched.server.kill()
    watched.start()
    assert watched.look(to="2024-02-01", clock="event")["revisions"] == 0
    assert watched.windows() == before


def test_labels_of_a_file_are_sent_by_the_command_line(watched):
    rows = {"minutes": [10 * i for i in range(40)], "late": [None if i % 10 == 3 else int(i > 20) for i in range(40)],
            "known": [f"2024-01-{2 + i // 2:02d}T00:00:00Z" for i in range(40)]}
    file = watched.shop.folder / "asked.parquet"
    pyarrow.parquet.write_table(pyarrow.table(rows), file)
    digest = "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
    for i in range(40):
        infer(watched.server.url, f"2024-01-{1 + i // 2:02d}", 10 * i, f"{digest[7:19]}:{i}", digest)
    page = watched.get("deployments/long/predictions/ids", input=digest)
    assert [item["request_id"] for item in page["items"]] == [f"{digest[7:19]}:{i}" for i in range(40)] and page["next"] is None

    words = ("feedback", "long", file, "--label", "late", "--time", "known")
    assert watched.shop.good(*words) == {"sent": 36, "accepted": 36, "unchanged": 0, "corrected": 0, "without_label": 4, "predictions": 40}
    again = watched.shop.run(*words)
    assert (again.returncode, again.stdout) == (0, "nothing new: all 36 labels were there\n")
    wrong = watched.shop.run("feedback", "long", file, "--label", "lat")
    assert wrong.returncode == 2 and "did you mean 'late'?" in wrong.stderr
    other = watched.shop.folder / "other.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"late": [1]}), other)
    unsent = watched.shop.run("feedback", "long", other, "--label", "late")
    assert unsent.returncode == 3 and "millrace replay long" in unsent.stderr

    looked = watched.shop.run("monitor", "look", "long", "--to", "2024-02")
    assert looked.returncode == 0 and "5 looks up to 2024-02-01" in looked.stdout, looked.stderr
    assert watched.shop.run("monitor", "look", "long").stdout == "nothing new up to 2024-02-01T00:00:00.000000Z\n"
    shown = watched.shop.run("monitor", "show", "long").stdout.splitlines()
    assert "farthest column" in shown[0] and len(shown) == 2
    assert shown[1].split()[:6] == ["2024-01-01", "stable", "long@1", "40", "0", "36"]
    drift = watched.shop.run("monitor", "drift", "long", "--from", "2024-01").stdout.splitlines()
    psi = [float(line.split()[3]) for line in drift[1:]]
    assert psi == sorted(psi, reverse=True) and {line.split()[0] for line in drift[1:]} == {"carrier", "minutes", "distance", "score"}
    absent = watched.shop.run("monitor", "drift", "long", "--from", "2024-03")
    assert absent.returncode == 3 and "millrace monitor show long" in absent.stderr

    metrics = requests.get(f"{watched.server.url}/metrics", timeout=60).text
    assert 'millrace_drift_score{deployment="long",arm="stable",model="long",version="1",column="minutes",method="psi"} ' in metrics
    assert 'metric="auc",bound="lower"} ' in metrics


@pytest.mark.parametrize("body, field, said", [
    ({"deployment": "long", "items": [{"prediction_id": "x", "label": 1}]}, "items[0].prediction_id", "is not the id of a prediction"),
    ({"deployment": "long", "items": [{"prediction_id": "01890a5d-ac96-774b-bcce-b302099a8057", "label": 3.5}]}, "items[0].label", "is not 0 or 1"),
    ({"deployment": "long", "items": {}}, "items", "a list of labels"),
    ({"deployment": "lon", "items": []}, None, "did you mean 'long'?"),
])
def test_bad_feedback_is_refused_with_its_place(watched, body, field, said):
    answer = requests.post(f"{watched.api}/feedback", json=body, timeout=60)
    assert answer.status_code in (400, 404), answer.text
    assert said in json.dumps(answer.json()), answer.text
    if field:
        assert field in json.dumps(answer.json()), answer.text


def test_a_look_needs_a_monitor_and_a_time_that_has_come(watched):
    answer = requests.post(f"{watched.api}/deployments/long/monitor", json={"clock": "event"}, timeout=60)
    assert answer.status_code == 400 and "event time has come" in answer.text
    answer = requests.post(f"{watched.api}/deployments/long/monitor", json={"to": "2999-01-01"}, timeout=60)
    assert answer.status_code == 400 and "has not come" in answer.text
    watched.shop.change("millrace.yaml", MONITORS, "")
    answer = requests.post(f"{watched.api}/deployments/long/monitor", json={}, timeout=60)
    assert answer.status_code == 404 and "monitors:" in answer.text
