"""`millrace demo`, twice: the second time repeats nothing; and what was answered outlives the death of the server."""
import json
import os
import shutil

import pytest
import requests

from server import ROOT, run, up

SOURCES = {"flights", "weather", "planes", "airports", "airlines"}
ENVIRONMENT = {"PATH": f"{ROOT / 'build/deps/venv/bin'}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The example's copy and its state, after the first run."""
    folder = tmp_path_factory.mktemp("demo")
    project, state = folder / "flights", folder / "state"
    shutil.copytree(ROOT / "examples/flights", project, ignore=shutil.ignore_patterns("data", ".millrace", "__pycache__"))
    first = run("demo", project=project, state=state, timeout=900, env=ENVIRONMENT)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    return project, state


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


@pytest.mark.slow
def test_the_second_run_repeats_nothing(demo):
    before, versions, sent = events(demo), answer(demo, "data", "list")["items"], predictions(demo)
    assert {v["dataset"] for v in versions} == SOURCES and sent > 500
    assert sum(e["kind"] == "stage.ran" for e in before) == 5 and sum(e["kind"] == "release.created" for e in before) == 1
    again = run("demo", project=demo[0], state=demo[1], timeout=300, env=ENVIRONMENT)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    new = [e["kind"] for e in events(demo)[len(before):]]
    made = {"dataset.version.added", "stage.started", "stage.ran", "run.created", "model.version.created", "model.approved", "release.created"}
    assert not made & set(new), new
    assert len(new) <= 5, f"two jobs that found nothing to do, gates asked again: {new}"
    assert answer(demo, "data", "list")["items"] == versions
    assert predictions(demo) == sent


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
    replayed = answer(demo, "replay", "late", "stage:requests/requests.parquet", "--unit", "tailnum")
    server.kill()
    assert replayed["answered"] > 500 and replayed["sent"] == replayed["answered"] + replayed["refused"]
    server = up(demo[1], "--project", demo[0], env=ENVIRONMENT)
    assert count(server) == before + replayed["answered"] + replayed["refused"]
    assert requests.get(f"{server.url}/api/millrace/v1/predictions/{replayed['first_prediction']}", timeout=60).status_code == 200
    assert server.stop() == 0
    assert answer(demo, "audit", "verify")["intact"]
