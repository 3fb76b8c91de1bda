"""Parts of one upload may reach any of several servers that share a database and a store of artifacts: a folder or a bucket."""
import hashlib
import itertools

import pytest
import requests

from postgres import Cluster
from s3 import s3  # noqa: F401  (a fixture)
from server import run as command
from server import up

PROXY = "/api/2.0/mlflow-artifacts"
NUMBERS = itertools.count()
DATA = [bytes([65 + i]) * 70_000 for i in range(6)]


@pytest.fixture(scope="module")
def cluster():
    made = Cluster()
    yield made
    made.remove()


class Pair:
    """Two servers with state folders of their own, one database, one store of artifacts."""

    def __init__(self, url, folder, place, environment):
        self.folder, self.more, self.environment = folder, ("--store", url, "--artifacts", place), environment
        self.servers = [self.start(0), self.start(1)]

    def start(self, number, **env):
        return up(self.folder / f"state{number}", *self.more, env={**self.environment, **env})

    def again(self, number, **env):
        """Kills one and starts it anew."""
        self.servers[number].kill()
        self.servers[number] = self.start(number, **env)

    def url(self, number):
        return self.servers[number].url


@pytest.fixture(params=["folder", "s3"])
def pair(request, cluster, tmp_path):
    number = next(NUMBERS)
    environment, place = {}, tmp_path / "shared"
    if request.param == "s3":
        bucket = request.getfixturevalue("s3")
        environment, place = bucket.environment, bucket.uri(f"/parts{number}")
    made = Pair(cluster.make_database(f"parts{number}"), tmp_path, place, environment)
    made.hidden = (bucket.path(f"parts{number}") if request.param == "s3" else place) / ".millrace-uploads"
    yield made
    for server in made.servers:
        assert server.stop() == 0, "".join(server.errors)[-2000:]


def create(url, parts=len(DATA)):
    made = requests.post(f"{url}{PROXY}/mpu/create/1/r/artifacts", json={"path": "f.bin", "num_parts": parts}, timeout=60)
    assert made.status_code == 200, made.text
    return made.json()


def target(url, part):
    """The part's address, at one server or the other."""
    return url + part["url"][part["url"].index("/api/"):]


def send(url, part, data):
    answer = requests.put(target(url, part), data=data, timeout=60)
    assert answer.status_code == 200, answer.text
    return {"part_number": part["part_number"], "etag": answer.headers["ETag"]}


def end(url, what, made, **more):
    return requests.post(f"{url}{PROXY}/mpu/{what}/1/r/artifacts", json={"path": "f.bin", "upload_id": made["upload_id"], **more}, timeout=60)


def whole(url):
    return requests.get(f"{url}{PROXY}/artifacts/1/r/artifacts/f.bin", timeout=60)


def test_parts_that_reach_different_servers_become_one_file(pair):
    made = create(pair.url(0))
    parts = [send(pair.url(i % 2), each, DATA[i]) for i, each in reversed(list(enumerate(made["credentials"])))][::-1]
    parts[2] = send(pair.url(1), made["credentials"][2], DATA[2])  # again, elsewhere
    for number in (0, 1):
        listed = requests.get(target(pair.url(number), made["credentials"][0]).replace("/1?", "?"), timeout=60).json()["parts"]
        assert [(part["part_number"], part["etag"]) for part in listed] == [(part["part_number"], part["etag"]) for part in parts]
        assert whole(pair.url(number)).status_code == 404
        names = requests.get(f"{pair.url(number)}{PROXY}/artifacts", timeout=60).json()
        assert names.get("files", []) == []  # the parts are in the store, and no client sees them
    assert end(pair.url(1), "complete", made, parts=parts).status_code == 200
    assert end(pair.url(0), "complete", made, parts=parts).status_code == 200  # a client that heard no answer asks the other one
    for number in (0, 1):
        answer = whole(pair.url(number))
        assert answer.content == b"".join(DATA)
        assert answer.headers["ETag"] == f'"sha256:{hashlib.sha256(b"".join(DATA)).hexdigest()}"'
    assert not pair.hidden.exists() or not list(pair.hidden.iterdir())


def test_a_missing_or_changed_part_is_told_at_either_server(pair):
    made = create(pair.url(0), 2)
    first = send(pair.url(0), made["credentials"][0], DATA[0])
    refused = end(pair.url(1), "complete", made, parts=[first, {"part_number": 2, "etag": first["etag"]}])
    assert refused.status_code == 400 and "part 2 has not been sent" in refused.json()["message"]
    second = send(pair.url(1), made["credentials"][1], DATA[1])
    refused = end(pair.url(0), "complete", made, parts=[first, {**second, "etag": first["etag"]}])
    assert refused.status_code == 400 and "the ETag of part 2" in refused.json()["message"]
    assert end(pair.url(0), "complete", made, parts=[first, second]).status_code == 200
    assert whole(pair.url(1)).content == DATA[0] + DATA[1]


def test_what_one_server_aborts_the_other_does_not_take(pair):
    made = create(pair.url(0), 2)
    send(pair.url(0), made["credentials"][0], DATA[0])
    assert end(pair.url(1), "abort", made).status_code == 200
    assert requests.put(target(pair.url(0), made["credentials"][1]), data=DATA[1], timeout=60).status_code == 404
    assert not pair.hidden.exists() or not list(pair.hidden.iterdir())


@pytest.mark.parametrize("point", ["track.upload.after_part:2", "track.upload.after_join", "track.artifact.before_put", "track.artifact.before_note"])
def test_a_server_that_dies_is_made_good_by_the_other(pair, point):
    pair.again(0, MILLRACE_FAULT=point)
    made = create(pair.url(0), 3)
    with pytest.raises(requests.ConnectionError):
        parts = [send(pair.url(0), part, DATA[i]) for i, part in enumerate(made["credentials"])]
        end(pair.url(0), "complete", made, parts=parts)
    parts = [send(pair.url(1), part, DATA[i]) for i, part in enumerate(made["credentials"])]
    assert end(pair.url(1), "complete", made, parts=parts).status_code == 200
    pair.again(0)
    assert whole(pair.url(0)).content == b"".join(DATA[:3])


def test_garbage_of_one_server_is_not_that_of_the_other(pair):
    """Parts of an upload that another server began are not taken for leftovers; parts that no row knows are."""
    made = create(pair.url(0), 2)
    send(pair.url(0), made["credentials"][0], DATA[0])
    environment = {**pair.environment, "MILLRACE_STORE": pair.more[1]}
    done = command("gc", "--artifacts", "--older-than", "0s", "--yes", "--json", state=pair.folder / "state1", env=environment)
    assert done.returncode == 0 and '"leftovers":0' in done.stdout.replace(" ", ""), done.stdout + done.stderr
    parts = [send(pair.url(1), part, DATA[i]) for i, part in enumerate(made["credentials"])]
    assert end(pair.url(1), "complete", made, parts=parts).status_code == 200
    assert whole(pair.url(0)).content == DATA[0] + DATA[1]
    unknown = pair.hidden / ("ab" * 16)
    unknown.mkdir(parents=True)
    (unknown / "1").write_bytes(b"x")
    done = command("gc", "--artifacts", "--older-than", "0s", "--yes", "--json", state=pair.folder / "state1", env=environment)
    assert done.returncode == 0 and '"leftovers":1' in done.stdout.replace(" ", ""), done.stdout + done.stderr
    assert not unknown.exists()


def test_a_death_while_the_bucket_is_written_to_leaves_nothing_visible(s3, tmp_path):  # noqa: F811
    state, place = tmp_path / "state", ("--artifacts", s3.uri("/dying"))
    dying = up(state, *place, env={**s3.environment, "MILLRACE_FAULT": "track.artifact.before_close"})
    with pytest.raises(requests.ConnectionError):
        requests.put(f"{dying.url}{PROXY}/artifacts/1/r/artifacts/f.bin", data=DATA[0], timeout=60)
    dying.kill()
    server = up(state, *place, env=s3.environment)
    try:
        assert whole(server.url).status_code == 404
        assert requests.put(f"{server.url}{PROXY}/artifacts/1/r/artifacts/f.bin", data=DATA[1], timeout=60).status_code == 200
        assert whole(server.url).content == DATA[1]
    finally:
        assert server.stop() == 0
