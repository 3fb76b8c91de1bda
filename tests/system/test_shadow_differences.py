"""What a shadow made of the requests is stored window by window, and a report is the stored windows and the rest of the log."""
import json
import re

import pytest
import requests

from server import until, up
from shop import REQUEST, Shop

MONITORS = """
monitors:
  long:
    window: month
    min_rows: 1
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Version 1 live, version 2 (twice the minutes) its shadow; gates look at groups of the carrier."""
    shop = Shop(tmp_path_factory.mktemp("differences"))
    shop.write("millrace.yaml", (shop.folder / "millrace.yaml").read_text() + MONITORS)
    shop.release()
    shop.second()
    return shop


@pytest.fixture
def server(shop):
    server = up(shop.state, "--project", shop.folder)
    yield server
    assert server.stop() == 0, "".join(server.errors)[-2000:]


def ask(server, month, count, carrier):
    for i in range(count):
        inputs = [dict(each, data=[carrier]) if each["name"] == "carrier" else dict(each, data=[i]) if each["name"] == "minutes" else each
                  for each in REQUEST["inputs"]]
        answer = requests.post(server.url + "/v2/models/long/infer", timeout=60,
                               json={"inputs": inputs, "parameters": {"millrace_event_time": f"2024-{month:02d}-{1 + i % 28:02d}T00:00:00Z"}})
        assert answer.status_code == 200, answer.text
    until(lambda: shadows(server, "answered") == shadows(server, "queued"))  # they come behind the others


def shadows(server, what):
    text = requests.get(server.url + "/metrics", timeout=60).text
    return int(re.search(rf'^millrace_shadow_{what}_total{{model="long"}} (\d+)$', text, re.MULTILINE)[1])


def post(server, path, **body):
    answer = requests.post(f"{server.url}/api/millrace/v1/{path}", json=body, timeout=60)
    assert answer.status_code < 300, answer.text
    return answer.json()


def get(server, path, **query):
    answer = requests.get(f"{server.url}/api/millrace/v1/{path}", params=query, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def difference(server):
    return get(server, "deployments/long/difference", version=2)


def test_ended_windows_are_stored_with_their_release_and_the_rest_comes_from_the_log(shop, server):
    # As a replay begins: some seconds after its start the server looks by the wall clock at what does not live in event time.
    post(server, "deployments/long/monitor", to="2024-01-01", clock="event")
    release = post(server, "deployments/long/releases", arm="shadow", version=2, why="to listen")
    ask(server, 1, 60, "AA")
    ask(server, 2, 40, "UA")
    live = difference(server)
    assert live["rows"] == 100 and live["stored"] == {"windows": 0, "rows": 0, "from": None, "to": None}

    post(server, "deployments/long/monitor", to="2024-02-20", clock="event")
    until(lambda: difference(server)["stored"]["windows"] == 1)
    both = difference(server)
    assert both["stored"] == {"windows": 1, "rows": 60, "from": "2024-01-01T00:00:00.000000Z", "to": "2024-02-01T00:00:00.000000Z"}
    for key in ("rows", "flips", "flip_rate", "histogram", "answered", "to_positive", "max_abs", "score", "thresholds"):
        assert both[key] == live[key], key
    assert both["mean_abs"] == pytest.approx(live["mean_abs"]) and both["mean"] == pytest.approx(live["mean"])
    for name, value in live["quantiles"].items():
        assert value <= both["quantiles"][name] <= value * 1.023, "bins are 2.2 percent wide"
    rows = {(s["column"], s["value"]): s["rows"] for s in both["segments"]}
    assert rows[("carrier", "AA")] == 60 and rows[("carrier", "UA")] == 40

    [line] = [e for e in shop.events() if e["kind"] == "release.difference.stored"]
    assert line["node"] == "report:difference.long.2@2024-01-01" and line["body"]["rows"] == 60
    assert line["body"]["releases"] == [release["node"]]
    upstream = json.dumps(get(server, f"lineage/{line['node']}", direction="upstream"))
    assert release["node"] in upstream and "model:long@2" in upstream
    assert "60 rows of 1 ended windows as they were stored" in shop.run("release", "diff", "long").stdout

    ask(server, 1, 5, "AA")  # late requests of a window that was stored
    post(server, "deployments/long/monitor", to="2024-03-02", clock="event")
    until(lambda: difference(server)["stored"] == {"windows": 2, "rows": 105, "from": "2024-01-01T00:00:00.000000Z", "to": "2024-03-01T00:00:00.000000Z"})
    assert difference(server)["rows"] == 105


def test_groups_of_the_gates_are_listed_whatever_the_number_of_their_values(shop, server):
    good = (shop.folder / "millrace.yaml").read_text()
    shop.change("millrace.yaml", "gates: [{auc: {min: 0.6}}]", "gates: [{auc: {min: 0.6}}, {group_recall: {by: [minutes], min: 0, rows: 1}}]")
    ask(server, 4, 45, "DL")
    groups = difference(server)["groups"]
    assert len(groups) == 45 and {g["column"] for g in groups} == {"minutes"} and all(g["rows"] == 1 for g in groups)
    assert not [s for s in difference(server)["segments"] if s["column"] == "minutes"]
    shop.write("millrace.yaml", good)
