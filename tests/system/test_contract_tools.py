"""Contracts as a user works with them: proposed, compared, tried on history, imported; and columns followed through SQL."""
import json

import pytest

from server import ROOT, run
from shop import Shop, visits

IMPORTED = ROOT / "src/data/import/testdata"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("contracts"))
    shop.add_visits()
    shop.good("run")
    return shop


def table_node(shop):
    steps = shop.good("lineage", "dataset:visits@1", "--column", "minutes", "--down")["steps"]
    return next(step["node"] for step in steps if step["node"].startswith("artifact:table/"))


def test_a_column_is_followed_through_the_stages_sql_both_ways(shop):
    up = shop.good("lineage", table_node(shop), "--column", "score")["steps"]
    reached = {(step["node"].split("@")[0], step["column"], step["how"], step["type"]) for step in up}
    assert ("dataset:visits", "minutes", "direct", "DIRECT") in reached
    assert ("dataset:visits", "visit", "sort", "INDIRECT") in reached
    assert ("source:visits", "minutes", "direct", "DIRECT") in reached
    assert not any(column == "shop" for _, column, _, _ in reached), "the SQL does not read it"
    down = shop.good("lineage", "dataset:visits@1", "--column", "minutes", "--down")["steps"]
    made = {step["column"]: step for step in down if step["node"].startswith("artifact:table/")}
    assert made["score"]["type"] == "DIRECT" and made["long"]["type"] == "INDIRECT"
    assert any(step["how"] == "unknown" and step["column"] == "*" for step in down), "a command tells no columns"


def test_a_name_that_is_no_column_is_an_error(shop):
    done = shop.run("lineage", table_node(shop), "--column", "scor")
    assert done.returncode == 3 and "has no column 'scor'. Hint: it has score, long, visit" in done.stderr


def test_a_proposed_contract_is_valid_and_holds_for_its_data(shop, tmp_path):
    out = tmp_path / "proposed.odcs.yaml"
    assert run("contract", "infer", "--data", shop.folder / "visits.csv", "--name", "visits", "--out", out).returncode == 0
    assert run("contract", "validate", out).returncode == 0
    checked = run("check", "--contract", out, "--data", shop.folder / "visits.csv")
    assert checked.returncode == 0, checked.stdout
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(visits().replace(",AB,", ",ABC,"))
    assert run("check", "--contract", out, "--data", wrong).returncode == 1


def test_a_diff_says_for_whom_it_breaks_and_who_that_is(shop, tmp_path):
    before = shop.folder / "visits.odcs.yaml"
    same = shop.run("contract", "diff", before, before, "--json")
    assert same.returncode == 0 and json.loads(same.stdout)["verdict"] == "same"
    after = tmp_path / "after.odcs.yaml"
    after.write_text(before.read_text().replace("maximum: 1439", "maximum: 9999"))
    done = shop.run("contract", "diff", before, after, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and (answer["readers"], answer["writers"]) == ("breaking", "compatible")
    assert [(change["what"], change["column"]) for change in answer["changes"]] == [("range", "minutes")]
    consumers = {(step["node"].split("@")[0], step["column"]) for step in answer["consumers"]}
    assert {("stage:table", "score"), ("artifact:table/table.parquet", "score"), ("stage:scores", "*")} <= consumers
    tighter = tmp_path / "tighter.odcs.yaml"
    tighter.write_text(before.read_text().replace("maximum: 1439", "maximum: 60"))
    answer = json.loads(shop.run("contract", "diff", before, tighter, "--json").stdout)
    assert (answer["readers"], answer["writers"], answer["consumers"]) == ("compatible", "breaking", [])


def test_a_backtest_tells_how_often_a_rule_would_have_fired(shop, tmp_path):
    kept = shop.run("contract", "backtest", shop.folder / "visits.odcs.yaml", "visits", "--json")
    assert kept.returncode == 0, kept.stdout + kept.stderr
    tighter = tmp_path / "tighter.odcs.yaml"
    tighter.write_text((shop.folder / "visits.odcs.yaml").read_text().replace("maximum: 1439", "maximum: 60"))
    done = shop.run("contract", "backtest", tighter, "visits", "--json")
    rule = json.loads(done.stdout)["rules"]["minutes.range"]
    assert done.returncode == 1 and (rule["fired"], rule["decided"], rule["by"]["profile"]) == (1, 1, 1)
    assert shop.run("contract", "backtest", tighter, "nothing").returncode == 3


@pytest.mark.parametrize("tool, file, left", [
    ("gx", "suite.json", "expect_column_mean_to_be_between of orders.amount"),
    ("dbt", "manifest.json", "not_null of orders.customer_id: it is about some rows"),
    ("pandera", "schema.yaml", "column of orders.day: the column may be missing"),
])
def test_what_an_import_cannot_say_is_listed_by_name(tmp_path, tool, file, left):
    out = tmp_path / "imported.odcs.yaml"
    done = run("contract", "import", tool, IMPORTED / file, "--out", out)
    assert done.returncode == 0 and f"left out: {left}" in done.stderr
    assert run("contract", "validate", out).returncode == 0
    refused = run("contract", "import", "soda", IMPORTED / file)
    assert refused.returncode == 2 and "unknown tool 'soda'. Hint: one of gx, dbt, pandera" in refused.stderr
