"""The server as a stranger meets it: limits, odd requests, who may do what, start and stop."""
import json
import os
import pathlib
import re
import signal
import socket
import stat

import pytest
import requests

from server import Server, run, until, up


@pytest.fixture
def server(tmp_path):
    server = up(tmp_path / "state")
    yield server
    assert server.stop() == 0


def talk(server, text, timeout=60):
    """Sends raw bytes, answers what comes back: one whole answer, or all until the server closes."""
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        connection.sendall(text)
        got = b""
        try:
            while not is_whole(got) and (chunk := connection.recv(65536)):
                got += chunk
        except ConnectionResetError:
            pass  # closed while bytes of ours were unread; what came before is the answer
        return got


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(end and length) and len(body) >= int(length[1])


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_health_version_and_metrics_answer(server):
    assert requests.get(server.url + "/health", timeout=60).text == "OK"
    assert "millrace_http_requests_total" in requests.get(server.url + "/metrics", timeout=60).text
    assert requests.get(server.url + "/api/millrace/v1/status", timeout=60).json()["http"] == server.address


@pytest.mark.parametrize("request_bytes", [
    b"GET /health\r\n\r\n",
    b"GET /health HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    b"GET /a/../health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /%2e%2e/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /health%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nabcde",
    b"GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * 20000 + b"\r\n\r\n",
    b"GET /" + b"y" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"h%d: 1\r\n" % i for i in range(150)) + b"\r\n",
    bytes(range(256)),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
])
def test_odd_requests_are_refused_and_the_server_lives(server, request_bytes):
    answer = talk(server, request_bytes)
    assert 400 <= status_of(answer) < 500, answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == status_of(answer), "the body and the status line say the same"
    assert requests.get(server.url + "/health", timeout=60).status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_sent(server):
    head = b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10995116277760\r\n\r\n"
    assert status_of(talk(server, head)) == 413


def test_a_chunked_body_over_the_limit_is_refused_on_the_way(server):
    def chunks():
        for _ in range(40):
            yield b" " * (1 << 20)
    try:
        assert requests.post(server.url + "/api/millrace/v1/tokens", data=chunks(), timeout=60).status_code == 413
    except requests.ConnectionError:
        pass  # closed while we still wrote: refused as well
    assert requests.get(server.url + "/health", timeout=60).status_code == 200


@pytest.mark.parametrize("body", ["", "{", '{"a":1}x', '{"subject":"a","subject":"b"}', "[" * 5000, '{"subject": "\ud800"}'.encode("utf-8", "surrogatepass"),
                                  '{"subjekt": "a"}', '{"subject": 5, "roles": ["reader"]}', '{"subject": "a", "roles": ["king"]}', "null", "[]"])
def test_bad_bodies_get_a_problem_with_place_and_way_out(server, body):
    answer = requests.post(server.url + "/api/millrace/v1/tokens", data=body, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["code"] == "invalid" and problem["detail"]


def test_wrong_method_says_which_are_right(server):
    answer = requests.delete(server.url + "/health", timeout=60)
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


def test_a_page_of_another_site_gets_nowhere(server):
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}):
        answer = requests.post(server.url + "/api/millrace/v1/tokens", json={"subject": "a", "roles": ["admin"]}, headers=headers, timeout=60)
        assert answer.status_code == 403, answer.text
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "127.evil"):
        answer = requests.get(server.url + "/api/millrace/v1/status", headers={"Host": host}, timeout=60)
        assert answer.status_code == 401, f"{host}: a name that resolves to this machine must not open it"


def test_tokens_give_their_role_and_no_more(server):
    def token(role):
        made = requests.post(server.url + "/api/millrace/v1/tokens", json={"subject": f"the-{role}", "roles": [role]}, timeout=60)
        assert made.status_code == 201, made.text
        return made.json()
    reader, admin = token("reader"), token("admin")
    headers = {"Authorization": f"Bearer {reader['token']}"}
    assert requests.get(server.url + "/api/millrace/v1/status", headers=headers, timeout=60).status_code == 200
    refused = requests.post(server.url + "/api/millrace/v1/tokens", json={"subject": "x", "roles": ["admin"]}, headers=headers, timeout=60)
    assert refused.status_code == 403 and "admin" in refused.json()["detail"]
    assert requests.get(server.url + "/api/millrace/v1/tokens", auth=("anybody", admin["token"]), timeout=60).status_code == 200
    assert requests.get(server.url + "/api/millrace/v1/status", headers={"Authorization": "Bearer mr_wrong"}, timeout=60).status_code == 401
    assert requests.delete(server.url + f"/api/millrace/v1/tokens/{reader['id']}", timeout=60).status_code == 200
    assert requests.get(server.url + "/api/millrace/v1/status", headers=headers, timeout=60).status_code == 401


def test_no_secret_lies_in_the_state_folder(tmp_path):
    state = tmp_path / "state"
    made = run("token", "create", "--subject", "ci", "--role", "reader", "--json", state=state)
    assert made.returncode == 0, made.stderr
    secret = json.loads(made.stdout)["token"].encode()
    for folder, _, files in os.walk(state):
        for name in files:
            path = os.path.join(folder, name)
            if stat.S_ISREG(os.stat(path).st_mode):
                assert secret not in open(path, "rb").read(), path


def test_a_port_in_use_is_said_and_nothing_is_left_running(server, tmp_path):
    other = run("up", "--http", server.address, state=tmp_path / "other")
    assert other.returncode == 5, other.stderr
    assert server.address in other.stderr and "--http" in other.stderr


def connects(server):
    host, port = server.address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=60).close()
        return True
    except OSError:
        return False


def test_a_request_under_way_is_answered_after_sigterm(tmp_path):
    server = up(tmp_path / "state")
    host, port = server.address.rsplit(":", 1)
    body = b'{"name": "under way"}'
    idle = socket.create_connection((host, int(port)), timeout=60)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(100).startswith(b"HTTP/1.1 100"), "the head is read: the request is under way"
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not connects(server))  # it drains: nobody new is let in
        assert server.process.poll() is None, "it ended with a request under way"
        connection.sendall(body)
        got = b""
        while not is_whole(got) and (chunk := connection.recv(65536)):
            got += chunk
    assert status_of(got) == 200 and b"connection: close" in got.lower(), got
    assert idle.recv(1) == b"", "an idle connection is closed"
    idle.close()
    assert server.process.wait(timeout=60) == 0
    server.kill()  # collects what it wrote
    kept = up(tmp_path / "state")
    found = requests.get(kept.url + "/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": "under way"}, timeout=60)
    assert found.status_code == 200
    assert kept.stop() == 0


def test_a_request_that_never_ends_does_not_hold_the_server(tmp_path):
    server = up(tmp_path / "state")
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        assert server.stop() == 0


def test_it_starts_again_after_a_kill_and_prints_its_real_port(tmp_path):
    server = up(tmp_path / "state")
    assert int(server.address.rsplit(":", 1)[1]) > 0
    requests.post(server.url + "/api/2.0/mlflow/experiments/create", json={"name": "kept"}, timeout=60).raise_for_status()
    server.kill()
    assert (tmp_path / "state" / "server.sock").exists(), "what a killed server leaves"
    listed = run("audit", "list", "--json", state=tmp_path / "state")
    assert listed.returncode == 0 and "experiment.created" in listed.stdout, listed.stderr
    server = up(tmp_path / "state")
    assert requests.get(server.url + "/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": "kept"}, timeout=60).status_code == 200
    assert server.stop() == 0


def test_another_bind_than_loopback_needs_a_token(tmp_path):
    refused = run("up", "--http", "0.0.0.0:0", state=tmp_path / "state")
    assert refused.returncode == 4 and "token create" in refused.stderr


def test_one_owner_at_a_time_and_commands_reach_it(server, tmp_path):
    second = run("up", "--http", "127.0.0.1:0", state=tmp_path / "state")
    assert second.returncode == 5 and "in use" in second.stderr
    listed = run("audit", "list", "--json", state=tmp_path / "state")
    assert listed.returncode == 0, listed.stderr


def test_a_missing_project_and_a_broken_one_are_named(tmp_path):
    missing = run("up", "--http", "127.0.0.1:0", project=tmp_path / "none", state=tmp_path / "state")
    assert missing.returncode == 3 and "millrace.yaml" in missing.stderr
    (tmp_path / "millrace.yaml").write_text("millrace: 1\nproject: p\nsorces: {}\n")
    broken = run("up", "--http", "127.0.0.1:0", project=tmp_path, state=tmp_path / "state")
    assert broken.returncode == 2 and "millrace.yaml:3" in broken.stderr and "did you mean 'sources'" in broken.stderr
    (tmp_path / "millrace.yaml").write_text("millrace: 2\nproject: p\n")
    newer = run("up", "--http", "127.0.0.1:0", project=tmp_path, state=tmp_path / "state")
    assert newer.returncode == 2 and "newer millrace" in newer.stderr


@pytest.mark.parametrize("words, said", [(["modle", "list"], "did you mean 'millrace model list'"), (["up", "--htp", "x"], "--htp"), ([], "--help")])
def test_wrong_words_are_usage_errors_with_a_hint(words, said):
    answer = run(*words)
    assert answer.returncode == 2 and said in answer.stderr


def test_the_openapi_document_in_the_repository_is_the_running_one(server):
    here = requests.get(server.url + "/api/millrace/v1/openapi.json", timeout=60).text
    kept = (pathlib.Path(__file__).parents[2] / "docs" / "openapi.json").read_text()
    assert here == kept, "run: build/millrace openapi --state SOME_FOLDER > docs/openapi.json"


def test_every_route_but_the_open_ones_refuses_a_stranger(server):
    document = requests.get(server.url + "/api/millrace/v1/openapi.json", timeout=60).json()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            url = server.url + path.replace("{", "").replace("}", "")
            answer = requests.request(method, url, headers={"Host": "stranger.example"}, timeout=60)
            if operation["x-permission"] == "open":
                assert answer.status_code not in (401, 403) and answer.status_code < 500, (method, path, answer.status_code)
            else:
                assert answer.status_code == 401, (method, path, answer.status_code)
            tried += 1
    assert tried > 20
