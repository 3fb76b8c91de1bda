"""A full disk: the state lies on a small file system of its own that is filled to the last byte and given room again."""
import os
import subprocess

import pytest
import requests

from server import up
from shop import REQUEST, Shop, visits

SIZE = "24m"


@pytest.fixture
def shop(tmp_path):
    """A released model; its state folder is a file system of 24 MiB."""
    shop = Shop(tmp_path)
    shop.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", shop.state], check=True)
    try:
        shop.release()
        yield shop
    finally:
        subprocess.run(["umount", "-l", shop.state], check=True)


class Disk:
    def __init__(self, shop):
        self.ballast = shop.state / "ballast"

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as file:
            with pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(b"x" * 4096)

    def make_room(self):
        os.unlink(self.ballast)


def create(server, name):
    return requests.post(f"{server.url}/api/2.0/mlflow/experiments/create", json={"name": name}, timeout=60)


def ask(server):
    return requests.post(f"{server.url}/v2/models/long/infer", json=REQUEST, timeout=60)


def experiments(server):
    answer = requests.get(f"{server.url}/api/2.0/mlflow/experiments/search", params={"max_results": 1000}, timeout=60)
    assert answer.status_code == 200, answer.text
    return [e["name"] for e in answer.json()["experiments"]]


def predictions(server):
    answer = requests.get(f"{server.url}/api/millrace/v1/deployments/long/predictions", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["count"]


def test_writes_say_that_the_disk_is_full_reads_go_on_and_nothing_acknowledged_is_lost(shop):
    server, disk = up(shop.state, "--project", shop.folder), Disk(shop)
    acknowledged, answered = [], []
    for number in range(20):
        assert create(server, f"before{number}").status_code == 200
        acknowledged.append(f"before{number}")
    answered.append(ask(server).json()["parameters"]["millrace_prediction_id"])
    disk.fill()

    refused = 0
    for number in range(50):
        answer = create(server, f"full{number}")
        if answer.status_code == 200:
            acknowledged.append(f"full{number}")  # it still found room inside the files
            continue
        assert answer.status_code == 503 and "free some room" in answer.json()["message"], answer.text
        refused += 1
    assert refused > 0, "the disk was not full"
    answer = requests.put(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/big.bin", data=b"a" * (1 << 20), timeout=60)
    assert answer.status_code in (503, 507) and "free some room" in answer.text, answer.text
    shop.write("more.csv", visits(50_000, first=1000, day=3))
    add = ("data", "add", "visits", "more.csv", "--from", "2024-01-03", "--to", "2024-01-04")
    failed = shop.run(*add)
    assert failed.returncode == 6 and "free some room" in failed.stderr, failed.stderr
    for words in (("run", "table"), ("token", "create", "--subject", "a", "--role", "reader")):
        failed = shop.run(*words)
        assert failed.returncode == 6 and "free some room" in failed.stderr, (words, failed.stderr)

    # What needs no room goes on; an answer is sent as long as its record can be written, and then refused with the reason.
    assert requests.get(f"{server.url}/health", timeout=60).text == "OK"
    assert requests.get(f"{server.url}/v2/models/long", timeout=60).status_code == 200
    assert set(acknowledged) <= set(experiments(server))
    assert shop.run("data", "list").returncode == 0 and shop.run("lineage", "model:long@1").returncode == 0
    for _ in range(300):
        answer = ask(server)
        if answer.status_code != 200:
            break
        answered.append(answer.json()["parameters"]["millrace_prediction_id"])
    assert answer.status_code == 503 and "free some room" in answer.json()["error"], answer.text

    disk.make_room()
    assert create(server, "after").status_code == 200
    answer = ask(server)
    assert answer.status_code == 200, answer.text
    answered.append(answer.json()["parameters"]["millrace_prediction_id"])
    assert shop.good(*add)["accepted"] == 50_000
    names = experiments(server)
    assert sorted(names) == sorted(set(names)) and set(acknowledged) | {"after"} == {n for n in names if n.startswith(("before", "full", "after"))}
    assert predictions(server) == len(answered)
    server.kill()

    server = up(shop.state, "--project", shop.folder)
    assert set(acknowledged) <= set(experiments(server)) and predictions(server) == len(answered)
    for prediction in answered:
        assert requests.get(f"{server.url}/api/millrace/v1/predictions/{prediction}", timeout=60).status_code == 200
    assert server.stop() == 0
    assert shop.good("audit", "verify")["intact"]
    assert not list((shop.state / "tmp").iterdir()) and not [f for f in (shop.state / "blobs").rglob("incoming-*")]


def test_a_start_on_a_full_disk_is_refused_and_works_when_there_is_room(shop):
    disk = Disk(shop)
    disk.fill()
    for words in (("up", "--http", "127.0.0.1:0"), ("data", "list")):
        refused = shop.run(*words)
        assert refused.returncode == 6 and "free some room" in refused.stderr, refused.stderr
    disk.make_room()
    server = up(shop.state, "--project", shop.folder)
    assert requests.get(f"{server.url}/v2/models/long/ready", timeout=60).status_code == 200 and ask(server).status_code == 200
    assert server.stop() == 0
    assert shop.good("audit", "verify")["intact"]
