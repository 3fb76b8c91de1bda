"""HTTP/1.1 as odd but correct clients speak it: in pieces, pipelined, chunked, half closed, slow."""
import concurrent.futures
import http.client
import json
import pathlib
import socket

import pytest
import requests

from server import up

BODY = json.dumps({"max_results": 1}).encode()
SEARCH = b"POST /api/2.0/mlflow/experiments/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = up(tmp_path_factory.mktemp("front") / "state")
    yield server
    assert server.stop() == 0


@pytest.fixture
def connection(server):
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        yield connection


def answer(connection, method="POST"):
    """One whole answer: (status, headers, body)."""
    got = http.client.HTTPResponse(connection, method=method)
    got.begin()
    return got.status, dict(got.getheaders()), got.read()


def answers(connection, count):
    """Several on one connection, read through one buffer."""
    stream, out = connection.makefile("rb"), []
    for _ in range(count):
        status = int(stream.readline().split()[1])
        headers = http.client.parse_headers(stream)
        out.append((status, stream.read(int(headers["Content-Length"]))))
    return out


def test_a_request_may_come_byte_by_byte(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in SEARCH + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY:
        connection.sendall(bytes([byte]))
    status, _, body = answer(connection)
    assert status == 200 and json.loads(body)["experiments"]


def test_pipelined_requests_are_answered_in_order(connection):
    paths = ["/health", "/version", "/nowhere", "/health"] * 50
    connection.sendall(b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode() for path in paths))
    got = answers(connection, len(paths))
    assert [status for status, _ in got] == [404 if path == "/nowhere" else 200 for path in paths]
    assert [body for status, body in got[::4]] == [b"OK"] * 50


def test_pipelined_bodies_stay_apart(connection):
    one = SEARCH + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    connection.sendall(one * 40)
    assert {status for status, _ in answers(connection, 40)} == {200}


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_body_may_come_in_chunks(connection, size):
    pieces = [BODY[i:i + size] for i in range(0, len(BODY), size)]
    connection.sendall(SEARCH + b"Transfer-Encoding: chunked\r\n\r\n")
    for piece in pieces:
        connection.sendall(b"%x;name=value\r\n%s\r\n" % (len(piece), piece))
    connection.sendall(b"0\r\nTrailer: 1\r\n\r\n" + b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    first, second = answers(connection, 2)
    assert first[0] == 200 and second == (200, b"OK")


@pytest.mark.parametrize("broken", [b"zz\r\n", b"-1\r\n", b"5\r\nab", b"ffffffffffffffffff\r\n"])
def test_broken_chunks_are_refused_and_the_connection_ends(server, connection, broken):
    connection.sendall(SEARCH + b"Transfer-Encoding: chunked\r\n\r\n" + broken + b"0\r\n" * 3)
    connection.shutdown(socket.SHUT_WR)
    got = b""
    while piece := connection.recv(65536):
        got += piece
    assert got == b"" or got.startswith(b"HTTP/1.1 400"), got
    assert requests.get(server.url + "/health", timeout=60).text == "OK"


def test_a_client_that_says_no_more_still_gets_its_answer(connection):
    connection.sendall(SEARCH + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
    connection.shutdown(socket.SHUT_WR)
    assert answer(connection)[0] == 200
    assert connection.recv(1) == b"", "and then the connection ends"


def test_expect_100_continue(connection):
    connection.sendall(SEARCH + b"Expect: 100-Continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(BODY)
    assert answer(connection)[0] == 200


def test_expect_100_continue_of_too_much_is_refused_unread(connection):
    connection.sendall(SEARCH + b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n")
    status, headers, _ = answer(connection)
    assert status == 413 and headers["Connection"] == "close"


def test_head_has_the_length_and_no_body(connection):
    connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    stream = connection.makefile("rb")
    assert stream.readline().startswith(b"HTTP/1.1 200")
    assert http.client.parse_headers(stream)["Content-Length"] == "2"
    assert stream.readline().startswith(b"HTTP/1.1 200"), "the next answer follows the head at once"


@pytest.mark.parametrize("lines,stays", [(b"HTTP/1.1\r\nHost: a", True), (b"HTTP/1.1\r\nHost: a\r\nConnection: close", False), (b"HTTP/1.0", False),
                                         (b"HTTP/1.0\r\nConnection: keep-alive", True)])
def test_who_keeps_the_connection_is_told(connection, lines, stays):
    connection.sendall(b"GET /health " + lines + b"\r\n\r\n")
    status, headers, _ = answer(connection, "GET")
    assert status == 200
    assert headers.get("Connection") == ("close" if not stays else "keep-alive" if b"1.0" in lines else None)
    if stays:
        connection.sendall(b"GET /health " + lines + b"\r\n\r\n")
        assert answer(connection, "GET")[0] == 200
    else:
        assert connection.recv(1) == b""


def test_a_large_file_to_a_slow_reader_is_whole(server, tmp_path):
    made = requests.post(server.url + "/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}, timeout=60).json()["run"]["info"]
    payload = bytes(range(256)) * (24 << 12)  # 24 MiB: more than the buffers between
    path = f"/api/2.0/mlflow-artifacts/artifacts/{made['artifact_uri'].split('artifacts:/', 1)[1].lstrip('/')}/big.bin"
    assert requests.put(server.url + path, data=payload, timeout=60).status_code == 200
    host, port = server.address.rsplit(":", 1)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect((host, int(port)))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 200")
        size = int(http.client.parse_headers(stream)["Content-Length"])
        got = stream.read(size)
        assert len(got) == size and got == payload
        assert stream.readline().startswith(b"HTTP/1.1 200"), "the next request is answered behind it"


def test_many_connections_that_ask_nothing_hold_nobody(server):
    host, port = server.address.rsplit(":", 1)
    idle = [socket.create_connection((host, int(port)), timeout=60) for _ in range(300)]
    try:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            got = list(pool.map(lambda _: requests.get(server.url + "/health", timeout=60).status_code, range(200)))
        assert got == [200] * 200
        pid = server.process.pid
        assert len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())) > 300
    finally:
        for each in idle:
            each.close()
