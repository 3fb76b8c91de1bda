"""The metadata store is away while clients infer: no request fails, and afterwards the log and the figures are complete.

MILLRACE_STORE_AWAY: for how many seconds (20)."""
import os
import re
import threading
import time

import pytest
import requests

from postgres import Cluster
from server import Crowd, until, up
from shop import REQUEST, Shop

AWAY = float(os.environ.get("MILLRACE_STORE_AWAY", "20"))
API = "/api/millrace/v1"
PACE = threading.Event()  # never set: a steady load, and looks now and then


@pytest.fixture
def place(tmp_path, monkeypatch):
    cluster = Cluster()
    monkeypatch.setenv("MILLRACE_STORE", cluster.url())
    shop = Shop(tmp_path)
    shop.release()
    server = up(shop.state, "--project", shop.folder)
    yield cluster, shop, server
    assert server.stop() == 0, "".join(server.errors)[-2000:]
    cluster.remove()


def served(server):
    """Requests answered, by the server's own count."""
    text = requests.get(server.url + "/metrics", timeout=60).text
    found = re.findall(r"^nv_inference_request_success\{[^}]*\} (\d+)$", text, re.M)
    assert found, text[:3000]
    return sum(map(int, found))


class Load(Crowd):
    def __init__(self, server, clients=2):
        self.server, self.answered, self.failed = server, [], []
        super().__init__(*[self.work] * clients)

    def work(self):
        with requests.Session() as session:
            while not self.stopping:
                try:
                    answer = session.post(self.server.url + "/v2/models/long/infer", json=REQUEST, timeout=60)
                    if answer.status_code == 200:
                        self.answered.append(answer.json()["parameters"]["millrace_prediction_id"])
                    else:
                        self.failed.append(answer.text)
                except Exception as error:  # every way to fail counts
                    self.failed.append(repr(error))
                PACE.wait(0.02)


def test_nobody_who_infers_notices_that_the_store_is_away(place):
    cluster, shop, server = place
    with Load(server) as load:
        until(lambda: len(load.answered) > 50)
        cluster.stop("immediate")
        before = len(load.answered)
        refused = requests.post(f"{server.url}{API}/deployments/long/stop", json={"why": "x"}, timeout=60)
        assert refused.status_code == 503, refused.text
        end = time.monotonic() + AWAY
        while time.monotonic() < end:
            PACE.wait(0.5)
            assert not load.failed, load.failed[:3]
            assert requests.get(server.url + "/v2/health/ready", timeout=60).status_code == 200
        during = len(load.answered) - before
        cluster.start()
        until(lambda: requests.get(f"{server.url}{API}/deployments/long/releases", timeout=60).status_code == 200)
        seen = len(load.answered)
        until(lambda: len(load.answered) > seen + 50)
    assert not load.failed, load.failed[:3]
    assert during > AWAY, "they went on asking"
    assert served(server) == len(load.answered), "every answer was counted"
    logged = requests.get(f"{server.url}{API}/deployments/long/predictions", timeout=60).json()
    assert logged["count"] == len(load.answered) == len(set(load.answered)), "and logged, once"
    # What needs the store works again: an answer of the time without it is found and gets its label.
    middle = load.answered[before + during // 2]
    labels = {"deployment": "long", "items": [{"prediction_id": middle, "row": 0, "label": 1, "event_time": "2024-01-01"}]}
    accepted = requests.post(f"{server.url}{API}/feedback", json=labels, timeout=60)
    assert accepted.status_code == 200 and accepted.json()["accepted"] == 1, accepted.text
    chain = shop.run("audit", "verify")
    assert chain.returncode == 0, chain.stdout + chain.stderr
