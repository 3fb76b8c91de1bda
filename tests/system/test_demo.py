"""`millrace demo`, twice: a year of flights whose faults are found, the second time repeating nothing; and what was answered outlives the server."""
import html.parser
import json

import pytest
import requests

from demo_state import ENVIRONMENT, copy_of_demo
from server import run, up

SOURCES = {"flights", "weather", "planes", "airports", "airlines"}
QUIET = {"weather": {7, 8, 9, 11, 12}, "flights": {7, 8, 9, 10, 12}}   # versions that nobody broke


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The example's copy and its state, after the first run."""
    return copy_of_demo(tmp_path_factory.mktemp("demo"))


def answer(demo, *words):
    done = run(*words, "--json", project=demo[0], state=demo[1], env=ENVIRONMENT)
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr}"
    return json.loads(done.stdout)


def events(demo):
    lines = []
    while page := answer(demo, "audit", "list", "--after", lines[-1]["sequence"] if lines else 0)["items"]:
        lines += page
    return lines


def count(server):
    return requests.get(f"{server.url}/api/millrace/v1/deployments/late/predictions", timeout=60).json()["count"]


def predictions(demo):
    server = up(demo[1], "--project", demo[0], env=ENVIRONMENT)
    found = count(server)
    assert server.stop() == 0
    return found


def alerts(demo):
    """Every alert with its history and trace."""
    return [answer(demo, "alert", "show", item["id"]) for item in answer(demo, "alert", "list", "late")["items"]]


def windows(demo, arm):
    server = up(demo[1], "--project", demo[0], env=ENVIRONMENT)
    found = requests.get(f"{server.url}/api/millrace/v1/deployments/late/windows", params={"arm": arm}, timeout=60).json()["items"]
    assert server.stop() == 0
    return {window["from"][:7]: window for window in found}


@pytest.mark.slow
def test_the_second_run_repeats_nothing(demo):
    before, versions, sent = events(demo), answer(demo, "data", "list")["items"], predictions(demo)
    assert {v["dataset"] for v in versions} == SOURCES and sent > 160_000
    kinds = [e["kind"] for e in before]
    assert kinds.count("stage.ran") >= 12 and kinds.count("release.created") == 6 and kinds.count("alert.fired") >= 3
    again = run("demo", project=demo[0], state=demo[1], timeout=900, env=ENVIRONMENT)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    new = [e["kind"] for e in events(demo)[len(before):]]
    assert set(new) <= {"job.submitted", "job.ended", "stage.reused", "model.gates.evaluated", "alert.traced"}, sorted(set(new))
    assert answer(demo, "data", "list")["items"] == versions
    assert predictions(demo) == sent


@pytest.mark.slow
def test_each_arm_had_its_share_of_the_traffic(demo):
    july, august = windows(demo, "all")["2013-07"]["summary"], windows(demo, "all")["2013-08"]["summary"]
    shadow, canary = windows(demo, "shadow")["2013-07"], windows(demo, "canary")["2013-08"]
    assert shadow["version"] == 2 and shadow["summary"]["difference"]["n"] >= 0.99 * july["answered"]
    assert canary["version"] == 2 and 0.06 < canary["summary"]["requests"] / august["requests"] < 0.14
    stable = windows(demo, "stable")
    assert stable["2013-09"]["version"] == 2 and 0.7 < stable["2013-09"]["summary"]["performance"]["auc"]["value"] < 0.85
    steps = [r["step"] for r in answer(demo, "release", "list", "late")["items"]]
    assert steps == ["release", "rollback", "promote", "canary", "shadow", "release"]


@pytest.mark.slow
def test_both_faults_are_traced_and_nothing_else_is_blamed(demo):
    causes = {(a["kind"], a["subject"]): a["trace"]["cause"] for a in alerts(demo) if a["trace"] and a["trace"]["verdict"] == "cause"}
    blamed = {cause["node"] for cause in causes.values()}
    assert blamed == {"dataset:weather@10", "dataset:flights@11"}, causes
    assert "temp" in causes["drift", "temp"]["columns"] and causes["drift", "temp"]["change"] == "unit"
    assert causes["refusals", "carrier"]["columns"][0] == "carrier" and causes["refusals", "carrier"]["change"] == "recode"
    for dataset, versions in QUIET.items():
        assert not blamed & {f"dataset:{dataset}@{version}" for version in versions}
    natural = [a for a in alerts(demo) if a["trace"] and a["trace"]["verdict"] == "natural_drift"]
    assert any(a["subject"] == "temp" for a in natural)
    retrained = [a["action"] for a in alerts(demo) if a["action"] and a["action"]["kind"] == "retrain"]
    assert retrained and all(r["result"]["model"] == "model:late@3" for r in retrained), retrained
    actions = [a["action"]["kind"] for a in alerts(demo) if a["action"]]
    assert "retrain" in actions and "refused" in actions and "review" in actions, actions


class Balance(html.parser.HTMLParser):
    """Tags that were opened and not closed."""
    VOID = {"meta", "br", "hr", "img", "input", "link", "col"}

    def __init__(self):
        super().__init__()
        self.open, self.charts, self.tables = [], 0, 0

    def handle_starttag(self, tag, attributes):
        self.charts += tag == "svg"
        self.tables += tag == "table"
        if tag not in self.VOID:
            self.open.append(tag)
        assert tag != "script"
        for name, value in attributes:
            assert name not in ("src", "href") or value.startswith("#"), (tag, value)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.slow
def test_the_report_tells_the_year_on_one_page(demo):
    page = (demo[0] / "report.html").read_bytes()
    assert 20_000 < len(page) < 1_000_000
    balance = Balance()
    balance.feed(page.decode())
    assert not balance.open and balance.charts >= 8 and balance.tables >= 8
    for words in ("dataset:weather@10", "dataset:flights@11", "natural drift", "canary", "intact"):
        assert words in page.decode(), words


@pytest.mark.slow
def test_a_prediction_leads_to_every_source_and_to_the_code(demo):
    nodes = {node["id"]: node for node in answer(demo, "lineage", "prediction:late")["nodes"]}
    kinds = {name.split(":")[0] for name in nodes}
    assert {"prediction", "release", "approval", "model", "report", "stage", "code", "environment", "dataset", "contract", "source"} <= kinds
    assert SOURCES <= {name.split(":")[1].split("@")[0] for name in nodes if name.startswith("dataset:")}
    code = [node for name, node in nodes.items() if name.startswith("code:")]
    assert any("train.py" in json.dumps(node["attributes"]) for node in code), code
    assert any("features.sql" in json.dumps(node["attributes"]) for node in code), code


@pytest.mark.slow
def test_answered_predictions_outlive_the_server(demo):
    server = up(demo[1], "--project", demo[0], env=ENVIRONMENT)
    before = count(server)
    replayed = answer(demo, "replay", "late", "stage:requests_12/requests_12.parquet", "--unit", "tailnum", "--connections", "2")
    server.kill()
    assert replayed["answered"] > 500 and replayed["sent"] == replayed["answered"] + replayed["refused"]
    server = up(demo[1], "--project", demo[0], env=ENVIRONMENT)
    assert count(server) == before + replayed["answered"] + replayed["refused"]
    assert requests.get(f"{server.url}/api/millrace/v1/predictions/{replayed['first_prediction']}", timeout=60).status_code == 200
    assert server.stop() == 0
    assert answer(demo, "audit", "verify")["intact"]
