"""Two servers on one PostgreSQL and one folder of blobs, behind whatever balances the load: they serve the same releases."""
import os

import pytest
import requests

from postgres import Cluster
from server import Crowd, run, until, up
from shop import REQUEST, Shop


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("replicas")


@pytest.fixture(scope="module")
def pair(folder):
    """Version 1 is live, version 2 is approved; the first server made both."""
    cluster = Cluster()
    os.environ["MILLRACE_STORE"] = cluster.url()
    shop = Shop(folder)
    states = [shop.state, folder / "other"]

    def start(state):
        return up(state, "--project", shop.folder, "--blobs", folder / "shared")
    assert start(shop.state).stop() == 0  # remembers the folder of blobs for the commands that follow
    shop.release()
    shop.second()
    servers = [start(state) for state in states]
    yield servers
    for server in servers:
        assert server.stop() == 0, "".join(server.errors)[-2000:]
    cluster.remove()


@pytest.fixture
def project(folder):
    return folder / "shop" / "millrace.yaml"


def answer(server, unit="1"):
    got = requests.post(server.url + "/v2/models/long/infer", json={**REQUEST, "parameters": {"millrace_unit": unit}}, timeout=60)
    assert got.status_code == 200, got.text
    return got.json()["model_version"]


def move(server, last, **body):
    made = requests.post(f"{server.url}/api/millrace/v1/deployments/long/{last}", json={"why": "to be tried", **body}, timeout=60)
    assert made.status_code == 201, made.text
    return made.json()


def test_a_release_of_one_is_served_by_the_other(pair):
    one, other = pair
    until(lambda: requests.get(other.url + "/v2/models/long", timeout=60).status_code == 200)
    assert answer(one) == answer(other) == "1"
    for step, wanted in (("releases", "2"), ("rollback", "1")):
        move(one, step, **({"version": 2} if step == "releases" else {}))
        assert answer(one) == wanted, "who was asked to move serves it when it answers"
        until(lambda: answer(other) == wanted)


def test_a_canary_takes_the_same_units_on_both(pair):
    one, other = pair
    move(other, "releases", arm="canary", version=2, share=0.3)
    units = [str(i) for i in range(60)]
    until(lambda: len({answer(one, unit) for unit in units}) == 2)
    assert [answer(one, unit) for unit in units] == [answer(other, unit) for unit in units]
    move(one, "stop")
    until(lambda: {answer(other, unit) for unit in units} == {"1"})


def test_requests_go_on_while_releases_move(pair):
    """Each server is asked without a pause while the other moves traffic: every request is answered."""
    one, other = pair
    failed, answered = [], []

    def load():
        with requests.Session() as session:
            while not crowd.stopping:
                got = session.post(other.url + "/v2/models/long/infer", json=REQUEST, timeout=60)
                (answered if got.status_code == 200 else failed).append(got.text)
    crowd = Crowd(*[load] * 4)
    with crowd:
        for _ in range(5):
            move(one, "releases", version=2)
            until(lambda: answer(other) == "2")
            move(one, "rollback")
            until(lambda: answer(other) == "1")
    assert not failed, failed[:3]
    assert len(answered) > 10


def test_blobs_of_ones_own_are_not_left_behind(tmp_path):
    state = tmp_path / "state"
    assert up(state).stop() == 0
    (state / "blobs" / "aa").mkdir(parents=True, exist_ok=True)
    (state / "blobs" / "aa" / "x").write_text("kept")
    refused = run("up", "--http", "127.0.0.1:0", "--blobs", tmp_path / "shared", state=state)
    assert refused.returncode == 5 and "blobs of its own" in refused.stderr, refused.stderr


def test_a_shared_folder_is_remembered_and_missed(tmp_path):
    state, shared = tmp_path / "state", tmp_path / "shared"
    assert up(state, "--blobs", shared).stop() == 0
    shared.rename(tmp_path / "away")
    missed = run("up", "--http", "127.0.0.1:0", state=state)
    assert missed.returncode == 3 and str(shared) in missed.stderr and "is away" in missed.stderr, missed.stderr
    assert up(state, "--blobs", tmp_path / "away").stop() == 0, "another place may be named then"
    (tmp_path / "file").write_text("no folder")
    assert run("up", "--http", "127.0.0.1:0", "--blobs", tmp_path / "file", state=tmp_path / "fresh").returncode not in (0, 70)


def test_a_canary_is_judged_with_what_both_have_seen(pair, project):
    one, other = pair
    good = project.read_text()
    policy = "unit: shop, rollout: {alpha: 0.01, steps: [0.5], min_rows: 1000000, guardrails: {errors: {tolerance: 0.02}}}}"
    project.write_text(good.replace("unit: shop}", policy))
    move(one, "releases", arm="canary", version=2)
    project.write_text(good)

    def seen(server):
        return (requests.get(f"{server.url}/api/millrace/v1/deployments/long/rollout", timeout=60).json()["rollout"]) or {}
    until(lambda: seen(other))
    for i in range(150):
        answer(one, f"a{i}")
        answer(other, f"b{i}")
    for server in pair:
        until(lambda: sum(seen(server)["requests"].values()) == 300)
        assert seen(server)["servers"] == 2
    guard = seen(one)["guardrails"][0]
    assert guard["compared"]["canary"] > 60 and guard["compared"]["stable"] > 60
    shown = {server: round(seen(server)["guardrails"][0]["safe_log_e_value"], 6) for server in pair}
    assert len(set(shown.values())) == 1, "both come to the same"
    move(one, "stop")
    until(lambda: not seen(other))
