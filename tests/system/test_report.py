"""The report through the real program: on an empty state, on the shop project, and with names that are markup."""
import base64
import hashlib
import html.parser
import re

import pytest
import requests
from server import run, up
from shop import Shop
from test_alerts import Watched

VOID = {"meta", "br", "hr", "img", "input", "link"}
ATTACK = "</style><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick='x'"


class Page(html.parser.HTMLParser):
    """Every element closed in order; what stands in it, element by element."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words, self.ids = [], [], [], []
        self.figures = []  # of each figure: names of its elements in order
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.note(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.note(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]} at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def note(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag == "figure":
            self.figures.append([])
        elif "figure" in self.open:
            self.figures[-1].append(tag)

    @property
    def said(self):
        return " ".join("".join(self.words).split())

    def names(self):
        return [tag for tag, _ in self.elements]


def check(text):
    """What holds for every report, whatever it tells."""
    page = Page(text)
    assert len(text.encode()) < 1_000_000
    names = page.names()
    for never in ("script", "link", "img", "iframe", "object", "embed", "form", "video", "audio", "base"):
        assert never not in names, never
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style", "srcset", "action") for name in attributes), (tag, attributes)
        if "href" in attributes:
            assert attributes["href"].startswith("#") and attributes["href"][1:] in page.ids, attributes
    assert not re.search(r"https?:|url\(|@import", text)
    policy = [a["content"] for tag, a in page.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policy) == 1 and policy[0].startswith("default-src 'none'; style-src 'sha256-")
    assert names.count("h1") == 1 and names.count("main") == 1 and names.count("section") == names.count("h2") == 11
    assert len(page.ids) == len(set(page.ids)), "an id twice"
    for figure in page.figures:
        assert "svg" in figure and "table" in figure[figure.index("svg"):], figure
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes.get("aria-label"), "a drawing without words"
    return page


def written(folder, *, project=None, state):
    target = folder / "out" / "report.html"
    target.parent.mkdir(exist_ok=True)
    done = run("report", "--out", target, project=project, state=state, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(target) in done.stdout
    return target.read_text()


def test_an_empty_state_has_a_report_that_says_what_to_do(tmp_path):
    page = check(written(tmp_path, state=tmp_path / "state"))
    assert "Nothing is deployed yet." in page.said
    assert "millrace data add" in page.said and "millrace release create" in page.said
    assert "intact" in page.said


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("report"))
    shop.change("millrace.yaml", "deployments:", "value:\n  long: {currency: EUR, true_positive: 5, false_positive: -1, false_negative: -2, true_negative: 0}\ndeployments:")
    shop.change("millrace.yaml", "deps: [columns.onnx]", "deps: [columns.onnx, {stage: table}]")  # the model stands on visits
    shop.add_visits()
    shop.good("run")
    shop.good("model", "register", "long")
    shop.good("model", "gates", "long", "1")
    shop.good("model", "approve", "long", "1", "--why", ATTACK)
    shop.good("release", "create", "long", "--version", "1", "--why", "first & <b>best</b>")
    return shop


def test_the_shop_is_told_from_data_to_release(shop):
    page = check(written(shop.folder, project=shop.folder, state=shop.state))
    assert page.elements[0][0] == "html" and "shop" in page.said
    for words in ("Version 1 of long answers since", "visits", "table", "train", "scores", "auc", "first & <b>best</b>", "not watched yet"):
        assert words in page.said, words
    lines = shop.good("audit", "verify")
    assert lines["head"] in page.said


def test_what_users_wrote_is_shown_and_never_run(shop):
    text = written(shop.folder, project=shop.folder, state=shop.state)
    assert ATTACK in check(text).said
    assert "<script" not in text and "<img" not in text


def test_the_same_facts_come_as_json(shop):
    facts = shop.good("report")
    assert facts["format"] == 1 and facts["project"]["name"] == "shop"
    assert [d["name"] for d in facts["deployments"]] == ["long"]
    assert facts["models"][0]["approvals"][0]["why"] == ATTACK
    assert facts["audit"]["intact"] is True
    assert facts["deployments"][0]["impact"]["currency"] == "EUR"


def test_impact_tells_lead_time_before_any_outcome_is_known(shop):
    impact = shop.good("impact", "long")
    assert impact["months"] == [] and impact["currency"] == "EUR"
    assert [lead["version"] for lead in impact["lead_times"]] == [1]
    lead = impact["lead_times"][0]
    assert lead["newest_event"] == "2024-01-02T00:00:00.000000Z" and lead["event_seconds"] > 0
    assert 0 <= lead["recorded_seconds"] < 3600
    done = shop.run("impact", "long")
    assert done.returncode == 0 and "no outcome is known yet" in done.stdout and "release:long@1" in done.stdout


def test_impact_of_what_has_no_value_says_what_to_write(tmp_path):
    shop = Shop(tmp_path)
    done = shop.run("impact", "long")
    assert done.returncode == 3
    assert "the project gives the deployment 'long' no value" in done.stderr and "value: {long: {currency:" in done.stderr
    done = shop.run("impact", "lang")
    assert done.returncode == 3 and "did you mean 'long'?" in done.stderr


def test_value_of_an_unknown_deployment_is_an_error_with_its_place(tmp_path):
    shop = Shop(tmp_path)
    shop.change("millrace.yaml", "deployments:", "value:\n  lonk: {currency: EUR}\ndeployments:")
    done = shop.run("impact", "long")
    assert done.returncode == 2
    assert "there is no deployment 'lonk'" in done.stderr and "did you mean 'long'?" in done.stderr and "millrace.yaml:" in done.stderr


def test_the_page_is_served_with_its_policy(shop):
    server = up(shop.state, "--project", shop.folder)
    try:
        reply = requests.get(server.url + "/api/millrace/v1/report.html", timeout=60)
        assert reply.status_code == 200 and reply.headers["content-type"] == "text/html; charset=utf-8"
        page = check(reply.text)
        policy = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert reply.headers["content-security-policy"] == policy[0]
        style = re.search(r"<style>(.*?)</style>", reply.text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[0], "the policy would not let the page's own style in"
    finally:
        assert server.stop() == 0


class Valued(Watched):
    """Served and watched, with a value, an alert and outcomes."""

    def __init__(self, folder):
        super().__init__(folder)
        self.shop.write("millrace.yaml", (self.shop.folder / "millrace.yaml").read_text()
                        + "value:\n  long: {currency: EUR, true_positive: 5, false_positive: -1, false_negative: -2, true_negative: 0, cost: {label: 0.5}}\n")

    def label(self, date, count):
        """Outcomes of the first rows of a day: every other one true, known before the next look."""
        inputs = [{"name": name, "datatype": kind, "shape": [count, 1], "data": data}
                  for name, kind, data in (("carrier", "BYTES", ["AB"] * count), ("minutes", "INT64", list(range(count))), ("distance", "FP32", [1.5] * count))]
        sent = requests.post(f"{self.server.url}/v2/models/long/infer", timeout=60,
                             json={"inputs": inputs, "parameters": {"millrace_event_time": f"{date}T13:00:00Z"}})
        prediction = sent.json()["parameters"]["millrace_prediction_id"]
        items = [{"prediction_id": prediction, "row": row, "label": row % 2, "event_time": f"{date}T14:00:00Z"} for row in range(count)]
        assert self.post("/feedback", {"deployment": "long", "items": items}, 200)["accepted"] == count


@pytest.fixture(scope="module")
def valued(tmp_path_factory):
    valued = Valued(tmp_path_factory.mktemp("valued"))
    for number in (1, 2):
        valued.label(f"2024-02-{number:02d}", 150)
        valued.day(number, shift=600 if number == 2 else 0)
    yield valued
    assert valued.server.stop() == 0


def test_windows_and_alerts_are_told(valued):
    page = check(written(valued.shop.folder, project=valued.shop.folder, state=valued.shop.state))
    assert "something is wrong" in page.said and "drift of minutes" in page.said
    facts = valued.shop.good("report")["deployments"][0]
    assert [window["from"][:10] for window in facts["windows"] if window["arm"] == "all"] == ["2024-02-01", "2024-02-02"]
    assert facts["event_now"] == "2024-02-03T00:00:00.000000Z"
    alert = next(alert for alert in facts["alerts"] if alert["subject"] == "minutes")
    assert alert["state"] == "firing" and f"{alert['value']:.3f}" in page.said
    assert any(review["summary"] in page.said for review in facts["reviews"])


def test_value_is_counted_from_the_outcomes(valued):
    impact = valued.shop.good("impact", "long")
    month, = impact["months"]
    windows = [w for w in valued.shop.good("report")["deployments"][0]["windows"] if w["arm"] == "stable"]
    counts = {cell: sum(w["summary"]["performance"]["confusion"][cell] for w in windows) for cell in ("tp", "fp", "fn", "tn")}
    assert month["counts"] == counts and sum(counts.values()) == month["labels"] == 300
    assert month["total"]["value"] == 5 * counts["tp"] - counts["fp"] - 2 * counts["fn"]
    assert month["gain"]["total"]["value"] == 7 * counts["tp"] - counts["fp"]
    assert month["cost_per_1000"]["labels"] == pytest.approx(1000 * 0.5 * 300 / month["requests"])
    assert month["total"]["low"] <= month["total"]["value"] <= month["total"]["high"]
    printed = valued.shop.run("impact", "long")
    assert printed.returncode == 0 and "2024-02" in printed.stdout and "300 labels" in printed.stdout
    page = check(written(valued.shop.folder, project=valued.shop.folder, state=valued.shop.state))
    assert "300 answers with a known outcome were worth" in page.said
