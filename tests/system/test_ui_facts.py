"""The facts that the web interface shows, through the real program: the fleet, runs, alerts and their story, the graph, data, pipeline and models."""
import math

import pytest
import requests

from server import up
from shop import CONTRACT, Shop, visits
from test_monitor import Watched, infer

API = "/api/millrace/v1"


class Asking:
    def __init__(self, url, token=None):
        self.url, self.headers = url + API, {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path, **query):
        answer = requests.get(self.url + path, params=query, headers=self.headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path, **query):
        answer = requests.get(self.url + path, params=query, headers=self.headers, timeout=60)
        assert answer.status_code >= 400, answer.text
        problem = answer.json()
        problem["field"] = problem.get("where", {}).get("field")
        assert problem.get("hint") or problem["field"] or answer.status_code == 404, problem
        return answer.status_code, problem


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A deployment with a month of requests, half of them labelled, whose minutes have moved far from what the model was taught."""
    it = Watched(tmp_path_factory.mktemp("facts"))
    asked = [infer(it.server.url, f"2024-01-{1 + i % 31:02d}", 700 + i) for i in range(60)]
    infer(it.server.url, "2024-01-20", 5000)  # refused by the contract
    it.look(to="2024-02-01", clock="event")
    it.feedback([(p, int(i > 15)) for i, p in enumerate(asked[:30])])
    it.look()
    settle(it)
    yield it
    assert it.server.stop() == 0


def settle(watched):
    while any(job["state"] in ("waiting", "running") for job in watched.get("jobs")["items"]):
        for job in watched.get("jobs")["items"]:
            watched.get(f"jobs/{job['id']}", wait=20)


@pytest.fixture(scope="module")
def ask(watched):
    return Asking(watched.server.url)


def test_the_fleet_says_how_each_deployment_does_and_why(ask):
    page = ask.get("/fleet")
    assert (page["total"], page["next"]) == (1, None)
    row = page["items"][0]
    assert (row["deployment"], row["model"], row["stable"]["version"], row["stable"]["node"]) == ("long", "long", 1, "model:long@1")
    assert row["canary"] is None and row["shadows"] == []
    assert row["state"] == "page" and any(w.startswith("drift of minutes") for w in row["why"])
    assert row["open_alerts"] >= 1 and row["worst_alert"]["severity"] == "page"
    assert (row["traffic"]["answers"], row["traffic"]["refused"], row["traffic"]["errors"]) == (60, 1, 0)
    assert row["traffic"]["window"]["from"].startswith("2024-01-01") and row["traffic"]["spark"][0]["value"] == 60
    assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99"] < 10_000
    assert row["performance"]["metric"] == "auc" and 0 <= row["performance"]["low"] <= row["performance"]["value"] <= row["performance"]["high"]
    assert row["drift"]["worst_feature"] in ("minutes", "distance") and row["drift"]["psi"] > 0.25
    assert row["labels"]["labels"] == 30 and math.isclose(row["labels"]["share"], 30 / 61)
    assert row["impact"] is None


def test_deployments_are_listed_with_what_is_live(ask):
    row = ask.get("/deployments")["items"][0]
    assert row["release"]["stable"]["version"] == 1 and "evidence" not in row["release"]
    assert row["ready"] and row["problem"] is None and row["spec"]["unit"] == "shop"


def test_live_counts_answers_refusals_and_scores(ask, watched):
    before = ask.get("/deployments/long/live")
    infer(watched.server.url, "2024-01-30", 700)
    infer(watched.server.url, "2024-01-30", 5000)
    live = ask.get("/deployments/long/live")
    arm = live["arms"][0]
    assert (arm["arm"], arm["version"], arm["share"]) == ("stable", 1, 1.0)
    assert arm["answers"] == before["arms"][0]["answers"] + 1 and arm["refused"] == before["arms"][0]["refused"] + 1 and arm["errors"] == 0
    assert arm["scores"] == arm["answers"] and arm["score_mean"]["low"] <= arm["score_mean"]["value"] <= arm["score_mean"]["high"]
    assert 0 <= arm["positive_share"]["low"] <= arm["positive_share"]["high"] <= 1
    histogram = arm["latency_histogram"]
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1 and sum(histogram["counts"]) <= arm["answers"] + arm["refused"]
    assert live["per_s"] > 0 and live["release"]["number"] == 1 and live["rollout"] is None


def test_features_come_with_their_distances_the_worst_first(ask):
    page = ask.get("/deployments/long/features")
    assert len(page["windows"]) == 1 and page["windows"][0]["arm"] == "all"
    names = [f["feature"] for f in page["features"]]
    assert set(names) == {"carrier", "minutes", "distance", "score"} and page["total"] == 4
    psis = [f["psi"][0] for f in page["features"]]
    assert psis == sorted(psis, reverse=True)
    minutes = next(f for f in page["features"] if f["feature"] == "minutes")
    assert minutes["threshold"]["psi"] == {"warn": 0.1, "page": 0.25} and minutes["alerts"] == 1 and minutes["n"] == [61]
    one = ask.get("/deployments/long/features", limit=1)
    assert [f["feature"] for f in one["features"]] == names[:1] and one["next"] == "1"


def test_one_feature_shows_its_histogram_beside_the_reference(ask):
    page = ask.get("/deployments/long/features/minutes")
    window, reference = page["windows"][0], page["references"][page["windows"][0]["reference"]]
    assert page["type"] == "number" and len(window["counts"]) == len(page["edges"]) + 2 == len(reference["counts"])
    assert sum(window["counts"]) == window["n"] == 61 and reference["mean"] < window["mean"]
    assert page["alerts"][0]["title"] == "drift of minutes"
    text = ask.get("/deployments/long/features/carrier")
    assert text["type"] == "text" and "AA" in text["categories"]
    assert ask.refused("/deployments/long/features/minute") [1]["hint"] == "did you mean 'minutes'?"


def test_performance_has_series_calibration_confusion_and_labels(ask):
    page = ask.get("/deployments/long/performance")
    auc = next(m for m in page["metrics"] if m["metric"] == "auc")
    assert auc["title"] == "AUC" and auc["series"][0]["arm"] == "stable" and auc["series"][0]["points"][0]["n"] == 30
    assert auc["threshold"] == {"warn": None, "page": 0.6, "below": True} and auc["reference"]["version"] == 1
    assert page["calibration"] is None  # this model's scores are no chances
    assert sum(page["confusion"][k] for k in ("tp", "fp", "fn", "tn")) == 30
    assert page["labels"][0]["labels"] == 30 and page["lag"] is None  # it lives in replayed time
    assert {m["kind"] for m in page["markers"]} <= {"release", "alert", "retrain"}


@pytest.mark.parametrize("path, query, status, field", [
    ("/deployments/nope/live", {}, 404, None), ("/deployments/long/features", {"arm": "left"}, 400, "arm"),
    ("/deployments/long/features", {"windows": "0"}, 400, "windows"), ("/deployments/long/performance", {"from": "soon"}, 400, "from"),
    ("/fleet", {"limit": "501"}, 400, "limit"), ("/fleet", {"after": "x"}, 400, "after")])
def test_bad_questions_about_deployments_are_refused_with_the_way_out(ask, path, query, status, field):
    got, problem = ask.refused(path, **query)
    assert got == status and (field is None or problem["field"] == field), problem


def test_alerts_are_filtered_grouped_and_told(ask):
    found = ask.get("/alerts", severity="page", subject="minutes")
    assert found["total"] == 1 and found["items"][0]["kind"] == "drift"
    assert ask.get("/alerts", limit=1)["next"] and ask.get("/alerts", severity="warn", subject="minutes")["total"] == 0
    assert ask.refused("/alerts", severity="loud")[1]["hint"] == "warn or page"
    groups = ask.get("/alerts/groups", by="deployment")["items"]
    assert groups[0]["group"] == "long" and groups[0]["count"] == ask.get("/alerts")["total"] and groups[0]["open"] >= 1
    assert ask.get("/alerts/groups")["items"][0]["title"] == "no cause was found"
    assert ask.refused("/alerts/groups", by="colour")[1]["field"] == "by"
    story = ask.get("/alerts/drift:minutes/story")
    kinds = [s["kind"] for s in story["steps"]]
    assert story["title"] == "drift of minutes" and kinds[:2] == ["window", "feature"] and kinds[-1] == "verdict"
    assert story["steps"][0]["node"] == "prediction_window:long/all@2024-01-01"
    assert "In Jan 2024, all requests of 'long' broke a rule" in story["steps"][0]["text"] and "the model was taught" in story["steps"][1]["text"]


def test_the_graph_is_walked_a_handful_at_a_time(ask):
    around = ask.get("/neighbours/model:long@1")
    nodes = {n["node"]: n for n in around["nodes"]}
    assert around["nodes"][0]["node"] == "model:long@1" and "release:long@1" in nodes and nodes["release:long@1"]["kind"] == "release"
    assert {e["kind"] for e in around["edges"]} >= {"released_as", "made_by"} and not around["cut"]
    few = ask.get("/neighbours/model:long@1", limit=3)
    assert len(few["nodes"]) == 3 and few["cut"] and few["total"] == around["total"]
    up = ask.get("/neighbours/model:long@1", direction="up", hops=5)
    assert any(n["node"].startswith("source:visits@") for n in up["nodes"])
    path = ask.get("/paths", **{"from": "dataset:visits@1", "to": "release:long@1"})
    assert path["direction"] == "down" and path["nodes"][0]["node"] == "dataset:visits@1" and len(path["edges"]) == len(path["nodes"]) - 1
    assert ask.refused("/paths", **{"from": "dataset:visits@1", "to": "model:no@1"})[0] == 404
    assert ask.refused("/paths", **{"from": "dataset:visits@1"})[1]["field"] == "to"
    assert ask.refused("/neighbours/model:long@1", hops=9)[1]["field"] == "hops"


def test_the_pipeline_says_where_every_stage_stands(ask, watched):
    page = ask.get("/pipeline")
    stages = {s["name"]: s for s in page["stages"]}
    assert [s["state"] for s in page["stages"]] == ["fresh"] * 3, page
    assert stages["table"]["kind"] == "sql" and stages["table"]["last"]["seconds"] >= 0 and stages["table"]["outs"] == ["table.parquet"]
    assert {"from": "dataset:visits", "to": "stage:table", "what": "dataset"} in page["edges"]
    assert {"from": "stage:table", "to": "stage:scores", "what": "table.parquet"} in page["edges"]
    assert {r["stage"] for r in page["runs"]} == set(stages) and page["problem"] is None
    watched.shop.change("table.sql", "1440", "1441")
    changed = {s["name"]: s for s in ask.get("/pipeline")["stages"]}
    assert changed["table"]["state"] == "stale" and "sql" in changed["table"]["why"][0]
    watched.shop.change("table.sql", "1441", "1440")


def test_models_are_summed_up(ask):
    row = ask.get("/models/summary")["items"][0]
    assert (row["model"], row["versions"], row["latest"]["version"], row["latest"]["state"]) == ("long", 1, 1, "approved")
    assert row["deployments"] == [{"deployment": "long", "arm": "stable", "version": 1}] and row["open_requests"] == 0
    assert ask.get("/models/summary", q="LON")["total"] == 1 and ask.get("/models/summary", q="%")["total"] == 0


# Two versions of data and model, with a column that the contract classifies.

@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("versions"))
    shop.write("visits.odcs.yaml", CONTRACT.replace("{name: shop, logicalType: string,", "{name: shop, classification: confidential, logicalType: string,"))
    bad = visits() + "900,xx,2024-01-01 00:00:00,7\n901,AB,2024-01-01 00:00:00,2000\n"
    shop.write("visits.csv", bad)
    shop.release()
    shop.second()
    shop.write("visits.csv", visits(300, first=1000, day=2).replace(",59\n", ",1400\n"))
    shop.good("data", "add", "visits", shop.folder / "visits.csv", "--from", "2024-01-02", "--to", "2024-01-03")
    shop.tokens = {role: shop.good("token", "create", "--subject", role, "--role", role)["token"] for role in ("reader", "approver")}
    shop.server = up(shop.state, "--project", shop.folder)
    yield shop
    assert shop.server.stop() == 0


def test_sources_come_with_their_contract_and_verdicts(shop):
    ask = Asking(shop.server.url)
    rows = {row["dataset"]: row for row in ask.get("/sources")["items"]}
    assert set(rows) == {"visits", "shops"} and rows["shops"]["latest"] is None and rows["shops"]["versions"] == 0
    visits_row = rows["visits"]
    assert visits_row["contract"]["id"] == "visits" and visits_row["versions"] == 2 and visits_row["latest"]["version"] == 2
    assert [v["verdict"] for v in visits_row["verdicts"]] == ["accepted", "quarantined"] and visits_row["failing_rules"] == []


def test_a_profile_is_told_column_by_column(shop):
    page = Asking(shop.server.url).get("/datasets/visits/versions/1/profile")
    columns = {c["column"]: c for c in page["columns"]}
    assert [c["column"] for c in page["columns"]] == ["visit", "shop", "at", "minutes"] and page["rows"] == 202
    assert columns["shop"]["masked"] and columns["shop"]["top"] is None and columns["shop"]["classification"] == "confidential"
    minutes = columns["minutes"]
    assert minutes["min"] == 0 and len(minutes["histogram"]["counts"]) == len(minutes["histogram"]["edges"]) + 1 and minutes["mean"] > 50
    assert minutes["quantiles"]["exact"] and columns["visit"]["distinct"] == {"value": 202, "exact": True, "error": 0}


def test_classified_values_are_masked_but_for_approvers_who_leave_a_line(shop):
    path = "/datasets/visits/versions/1/quarantine"
    seen = Asking(shop.server.url, shop.tokens["reader"]).get(path)
    assert seen["total"] == 2 and [c["masked"] for c in seen["columns"]] == [False, True, False, False]
    assert [i["values"][1] for i in seen["items"]] == [None, None] and seen["items"][1]["values"][3] == "2000"
    assert seen["items"][0]["reasons"] == ["shop.pattern"] and seen["items"][1]["reasons"] == ["minutes.range"]
    lines = lambda: [e for e in shop.events() if e["kind"] == "dataset.quarantine.read"]  # noqa: E731
    assert lines() == []
    approver = Asking(shop.server.url, shop.tokens["approver"])
    assert approver.get(path, masked="true")["items"][0]["values"][1] is None and lines() == []
    assert approver.get(path, limit=1)["items"][0]["values"][1] == "xx"
    line = lines()[0]
    assert (line["subject"], line["node"], line["body"]) == ("approver", "dataset:visits@1", {"columns": ["shop"], "rows": 1})
    assert approver.get("/datasets/visits/versions/2/quarantine") == {"columns": [], "items": [], "next": None, "total": 0}


def test_two_versions_of_data_are_compared_worst_first(shop):
    page = Asking(shop.server.url).get("/datasets/visits/diff", **{"from": 1, "to": 2})
    assert page["rows"] == {"from": 202, "to": 300} and page["from"]["version"] == 1
    columns = {c["column"]: c for c in page["columns"]}
    assert columns["visit"]["change"] == "shift" and page["columns"][0]["column"] == "visit"
    assert columns["shop"]["change"] == "none" and columns["shop"]["psi"] is None
    assert columns["minutes"]["histogram"]["edges"] and len(columns["minutes"]["histogram"]["from"]) == len(columns["minutes"]["histogram"]["edges"]) + 1
    assert Asking(shop.server.url).refused("/datasets/visits/diff", **{"from": 1})[1]["field"] == "to"
    assert Asking(shop.server.url).refused("/datasets/visits/diff", **{"from": 1, "to": 9})[0] == 404


def test_two_versions_of_a_model_are_compared(shop):
    ask = Asking(shop.server.url)
    diff = ask.get("/models/long/diff", **{"from": 1, "to": 2})
    assert (diff["from"]["node"], diff["to"]["state"]) == ("model:long@1", "approved")
    assert diff["gates"][0]["name"] == "auc" and diff["gates"][0]["from"]["ok"] is True
    assert next(m for m in diff["metrics"] if m["name"] == "auc")["from"]["low"] <= 1
    assert [row["name"] for row in diff["code"] if row["differs"]][:1] and {row["name"] for row in diff["signature"]} == {"carrier", "minutes", "distance"}
    assert ask.refused("/models/long/diff", **{"from": 1, "to": 7})[0] == 404


# Runs.

RUNS = 12


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    server = up(tmp_path_factory.mktemp("runs") / "state")
    mlflow = f"{server.url}/api/2.0/mlflow"

    def post(path, body):
        answer = requests.post(f"{mlflow}/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()
    experiment = post("experiments/create", {"name": "trees"})["experiment_id"]
    server.experiment, server.ids = experiment, []
    for i in range(RUNS):
        run = post("runs/create", {"experiment_id": experiment, "run_name": f"r{i}", "start_time": 1_700_000_000_000 + i})["run"]["info"]["run_id"]
        metrics = [{"key": "auc", "value": i / 20, "timestamp": 1, "step": 0}, {"key": "auc", "value": i / 10, "timestamp": 2, "step": 1}]
        post("runs/log-batch", {"run_id": run, "metrics": metrics + ([{"key": "rare", "value": 1, "timestamp": 1, "step": 0}] if i == 5 else []),
                                "params": [{"key": "depth", "value": str(i % 3)}, {"key": "same", "value": "x"}], "tags": [{"key": "team", "value": "ab"[i % 2]}]})
        server.ids.append(run)
    for first in range(0, 5000, 1000):
        points = [{"key": "curve", "value": 99 if i == 2345 else i % 7, "timestamp": 1000 + i, "step": i} for i in range(first, first + 1000)]
        post("runs/log-batch", {"run_id": server.ids[0], "metrics": points})
    yield server
    assert server.stop() == 0


def test_a_page_of_runs_holds_only_the_columns_that_were_asked_for(tracked):
    ask = Asking(tracked.url)
    page = ask.get("/runs", experiment=tracked.experiment, order="metrics.auc DESC", columns="metrics.auc,params.depth,tags.nope", limit=5)
    assert page["total"] == RUNS and [r["name"] for r in page["items"]] == ["r11", "r10", "r9", "r8", "r7"]
    assert page["items"][0]["values"] == {"metrics.auc": {"last": 1.1, "min": 0.55, "max": 1.1, "step": 1, "at": "1970-01-01T00:00:00.002000Z"}, "params.depth": "2"}
    rest = ask.get("/runs", experiment=tracked.experiment, order="metrics.auc DESC", limit=500, after=page["next"])
    assert [r["name"] for r in rest["items"]] == [f"r{i}" for i in range(6, -1, -1)] and rest["next"] is None and rest["total"] == RUNS
    some = ask.get("/runs", filter="metrics.auc > 0.75 and tags.team = 'a'", limit=1)
    assert some["total"] == 2 and some["items"][0]["name"] == "r10"
    assert ask.get("/runs", view="deleted")["total"] == 0
    assert page["columns"] == ["metrics.auc", "params.depth", "tags.nope"]


def test_rows_come_before_anybody_has_counted_them_or_their_columns(tracked):
    ask = Asking(tracked.url)
    asked = {"experiment": tracked.experiment, "filter": "metrics.auc >= 0", "total": "false", "columns": "common", "limit": 5}
    page = ask.get("/runs", **asked)
    assert page["total"] is None and len(page["items"]) == 5
    assert page["columns"][0] == "metrics.auc" and {"params.depth", "params.same"} <= set(page["columns"])
    assert page["items"][0]["values"]["metrics.auc"]["last"] == 1.1
    assert ask.get("/runs", **asked, after=page["next"])["total"] is None
    assert ask.get("/runs/total", experiment=tracked.experiment, filter="metrics.auc >= 0") == {"total": RUNS}
    # What is on one page needs no count.
    assert ask.get("/runs", **{**asked, "limit": 500})["total"] == RUNS
    assert ask.refused("/runs", total="perhaps")[1]["field"] == "total"
    assert ask.refused("/runs/total", filter="metrics.auc >")[1]["field"] == "filter"


@pytest.mark.parametrize("query, field, said", [
    ({"filter": "metrics.auc >"}, "filter", "metric"), ({"order": "metrics.auc UP"}, "order", "order_by"), ({"columns": "auc"}, "columns", "'auc' is no column"),
    ({"experiment": "77"}, "experiment", "no experiment '77'"), ({"view": "all the same"}, "view", "no view"), ({"after": "zzz"}, "after", "no place"), ({"limit": "0"}, "limit", "1 to 500")])
def test_bad_questions_about_runs_name_the_place(tracked, query, field, said):
    _, problem = Asking(tracked.url).refused("/runs", **query)
    assert problem["field"] == field and said in problem["detail"], problem


def test_columns_are_listed_most_used_first(tracked):
    ask = Asking(tracked.url)
    metrics = ask.get("/runs/columns", experiment=tracked.experiment, kind="metric")
    assert metrics["items"][0] == {"column": "metrics.auc", "runs": RUNS} and metrics["total"] == 3
    assert ask.get("/runs/columns", q="EPT")["items"] == [{"column": "params.depth", "runs": RUNS}]
    assert ask.refused("/runs/columns", kind="colour")[1]["hint"] == "metric, param or tag"


def test_runs_are_compared(tracked):
    ask = Asking(tracked.url)
    page = ask.get("/runs/compare", ids=",".join(tracked.ids[4:7]), differ="true")
    rows = {row["column"]: row for row in page["rows"]}
    assert rows["params.depth"]["values"] == ["1", "2", "0"] and rows["metrics.rare"]["values"] == [None, 1.0, None]
    assert "params.same" not in rows and all(row["differs"] for row in page["rows"]) and [r["name"] for r in page["runs"]] == ["r4", "r5", "r6"]
    assert ask.refused("/runs/compare", ids=tracked.ids[0])[1]["field"] == "ids"
    assert ask.refused("/runs/compare", ids=f"{tracked.ids[0]},{'0' * 32}")[0] == 404


def test_one_run_and_the_curve_of_a_metric(tracked):
    ask = Asking(tracked.url)
    run = ask.get(f"/runs/{tracked.ids[5]}")
    assert (run["name"], run["experiment"]["name"], run["counts"]["metrics"], run["counts"]["params"]) == ("r5", "trees", 2, 2)
    assert [m["key"] for m in run["metrics"]["items"]] == ["auc", "rare"] and run["versions"] == [] and run["parent"] is None
    more = ask.get(f"/runs/{tracked.ids[5]}/values", kind="param", limit=1)
    assert more["items"] == [{"key": "depth", "value": "2"}] and more["next"] == "depth" and more["total"] == 2
    curve = ask.get(f"/runs/{tracked.ids[0]}/series", key="curve", points=100)
    assert (curve["n"], curve["exact"]) == (5000, False) and curve["shown"] <= 100 and max(p[3] for p in curve["points"]) == 99
    assert curve["points"][-1][0] == 4999 and min(p[2] for p in curve["points"]) == 0
    zoom = ask.get(f"/runs/{tracked.ids[0]}/series", key="curve", from_step=2340, to_step=2349)
    assert zoom["exact"] and [p[4] for p in zoom["points"]] == [99 if i == 2345 else i % 7 for i in range(2340, 2350)]
    by_time = ask.get(f"/runs/{tracked.ids[0]}/series", key="curve", by="time", from_time=1000, to_time=1009)
    assert by_time["n"] == 10
    assert ask.get(f"/runs/{tracked.ids[0]}/series", key="nothing")["n"] == 0
    assert ask.refused(f"/runs/{tracked.ids[0]}/series")[1]["field"] == "key"
    assert ask.refused(f"/runs/{tracked.ids[0]}/series", key="curve", points=0)[1]["field"] == "points"
    assert ask.refused(f"/runs/{'0' * 32}")[0] == 404


def test_experiments_are_found_by_their_name(tracked):
    ask = Asking(tracked.url)
    found = ask.get("/experiments", q="REE")
    assert found["total"] == 1 and found["items"][0]["runs"] == RUNS and found["items"][0]["experiment_id"] == tracked.experiment
    assert {e["name"] for e in ask.get("/experiments")["items"]} >= {"trees"}
