"""Requests that a person decides, through the real program: 202, a case that outlives every death, a decision that is a label."""
import concurrent.futures
import json
import pathlib

import duckdb
import numpy
import pytest
import requests
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from postgres import Cluster
from server import run, until, up
from shop import REQUEST, Shop
from test_monitor import MONITORS, TABLE

REVIEW = """long:
    model: long
    unit: shop
    unit_header: X-Shop
    guard: flag
    review:
      - {name: unsure, when: "score BETWEEN 700 AND 710 AND carrier = 'AA'"}
      - {name: odd, flag: minutes}
"""


class Reviewed:
    """The shop with rules of review, released and served. 600 minutes of carrier AA make a score of 701.5: nobody is sure."""

    def __init__(self, folder, env=None):
        self.shop = Shop(folder)
        self.shop.write("table.sql", TABLE)
        self.shop.change("millrace.yaml", "deps: [columns.onnx]", "deps: [columns.onnx, {stage: table}]")
        self.shop.change("millrace.yaml", "deployments:", MONITORS + "deployments:")
        self.shop.change("millrace.yaml", "long: {model: long, unit: shop}\n", REVIEW)
        self.shop.release()
        self.start(env)

    def start(self, env=None):
        self.server = up(self.shop.state, "--project", self.shop.folder, "--grpc", "127.0.0.1:0", env=env)
        self.api = f"{self.server.url}/api/millrace/v1"

    def get(self, path, status=200, **query):
        answer = requests.get(f"{self.api}/{path}", params=query, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path, body, status=200):
        answer = requests.post(f"{self.api}/{path}", json=body, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ask(self, *minutes, address="v2/models/long/infer", **more):
        count = len(minutes)
        data = {"carrier": ["AA"] * count, "minutes": list(minutes), "distance": [100.5] * count}
        inputs = [{**each, "shape": [count, 1], "data": data[each["name"]]} for each in REQUEST["inputs"]]
        return requests.post(f"{self.server.url}/{address}", json={"id": "r7", "inputs": inputs, **more}, timeout=60)

    def held(self, *minutes, **more):
        """The id of the case that these make."""
        answer = self.ask(*minutes, **more)
        assert answer.status_code == 202, answer.text
        return answer.json()["case"]["id"]

    def cases(self, state=""):
        found, after = [], ""
        while True:
            page = self.get("cases", state=state, after=after)
            found += page["items"]
            after = page["next"]
            if not after:
                return found

    def look(self, to):
        job = self.post("deployments/long/monitor", {"to": to, "clock": "event"}, 202)["id"]
        until(lambda: self.get(f"jobs/{job}", wait=20)["state"] not in ("waiting", "running"))

    def wait_for(self, count):
        until(lambda: len(self.cases()) >= count)
        return self.cases()


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory):
    it = Reviewed(tmp_path_factory.mktemp("cases"))
    yield it
    assert it.server.stop() == 0, "".join(it.server.errors)[-2000:]


def test_a_request_that_a_rule_holds_for_waits_for_a_person(reviewed):
    assert reviewed.ask(10).status_code == 200
    answer = reviewed.ask(10, 600, 10)
    assert answer.status_code == 202
    body = answer.json()
    prediction = body["parameters"]["millrace_prediction_id"]
    assert (body["model_name"], body["model_version"], body["id"], body["outputs"]) == ("long", "1", "r7", [])
    assert body["parameters"]["millrace_case"] == f"case-{prediction}" and body["parameters"]["millrace_arm"] == "stable"
    assert body["case"] == {"id": f"case-{prediction}", "state": "open", "rule": "unsure", "rows": [1], "matched": 1, "prediction_id": prediction,
                            "address": f"/api/millrace/v1/cases/case-{prediction}"}
    assert answer.headers["Location"] == body["case"]["address"]
    assert "701.5" not in answer.text, "the model's answer is not given out"
    # At once, whether it is a review already or not.
    shown = requests.get(reviewed.server.url + answer.headers["Location"], timeout=60).json()
    assert shown["state"] == "open" and shown["decision"] is None and shown["outputs"] is None and shown["rule"] == "unsure"
    record = reviewed.get(f"predictions/{prediction}")
    assert record["case"]["rule"] == "unsure" and record["status"] == "answered"
    assert record["contract"].startswith("sha256:") and record["contract"] == reviewed.get(f"predictions/{prediction}")["contract"]
    assert 'millrace_review_cases_total{model="long"} ' in requests.get(reviewed.server.url + "/metrics", timeout=60).text


def test_flags_make_cases_too_and_other_protocols_say_so(reviewed):
    odd = reviewed.ask(5000)
    assert odd.status_code == 202 and odd.json()["case"]["rule"] == "odd" and json.loads(odd.json()["parameters"]["millrace_flags"])
    scoring = requests.post(reviewed.server.url + "/invocations", timeout=60, json={"dataframe_records": [{"carrier": "AA", "minutes": 600, "distance": 100.5}]})
    assert scoring.status_code == 202 and scoring.json()["case"]["rule"] == "unsure" and "predictions" not in scoring.json()
    assert scoring.headers["Millrace-Case"] == scoring.json()["case"]["id"]
    inputs = {each["name"]: numpy.array(each["data"], dtype={"BYTES": object, "INT64": numpy.int64, "FP32": numpy.float32}[each["datatype"]]).reshape(1, 1)
              for each in REQUEST["inputs"]}

    def tensors(module):
        made = [module.InferInput(each["name"], [1, 1], each["datatype"]) for each in REQUEST["inputs"]]
        for tensor in made:
            tensor.set_data_from_numpy(inputs[tensor.name()])
        return made

    with tritonclient.grpc.InferenceServerClient(reviewed.server.grpc) as client:
        answer = client.infer("long", tensors(tritonclient.grpc)).get_response()
        assert answer.parameters["millrace_case"].string_param == "case-" + answer.parameters["millrace_prediction_id"].string_param
        assert answer.parameters["millrace_case_rule"].string_param == "unsure" and not answer.outputs and not answer.raw_output_contents
    with tritonclient.http.InferenceServerClient(reviewed.server.address) as client, pytest.raises(InferenceServerException) as told:
        client.infer("long", tensors(tritonclient.http))
    assert "a person decides this request (rule unsure, row 0)" in str(told.value) and told.value.status() == "202"


def test_a_decision_is_read_by_who_asked_and_joins_as_a_label(reviewed):
    times = {"millrace_event_time": "2024-01-05T12:00:00Z"}
    reviewed.look("2024-01-04")  # from here on the deployment's clock is that of events
    case = reviewed.held(600, 10, 600, parameters=times)
    until(lambda: any(each["id"] == case for each in reviewed.cases("open")))
    assert case in reviewed.shop.run("case", "list").stdout
    refused = reviewed.post(f"cases/{case}/decide", {"labels": [{"row": 0, "label": 1}], "why": "x"}, 400)
    assert refused["detail"].startswith("row 2 of the case needs one label"), refused
    assert "label" in reviewed.post(f"cases/{case}/decide", {"label": 2, "why": "x"}, 400)["detail"]
    assert reviewed.post(f"cases/{case}/decide", {"label": 1, "why": ""}, 400)
    shown = reviewed.post(f"cases/{case}/decide", {"labels": [{"row": 0, "label": 1}, {"row": 2, "label": 0}], "why": "called them"})
    assert shown["state"] == "decided"
    read = reviewed.get(f"cases/{case}")
    assert read["decision"]["labels"] == [{"row": 0, "label": 1}, {"row": 2, "label": 0}] and read["decision"]["why"] == "called them"
    assert read["outputs"][0]["data"] == [701.5, 111.5, 701.5], "now also what the model said, for the other rows"
    assert "was closed as labelled" in reviewed.post(f"cases/{case}/decide", {"label": 1, "why": "no"}, 409)["detail"]
    # A label like any other: sending it again is nothing new, and the window counts it.
    prediction = read["prediction_id"]
    again = reviewed.post("feedback", {"deployment": "long", "items": [{"prediction_id": prediction, "row": 0, "label": 1}]})
    assert again == {"accepted": 0, "unchanged": 1, "corrected": 0}
    reviewed.look("2024-02-10")
    january = [w for w in reviewed.get("deployments/long/windows", arm="all")["items"] if w["from"].startswith("2024-01")]
    assert january[-1]["summary"]["labels"] == 2
    # By the command line, and of the whole case.
    case = reviewed.held(600)
    until(lambda: any(each["id"] == case for each in reviewed.cases("open")))
    assert reviewed.shop.good("case", "decide", case, "--label", "0", "--why", "no")["decision"]["labels"] == [{"row": 0, "label": 0}]
    review = reviewed.get(f"cases/{case}")["review"].removeprefix("review:")
    assert "row 0 = 0" in reviewed.shop.run("case", "show", case).stdout
    assert reviewed.get(f"reviews/{review}")["decision"] == "labelled"


def test_what_is_no_case_is_not_found(reviewed):
    assert reviewed.get("cases/case-nothing", 404)["detail"].startswith("there is no case 'case-nothing'")
    good = reviewed.ask(10).json()["parameters"]["millrace_prediction_id"]
    assert reviewed.get(f"cases/case-{good}", 404)
    assert "is no state of a case" in reviewed.get("cases", 400, state="closed")["detail"]
    assert reviewed.post("cases/case-nothing/decide", {"label": 1, "why": "x"}, 404)


def test_a_unit_stands_in_the_deployments_own_header(reviewed):
    def unit_of(headers, **more):
        body = {**REQUEST, **more}
        answer = requests.post(f"{reviewed.server.url}/v2/models/long/infer", json=body, headers=headers, timeout=60)
        return reviewed.get("predictions/" + answer.json()["parameters"]["millrace_prediction_id"])["unit"]

    assert unit_of({"x-shop": "AB"}) == "AB"
    assert unit_of({"X-Shop": "AB", "Millrace-Unit": "CD"}) == "CD"
    assert unit_of({"X-Shop": "AB"}, parameters={"millrace_unit": "EF"}) == "EF"
    long = requests.post(f"{reviewed.server.url}/v2/models/long/infer", json=REQUEST, headers={"X-Shop": "A" * 251}, timeout=60)
    assert long.status_code == 413 and long.json()["field"] == "x-shop"
    with tritonclient.grpc.InferenceServerClient(reviewed.server.grpc) as client:
        tensor = [tritonclient.grpc.InferInput(each["name"], [1, 1], each["datatype"]) for each in REQUEST["inputs"]]
        for each, given in zip(tensor, REQUEST["inputs"]):
            kind = {"BYTES": object, "INT64": numpy.int64, "FP32": numpy.float32}[given["datatype"]]
            each.set_data_from_numpy(numpy.array(given["data"], dtype=kind).reshape(1, 1))
        answer = client.infer("long", tensor, headers={"x-shop": "GH"}).get_response()
        assert reviewed.get("predictions/" + answer.parameters["millrace_prediction_id"].string_param)["unit"] == "GH"


def test_a_rule_with_an_unknown_column_is_refused_at_the_release(tmp_path):
    shop = Shop(tmp_path)
    shop.release()
    shop.second()
    shop.change("millrace.yaml", "long: {model: long, unit: shop}\n", REVIEW.replace("carrier =", "carier ="))
    refused = shop.run("release", "create", "long", "--version", "2", "--why", "better")
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "the expression names 'carier'" in said and "did you mean 'carrier'?" in said and "deployments.long.review[0].when" in said
    assert [each["version"] for each in shop.good("release", "list", "long")["items"]] == [1], "nothing was released"
    shop.change("millrace.yaml", "carier =", "carrier =")
    shop.change("millrace.yaml", "guard: flag", "guard: reject")
    refused = shop.run("release", "create", "long", "--version", "2", "--why", "better")
    assert "waits for flags, and this deployment sets none" in refused.stdout + refused.stderr
    shop.change("millrace.yaml", "guard: reject", "guard: flag")
    shop.good("release", "create", "long", "--version", "2", "--why", "better")
    shop.change("millrace.yaml", "when:", "wen:")
    assert "did you mean 'when'?" in shop.run("release", "canary", "long", "--version", "1", "--share", "0.1", "--why", "x").stderr
    shop.change("millrace.yaml", "wen:", "when:")
    shop.change("millrace.yaml", "guard: flag", "guard: flag\n    runtime: nativ")
    assert "did you mean 'native'?" in shop.run("release", "canary", "long", "--version", "1", "--share", "0.1", "--why", "x").stderr


@pytest.mark.parametrize("point", ["before_open", "after_open"])
def test_a_death_around_the_opening_loses_and_doubles_nothing(tmp_path, point):
    it = Reviewed(tmp_path, env={"MILLRACE_FAULT": f"review.case.{point}"})
    try:
        it.held(600)
    except requests.RequestException:
        pass  # the other thread was quicker
    assert it.server.process.wait(timeout=60) != 0
    it.server.stop_reading()
    it.start()
    only = it.wait_for(1)
    case = it.held(600)
    until(lambda: len(it.cases()) == 2)
    assert len({each["id"] for each in it.cases()}) == 2 and case in {each["id"] for each in it.cases()} and len(only) == 1
    assert it.server.stop() == 0
    opened = [line for line in it.shop.events() if line["kind"] == "review.opened"]
    assert len(opened) == 2
    assert run("audit", "verify", state=it.shop.state).returncode == 0


def test_kills_under_load_leave_one_case_for_each_record(tmp_path):
    it = Reviewed(tmp_path)
    acknowledged = []

    def work():
        while True:
            try:
                acknowledged.append(it.held(600, 10))
            except requests.RequestException:
                return

    for _ in range(3):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            aim = len(acknowledged) + 40
            clients = [pool.submit(work) for _ in range(4)]
            until(lambda: len(acknowledged) >= aim)
            it.server.kill()
            for client in clients:
                client.result()
        it.start()
    ids = sorted(each["id"] for each in it.wait_for(len(acknowledged)))
    assert it.post("deployments/long/seal", {}, 202)
    until(lambda: list((it.shop.state / "predictions").rglob("*.parquet")) and not list((it.shop.state / "predictions").rglob("*.log")))
    until(lambda: sorted(each["id"] for each in it.cases()) == sorted(in_log(it.shop.state)))
    ids = [each["id"] for each in it.cases()]
    assert len(ids) == len(set(ids)) and set(acknowledged) <= set(ids)
    assert it.server.stop() == 0


def in_log(state):
    files = [str(path) for path in (pathlib.Path(state) / "predictions").rglob("*.parquet")]
    found = duckdb.sql(f"""SELECT DISTINCT 'case-' || prediction_id FROM read_parquet({files}, union_by_name = true) WHERE "case" IS NOT NULL""")
    return [row[0] for row in found.fetchall()]


def test_cases_are_opened_once_the_store_is_back(tmp_path, monkeypatch):
    cluster = Cluster()
    try:
        monkeypatch.setenv("MILLRACE_STORE", cluster.make_database("cases"))
        it = Reviewed(tmp_path)
        cluster.stop("immediate")
        held = {it.held(600) for _ in range(5)}
        until(lambda: any('"cases_not_opened"' in line for line in it.server.errors))
        assert requests.get(f"{it.api}/cases", timeout=60).status_code == 503
        held |= {it.held(600)}
        cluster.start()
        until(lambda: requests.get(f"{it.api}/cases", timeout=60).status_code == 200)
        it.wait_for(6)
        assert sorted(each["id"] for each in it.cases()) == sorted(held)
        # And those that the server did not live to tell of.
        cluster.stop("immediate")
        held |= {it.held(600)}
        it.server.kill()
        cluster.start()
        it.start()
        it.wait_for(7)
        assert sorted(each["id"] for each in it.cases()) == sorted(held)
        assert it.server.stop() == 0
    finally:
        cluster.remove()
