"""Seats, deadlines and the end: what a server does with more than it can do."""
import http.client
import json
import signal
import socket
import subprocess
import time

import pytest
from oip_server import BINARY, MODELS, Server

BODY = json.dumps({"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}).encode()
PENDING = "nv_inference_pending_request_count"


@pytest.fixture
def server():
    running = Server(["linear"], "--queue", "1")
    yield running
    if running.process.poll() is None:
        assert running.close() == 0


class Begun:
    """A request whose head is read and whose body is not there yet."""

    def __init__(self, server, body=BODY):
        self.server, self.body = server, body
        host, port = server.address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.sendall(f"POST /v2/models/linear/infer HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        wait_until(server, 1)

    def finish(self):
        self.socket.sendall(self.body)
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        return answer.status, json.loads(answer.read()), answer.headers


def wait_until(server, pending):
    end = time.monotonic() + 180
    while server.metric(PENDING) != pending:
        assert time.monotonic() < end, server.metric(PENDING)


def test_one_more_than_the_queue_is_turned_away_by_its_head(server):
    first = Begun(server)
    status, answer, headers = server.exchange("POST", "/v2/models/linear/infer", BODY)
    assert status == 503 and headers["Retry-After"] == "1" and "1 requests are under way" in json.loads(answer)["error"]
    assert server.call("GET", "/v2/health/ready")[0] == 200
    assert first.finish()[0] == 200
    wait_until(server, 0)
    assert server.call("POST", "/v2/models/linear/infer", BODY)[0] == 200
    assert server.metric("millrace_requests_turned_away_total") == 1
    assert server.metric('nv_inference_request_failure{model="linear",version="1",arm="stable",reason="REJECTED"}') == 1


def test_a_client_that_goes_away_gives_its_seat_back(server):
    first = Begun(server)
    first.socket.close()
    wait_until(server, 0)
    assert server.call("POST", "/v2/models/linear/infer", BODY)[0] == 200


def test_a_request_that_waited_longer_than_its_timeout_is_not_begun(server):
    body = json.loads(BODY)
    body["parameters"] = {"timeout": 1000}
    late = Begun(server, json.dumps(body).encode())
    end = time.monotonic() + 0.005
    while time.monotonic() < end:
        pass
    status, answer, headers = late.finish()
    assert status == 503 and headers["Retry-After"] == "1" and "its timeout is 1000" in answer["error"] and answer["field"] == "parameters.timeout"
    assert server.metric("millrace_requests_late_total") == 1
    body["parameters"] = {"timeout": 60_000_000}
    assert Begun(server, json.dumps(body).encode()).finish()[0] == 200


def test_a_server_that_ends_answers_what_has_begun_and_takes_nothing_new(server):
    first = Begun(server)
    host, port = server.address.split(":")
    server.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + 180
    while True:
        assert time.monotonic() < end
        try:
            socket.create_connection((host, int(port)), timeout=60).close()
        except OSError:  # refused, or broken off while it closes
            break
    status, answer, headers = first.finish()
    assert status == 200 and answer["outputs"][0]["data"] == [321.5] and headers["Connection"] == "close"
    assert server.process.wait(timeout=60) == 0


@pytest.mark.parametrize("value", ["0", "-1", "1025", "x"])
def test_the_queue_has_limits(value):
    done = subprocess.run([BINARY, "serve", "--http", "127.0.0.1:0", "--model", f"linear={MODELS / 'linear.onnx'}", "--queue", value],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--queue" in done.stderr
