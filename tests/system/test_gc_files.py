"""`millrace gc` and files that belong to nothing: blobs without a row, parts of no upload, what a death left half-way. What somebody
needs, or is about to need, stays, whatever moment the process dies at."""
import hashlib
import json
import os
import sqlite3
import time

import pytest
import requests

from server import run as command
from server import up
from shop import REQUEST, Shop

POINTS = ["track.gc.blobs_marked", "track.gc.blobs_claimed", "track.gc.blobs_removed"]
PROXY = "/api/2.0/mlflow-artifacts"


def gc(state, *words, env=None):
    done = command("gc", "--older-than", "0s", "--artifacts", "--json", *words, state=state, env=env)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}


def counts(answer):
    return tuple(answer[name] for name in ("uploads", "leftovers", "blobs"))


def blobs_of(state):
    return {path.name for path in (state / "blobs").glob("??/*")}


def make_old(state):
    """As if a day had gone since somebody last touched what is there."""
    for path in [*(state / "blobs").rglob("*"), *(state / "artifacts").rglob("*")]:
        os.utime(path, (time.time() - 86_400, time.time() - 86_400), follow_symlinks=False)


def add_loose(state, number):
    """Blobs that no row names; their names."""
    names = set()
    for i in range(number):
        data = b"loose %d" % i
        name = hashlib.sha256(data).hexdigest()
        folder = state / "blobs" / name[:2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        names.add(name)
    return names


def removed_lines(state):
    return [line for line in json.loads(command("audit", "list", "--json", state=state).stdout)["items"] if line["kind"] == "gc.removed"]


@pytest.fixture
def empty(tmp_path):
    state = tmp_path / "state"
    assert up(state).stop() == 0
    return state


def test_a_whole_project_keeps_every_blob_it_needs(tmp_path):
    """Nothing that a command leaves in the store is unknown to the collection: a digest in a column that it does not read would be lost here."""
    shop = Shop(tmp_path)
    shop.release()
    shop.second()
    shop.good("release", "canary", "long", "--version", "2", "--share", "0.3", "--why", "a part")
    before = blobs_of(shop.state)
    assert len(before) >= 12
    make_old(shop.state)
    loose = add_loose(shop.state, 3)
    make_old(shop.state)
    code, found = gc(shop.state)
    assert (code, counts(found)) == (0, (0, 0, 3)) and found["blob_bytes"] == 21
    assert blobs_of(shop.state) == before | loose
    assert counts(gc(shop.state, "--yes")[1]) == (0, 0, 3)
    assert blobs_of(shop.state) == before
    assert shop.good("run", "--verify", "table")
    assert shop.good("model", "gates", "long", "2")
    server = up(shop.state, "--project", shop.folder)
    try:
        assert requests.post(f"{server.url}/v2/models/long/infer", json=REQUEST, timeout=60).status_code == 200
    finally:
        assert server.stop() == 0
    assert command("audit", "verify", state=shop.state).returncode == 0


def test_what_is_young_or_only_marked_stays(empty):
    add_loose(empty, 2)
    assert counts(gc(empty, "--yes")[1]) == (0, 0, 0)  # an hour must have gone, whatever was asked for
    make_old(empty)
    assert counts(json.loads(command("gc", "--older-than", "2d", "--json", state=empty).stdout)) == (0, 0, 0)
    assert counts(gc(empty, "--grace", "1h", "--yes")[1]) == (0, 0, 0)
    assert len(blobs_of(empty)) == 2
    assert counts(gc(empty, "--yes")[1]) == (0, 0, 2)
    [line] = removed_lines(empty)
    assert line["body"]["kind"] == "blob" and len(line["body"]["digests"]) == 2


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("visit", [1, 2])
def test_a_death_at_any_moment_is_made_good_by_the_next_call(empty, point, visit):
    names = add_loose(empty, 300)  # two transactions' worth
    make_old(empty)
    if point == POINTS[0] and visit == 2:
        assert counts(gc(empty, "--grace", "1h", "--yes")[1]) == (0, 0, 0)
        visit = 1  # the marks are there already
    code, _ = gc(empty, "--yes", env={"MILLRACE_FAULT": f"{point}:{visit}"})
    assert code != 0
    assert blobs_of(empty) <= names
    assert gc(empty, "--yes")[0] == 0
    assert blobs_of(empty) == set()
    digests = [digest for line in removed_lines(empty) for digest in line["body"]["digests"]]
    assert sorted(digests) == sorted("sha256:" + name for name in names)  # each once
    assert counts(gc(empty, "--yes")[1]) == (0, 0, 0)
    assert command("audit", "verify", state=empty).returncode == 0


@pytest.mark.parametrize("point", ["data.split.written", "data.version.before_record", "store.blob.before_rename"])
def test_what_a_dead_writer_left_goes_unless_it_comes_back_for_it(tmp_path, point):
    """A batch whose adding dies leaves blobs that no row names. Marked, put again by the second try, they stay."""
    shop = Shop(tmp_path)
    words = ("data", "add", "visits", shop.folder / "visits.csv", "--from", "2024-01-01", "--to", "2024-01-02")
    assert shop.run(*words, env={"MILLRACE_FAULT": point}).returncode != 0
    left = blobs_of(shop.state)
    make_old(shop.state)
    half_way = 1 if point == "store.blob.before_rename" else 0
    assert counts(gc(shop.state, "--grace", "1h", "--yes")[1]) == (0, half_way, 0)
    shop.good(*words)
    with sqlite3.connect(shop.state / "meta.db") as database:  # two days go
        database.execute("UPDATE gc_marks SET marked_at = marked_at - 172800000000")
    make_old(shop.state)
    assert counts(gc(shop.state, "--grace", "1h", "--yes")[1]) == (0, 0, 0)
    assert left <= blobs_of(shop.state)
    assert not [path for path in (shop.state / "blobs").iterdir() if path.name.startswith("incoming-")]
    assert shop.good("run")
    assert command("audit", "verify", state=shop.state).returncode == 0


def test_what_a_dead_writer_left_goes_when_it_does_not_come_back(tmp_path):
    shop = Shop(tmp_path)
    words = ("data", "add", "visits", shop.folder / "visits.csv", "--from", "2024-01-01", "--to", "2024-01-02")
    assert shop.run(*words, env={"MILLRACE_FAULT": "data.version.before_record"}).returncode != 0
    left = len(blobs_of(shop.state))
    assert left >= 4
    make_old(shop.state)
    assert counts(gc(shop.state, "--yes")[1]) == (0, 0, left)
    shop.release()  # nothing remembers them


def test_parts_of_no_upload_go_and_an_expiry_survives_a_death(empty):
    server = up(empty)
    made = requests.post(f"{server.url}{PROXY}/mpu/create/1/r/artifacts", json={"path": "f.bin", "num_parts": 2}, timeout=60).json()
    assert requests.put(made["credentials"][0]["url"], data=b"x", timeout=60).status_code == 200
    assert server.stop() == 0
    unknown = empty / "uploads" / ("ab" * 16)
    unknown.mkdir()
    (unknown / "1").write_bytes(b"x")
    assert counts(gc(empty)[1]) == (0, 1, 0)
    assert counts(gc(empty, "--yes")[1]) == (0, 1, 0)
    assert [path.name for path in (empty / "uploads").iterdir()] == [made["upload_id"]]
    with sqlite3.connect(empty / "meta.db") as database:
        database.execute("UPDATE track_uploads SET expires_at = 1")
    assert gc(empty, "--yes", env={"MILLRACE_FAULT": "track.upload.expire"})[0] != 0
    assert counts(gc(empty, "--yes")[1]) == (1, 0, 0)
    assert not list((empty / "uploads").iterdir())
    kinds = [line["kind"] for line in json.loads(command("audit", "list", "--json", state=empty).stdout)["items"]]
    assert kinds.count("artifact.upload.expired") == 1


@pytest.fixture
def another_file_system(tmp_path_factory):
    """A folder for artifacts that cannot be renamed into from the state folder."""
    folder = tmp_path_factory.mktemp("artifacts", numbered=True)
    memory = "/dev/shm/" + folder.name + f"-{os.getpid()}"
    os.mkdir(memory)
    yield memory
    for path, folders, files in os.walk(memory, topdown=False):
        for name in files:
            os.unlink(f"{path}/{name}")
        os.rmdir(path)


def test_a_copy_that_died_half_way_goes(tmp_path, another_file_system):
    state = tmp_path / "state"
    dying = up(state, "--artifacts", another_file_system, env={"MILLRACE_FAULT": "track.artifact.after_copy"})
    with pytest.raises(requests.ConnectionError):
        requests.put(f"{dying.url}{PROXY}/artifacts/1/r/artifacts/f", data=b"hello", timeout=60)
    dying.kill()
    [left] = os.listdir(f"{another_file_system}/.millrace-incoming")
    assert counts(gc(state, "--yes")[1]) == (0, 0, 0)  # it could be under way
    path = f"{another_file_system}/.millrace-incoming/{left}"
    os.utime(path, (1, 1))
    assert counts(gc(state, "--yes")[1]) == (0, 1, 0)
    server = up(state)
    try:
        assert requests.put(f"{server.url}{PROXY}/artifacts/1/r/artifacts/f", data=b"hello", timeout=60).status_code == 200
        assert requests.get(f"{server.url}{PROXY}/artifacts/1/r/artifacts/f", timeout=60).content == b"hello"
    finally:
        assert server.stop() == 0
    assert not os.path.exists(path)
    assert os.listdir(f"{another_file_system}/.millrace-incoming") == []
