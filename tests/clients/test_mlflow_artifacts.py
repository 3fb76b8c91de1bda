"""Artifacts through the genuine mlflow client: up, down, in parts, on a local store and on a bucket."""
import hashlib
import socket
import threading
from urllib.parse import urlsplit

import mlflow
import pytest
import requests
from mlflow import MlflowClient

from s3 import s3  # noqa: F401  (a fixture)
from server import up

PROXY = "/api/2.0/mlflow-artifacts"
PART = 5 << 20


@pytest.fixture(scope="module", params=["local", "s3"])
def kept(request, tmp_path_factory):
    """A server and what it keeps artifacts in."""
    state = tmp_path_factory.mktemp(request.param) / "state"
    if request.param == "s3":
        bucket = request.getfixturevalue("s3")
        running = up(state, "--artifacts", bucket.uri("/proxied"), env=bucket.environment)
    else:
        running = up(state)
    yield running
    assert running.stop() == 0, "".join(running.errors)[-2000:]
    logged = "".join(running.errors)
    assert "test-secret" not in logged and "X-Amz-Signature" not in logged and "key=" not in logged


@pytest.fixture
def url(kept):
    mlflow.set_tracking_uri(kept.url)
    mlflow.set_registry_uri(kept.url)
    mlflow.set_experiment(experiment_id="0")  # not another module's
    return kept.url


@pytest.fixture
def client(url):
    return MlflowClient(url)


@pytest.fixture
def run(client):
    return client.create_run("0").info.run_id


def some_bytes(size, seed=7):
    return (hashlib.sha256(bytes([seed])).digest() * (size // 32 + 1))[:size]


def at(url, run, name):
    return f"{url}{PROXY}/artifacts/0/{run}/artifacts/{name}"


def memory(process):
    """The most that the process has ever held, in bytes."""
    text = open(f"/proc/{process.pid}/status").read()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024


def test_files_go_up_are_listed_come_back_and_go(client, run, tmp_path):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "größe mit leer.bin").write_bytes(some_bytes(1 << 20))
    (tmp_path / "out" / "empty").write_bytes(b"")
    client.log_artifacts(run, str(tmp_path / "out"), "a")
    client.log_text(run, "hello", "notes/hello.txt")
    assert {f.path: f.is_dir for f in client.list_artifacts(run)} == {"a": True, "notes": True}
    assert {f.path: f.file_size for f in client.list_artifacts(run, "a")} == {"a/deep": None, "a/empty": 0}
    folder = client.download_artifacts(run, "", str(tmp_path))
    assert open(f"{folder}/a/deep/größe mit leer.bin", "rb").read() == some_bytes(1 << 20)
    assert open(f"{folder}/a/empty", "rb").read() == b""
    assert mlflow.artifacts.load_text(f"runs:/{run}/notes/hello.txt") == "hello"
    client.log_text(run, "other", "notes/hello.txt")
    assert mlflow.artifacts.load_text(f"runs:/{run}/notes/hello.txt") == "other"
    repository = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(client.get_run(run).info.artifact_uri)
    repository.delete_artifacts("a")
    assert [f.path for f in client.list_artifacts(run)] == ["notes"]
    with pytest.raises(Exception, match="No such artifact"):
        repository.delete_artifacts("a")


def test_a_model_is_logged_and_loaded(url, client):
    from sklearn.linear_model import LogisticRegression
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(LogisticRegression().fit([[0], [1]], [0, 1]), name="late")
    assert list(mlflow.sklearn.load_model(logged.model_uri).predict([[0], [1]])) == [0, 1]


def test_a_file_of_a_registered_version_is_read_by_its_name(url, client, run):
    client.log_text(run, "what it needs", "model/MLmodel")
    client.create_registered_model("read")
    version = client.create_model_version("read", f"runs:/{run}/model", run).version
    place = f"{url}/model-versions/get-artifact"
    assert requests.get(place, params={"name": "read", "version": version, "path": "MLmodel"}).content == b"what it needs"
    for params in ({"name": "read", "version": "99", "path": "MLmodel"}, {"name": "none", "version": "1", "path": "MLmodel"},
                   {"name": "read", "version": version, "path": "none"}):
        assert requests.get(place, params=params).status_code == 404, params
    assert requests.get(place, params={"name": "read", "version": version, "path": "../MLmodel"}).status_code == 400
    assert requests.get(place, params={"name": "read", "version": version}).status_code == 400


def test_a_large_file_goes_up_in_parts(kept, client, run, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(PART))
    data = some_bytes(3 * PART + 1)
    (tmp_path / "model.bin").write_bytes(data)
    before = memory(kept.process)
    client.log_artifact(run, str(tmp_path / "model.bin"), "big")
    assert client.list_artifacts(run, "big")[0].file_size == len(data)
    answer = requests.get(at(kept.url, run, "big/model.bin"))
    assert answer.content == data
    assert answer.headers["ETag"] == f'"sha256:{hashlib.sha256(data).hexdigest()}"'
    assert memory(kept.process) - before < 64 << 20


def test_parts_are_offered_to_clients_that_ask(url):
    info = requests.get(f"{url}/api/3.0/mlflow/server-info").json()
    assert info["multipart_uploads_enabled"] is True


def test_an_upload_in_parts_goes_on_after_a_break(url, run, tmp_path):
    def post(what, **body):
        return requests.post(f"{url}{PROXY}/mpu/{what}/0/{run}/artifacts/big", json={"path": "/home/ada/f.bin", **body})
    made = post("create", num_parts=2).json()
    first, second = [part["url"] for part in made["credentials"]]
    # The second breaks off in the middle: nothing of it counts.
    where = urlsplit(second)
    with socket.create_connection((where.hostname, where.port)) as line:
        line.sendall(f"PUT {where.path}?{where.query} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 1000\r\n\r\nhalf".encode())
    tags = [requests.put(first, data=b"one, ").headers["ETag"]]
    state = requests.get(f"{first.split('/mpu/')[0]}/mpu/parts/{made['upload_id']}?{where.query}").json()
    assert [(p["part_number"], p["size"]) for p in state["parts"]] == [(1, 5)]
    refused = post("complete", upload_id=made["upload_id"], parts=[{"part_number": 1, "etag": tags[0]}])
    assert refused.status_code == 400 and "1 parts are listed, the upload has 2" in refused.text
    assert requests.get(at(url, run, "big/f.bin")).status_code == 404
    tags.append(requests.put(second, data=b"two").headers["ETag"])
    parts = [{"part_number": n + 1, "etag": tag} for n, tag in enumerate(tags)]
    assert post("complete", upload_id=made["upload_id"], parts=parts).status_code == 200
    assert post("complete", upload_id=made["upload_id"], parts=parts).status_code == 200
    assert requests.get(at(url, run, "big/f.bin")).content == b"one, two"
    assert requests.put(first, data=b"late").status_code == 404


def test_an_upload_given_up_leaves_nothing(url, run):
    def post(what, **body):
        return requests.post(f"{url}{PROXY}/mpu/{what}/0/{run}/artifacts", json={"path": "f.bin", **body})
    made = post("create", num_parts=1).json()
    part = made["credentials"][0]["url"]
    assert requests.put(part, data=b"x").status_code == 200
    assert requests.put(part.replace("key=", "key=0"), data=b"x").status_code == 403
    assert requests.put(part.replace("/1?", "/2?"), data=b"x").status_code == 400
    assert post("abort", upload_id=made["upload_id"]).status_code == 200
    assert requests.put(part, data=b"x").status_code == 404
    assert requests.get(f"{url}{PROXY}/artifacts", params={"path": f"0/{run}/artifacts"}).json() == {"files": []}


def test_a_range_is_answered_and_a_broken_download_goes_on(url, run):
    data = some_bytes(1 << 20)
    place = at(url, run, "f.bin")
    assert requests.put(place, data=data).status_code == 200
    whole = requests.get(place, stream=True)
    tag, begun = whole.headers["ETag"], whole.raw.read(1000)
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.headers["Content-Length"] == str(len(data))
    whole.close()
    rest = requests.get(place, headers={"Range": f"bytes={len(begun)}-", "If-Range": tag})
    assert rest.status_code == 206 and begun + rest.content == data
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(data) - 1}/{len(data)}"
    assert requests.get(place, headers={"Range": "bytes=-5"}).content == data[-5:]
    beyond = requests.get(place, headers={"Range": f"bytes={len(data)}-"})
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == f"bytes */{len(data)}"
    assert requests.get(place, headers={"If-None-Match": tag}).status_code == 304
    head = requests.head(place)
    assert head.headers["Content-Length"] == str(len(data)) and head.headers["ETag"] == tag and head.content == b""
    # Another file under the same name: the client's piece is of no use and it gets the whole.
    assert requests.put(place, data=b"other").status_code == 200
    assert requests.get(place, headers={"Range": "bytes=2-", "If-Range": tag}).content == b"other"


def test_a_broken_upload_leaves_what_was_there(url, run):
    place = at(url, run, "f.bin")
    assert requests.put(place, data=b"old").status_code == 200
    where = urlsplit(place)
    with socket.create_connection((where.hostname, where.port)) as line:
        line.sendall(f"PUT {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 1000000\r\n\r\nnew".encode())
    assert requests.get(place).content == b"old"


def test_many_readers_and_writers_see_whole_files(url, run):
    place, wrong = at(url, run, "f.bin"), []
    versions = [some_bytes(300_000, seed) for seed in range(4)]
    assert requests.put(place, data=versions[0]).status_code == 200

    def write(version):
        for _ in range(4):
            if requests.put(place, data=version).status_code != 200:
                wrong.append("not written")

    def read():
        for _ in range(10):
            answer = requests.get(place)
            if answer.status_code in (409, 503):  # replaced each time that it was looked at; the bucket broke off
                continue
            if answer.status_code != 200 or answer.content not in versions:
                wrong.append(f"{answer.status_code}, {len(answer.content)} bytes that are no version")
            elif answer.headers["ETag"].startswith('"sha256:') and \
                    answer.headers["ETag"] != f'"sha256:{hashlib.sha256(answer.content).hexdigest()}"':
                wrong.append("another file's tag")
    threads = [threading.Thread(target=write, args=(version,)) for version in versions] + [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("path", ["..%2f..%2fmeta.db", "%2e%2e/%2e%2e/meta.db", "%252e%252e%252fmeta.db", "a%23b", "a%3fb", "a?b=c", "a%5c..%5cb",
                                  "a%2f%2fb", "%2fetc/passwd", "a%0ab", ".millrace-x"])
def test_a_path_cannot_leave_its_place(url, run, path):
    place = at(url, run, path)
    for method in ("PUT", "GET", "DELETE"):
        session = requests.Session()
        asked = requests.Request(method, place, data=b"x" if method == "PUT" else None).prepare()
        asked.url = place
        assert session.send(asked).status_code == 400, method
    if "?" not in path:
        assert requests.post(f"{url}{PROXY}/mpu/create/0/{run}/artifacts/{path}", json={"path": "f", "num_parts": 1}).status_code == 400
    assert requests.post(f"{url}{PROXY}/mpu/create/0/{run}/artifacts", json={"path": "..", "num_parts": 1}).status_code == 400


def test_a_bad_path_is_refused_before_its_body_is_read(url):
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port)) as line:
        line.sendall(f"PUT {PROXY}/artifacts/a%23b HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 5000000000\r\n\r\n".encode())
        assert line.recv(1 << 16).startswith(b"HTTP/1.1 400")


def test_more_than_the_largest_file_is_refused_before_it_is_read(url):
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port)) as line:
        line.sendall(f"PUT {PROXY}/artifacts/a HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {(64 << 30) + 1}\r\n\r\n".encode())
        assert line.recv(1 << 16).startswith(b"HTTP/1.1 413")


def test_a_page_uploads_and_downloads_small_files(url, run):
    place = f"{url}/ajax-api/2.0/mlflow/upload-artifact"
    assert requests.post(place, params={"run_uuid": run, "path": "p/a.txt"}, data=b"hello").status_code == 200
    assert requests.get(f"{url}/get-artifact", params={"run_id": run, "path": "p/a.txt"}).content == b"hello"
    for params, message in (({"path": "a"}, "run_uuid"), ({"run_uuid": run}, "path"), ({"run_uuid": run, "path": "../a"}, "Invalid path")):
        refused = requests.post(place, params=params, data=b"x")
        assert refused.status_code == 400 and message in refused.json()["message"]
    assert requests.post(place, params={"run_uuid": run, "path": "a"}).status_code == 400
    assert requests.post(place, params={"run_uuid": run, "path": "a"}, data=b"x" * (10 << 20 | 1)).status_code == 413


def test_a_store_without_addresses_says_so_and_the_client_uses_the_proxy(kept, client, run, tmp_path, monkeypatch):
    client.log_text(run, "hello", "a.txt")
    answer = requests.get(f"{kept.url}{PROXY}/presigned/0/{run}/artifacts/a.txt")
    if answer.status_code == 200:  # a bucket: the address needs no login
        assert answer.json()["file_size"] == 5
        assert requests.get(answer.json()["url"]).content == b"hello"
        assert requests.get(answer.json()["url"].replace("a.txt", "b.txt")).status_code == 403
    else:
        assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    assert open(client.download_artifacts(run, "a.txt", str(tmp_path))).read() == "hello"


def test_256_mib_go_up_and_down_in_little_memory(kept, run):
    piece, count = some_bytes(1 << 20), 256
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(piece)
    requests.put(at(kept.url, run, "warm"), data=piece * 20)
    assert requests.get(at(kept.url, run, "warm")).status_code == 200
    before = memory(kept.process)
    assert requests.put(at(kept.url, run, "large.bin"), data=(piece for _ in range(count))).status_code == 200
    got = hashlib.sha256()
    with requests.get(at(kept.url, run, "large.bin"), stream=True) as answer:
        for chunk in answer.iter_content(1 << 20):
            got.update(chunk)
    assert got.hexdigest() == digest.hexdigest()
    assert answer.headers["ETag"] == f'"sha256:{digest.hexdigest()}"'
    assert memory(kept.process) - before < 64 << 20


def test_clients_that_go_to_the_bucket_themselves_are_seen_by_the_server(s3, tmp_path_factory):  # noqa: F811
    """With --artifact-root s3://...: experiments say where, and the server lists and reads what is there."""
    running = up(tmp_path_factory.mktemp("direct") / "state", "--artifact-root", s3.uri("/direct"), env=s3.environment)
    try:
        client = MlflowClient(running.url)
        made = client.create_run("0").info
        assert made.artifact_uri == f"s3://models/direct/0/{made.run_id}/artifacts"
        body = {"run_id": made.run_id, "path": "a/b.txt"}
        address = requests.post(f"{running.url}/api/2.0/mlflow/artifacts/presigned-upload-url", json=body).json()
        assert requests.put(address["presigned_url"], data=b"direct", headers=address["headers"]).status_code == 200
        assert s3.path(f"direct/0/{made.run_id}/artifacts/a/b.txt").read_bytes() == b"direct"
        listed = requests.get(f"{running.url}/api/2.0/mlflow/artifacts/list", params={"run_id": made.run_id, "path": "a"}).json()
        assert listed["files"] == [{"path": "a/b.txt", "is_dir": False, "file_size": 6}]
        assert requests.get(f"{running.url}/get-artifact", params=body).content == b"direct"
        address = requests.post(f"{running.url}/api/2.0/mlflow/artifacts/presigned-download-url", json=body).json()
        assert requests.get(address["presigned_url"]).content == b"direct" and address["file_size"] == 6
        for wrong in ({"path": "a"}, {**body, "expiration": 0}, {**body, "path": "../../x"}):
            assert requests.post(f"{running.url}/api/2.0/mlflow/artifacts/presigned-upload-url", json=wrong).status_code == 400
    finally:
        assert running.stop() == 0, "".join(running.errors)[-2000:]


def test_a_bucket_that_refuses_is_said_and_leaves_nothing(s3, tmp_path_factory):  # noqa: F811
    environment = {**s3.environment, "AWS_SECRET_ACCESS_KEY": "wrong", "AWS_MAX_ATTEMPTS": "1"}
    running = up(tmp_path_factory.mktemp("away") / "state", "--artifacts", s3.uri("/away"), env=environment)
    try:
        refused = requests.put(f"{running.url}{PROXY}/artifacts/1/r/artifacts/f", data=b"x")
        assert refused.status_code == 403 and "AWS_SECRET_ACCESS_KEY" in refused.text
        assert "wrong" not in refused.text
    finally:
        running.stop()
    assert not s3.path("away").exists()


def test_presigned_uploads_do_not_go_around_the_proxy(url, run):
    refused = requests.post(f"{url}/api/2.0/mlflow/artifacts/presigned-upload-url", json={"run_id": run, "path": "a"})
    assert refused.status_code == 400 and "not supported for proxied artifact storage" in refused.json()["message"]
