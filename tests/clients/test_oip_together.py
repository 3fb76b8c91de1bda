"""Requests that wait at one moment share a call of their model, and are answered as if each had come alone."""
import gzip
import http.client
import json
import socket
import struct
import subprocess

import pytest
from oip_server import BINARY, MODELS, Server
from server import go_on, stand_still


def body(at):
    return json.dumps({"id": f"at-{at}", "inputs": [{"name": "at", "shape": [len(at)], "datatype": "INT64", "data": at}]}).encode()


def request(host, text, more=""):
    return f"POST /v2/models/indexed_more/infer HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: {len(text)}\r\n\r\n".encode() + text


def asked_while_it_stands_still(server, bodies, more="", goes=frozenset(), each_times=1):
    """Sends each on its own connection while the server is stopped: all of them are there when it goes on. Those that
    `goes` numbers are broken off before; `each_times`: so often, one behind the other on the same connection."""
    host, port = server.address.split(":")
    sockets = [socket.create_connection((host, int(port)), timeout=60) for _ in bodies]
    answers = []
    try:
        for each in sockets:   # accepted before the server stops
            each.sendall(f"GET /v2/health/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            read(each)
        stand_still(server.process)
        for number, (each, text) in enumerate(zip(sockets, bodies)):
            each.sendall(request(host, text, more) * each_times)
            if number in goes:
                break_off(each)
        go_on(server.process)
        for each in (each for number, each in enumerate(sockets) if number not in goes):
            stream = each.makefile("rb")
            for _ in range(each_times):
                status, answer = read(Stream(stream))
                answers.append((status, json.loads(answer)))
    finally:
        go_on(server.process)
        for each in sockets:
            break_off(each)
    return answers


def break_off(connection):
    if connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


class Stream:
    """A connection of several answers, for http.client: what one has read ahead is the next one's."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, *_):
        return self

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def close(self):
        pass


def read(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


def counted(server):
    stats = json.loads(server.call("GET", "/v2/models/indexed_more/stats")[1])["model_stats"][0]
    return stats["inference_count"], stats["execution_count"], {each["batch_size"] for each in stats["batch_stats"]}


@pytest.mark.parametrize("options", [[], ["--isolation", "process"]], ids=["in-process", "in-a-process"])
def test_what_waits_shares_calls(options):
    server = Server(["indexed_more"], *options)
    try:
        rows = [[i % 10] * (1 + i % 3) for i in range(24)]
        answers = asked_while_it_stands_still(server, [body(at) for at in rows])
        for at, (status, answer) in zip(rows, answers):
            assert status == 200 and answer["id"] == f"at-{at}", answer
            assert answer["outputs"][0]["data"] == at and answer["outputs"][0]["shape"] == [len(at)]
        assert len({answer["parameters"]["millrace_prediction_id"] for _, answer in answers}) == len(rows)
        config = json.loads(server.call("GET", "/v2/models/indexed_more/config")[1])
        assert config["parameters"]["batching"] == {"string_value": "shared"} and config["parameters"]["runtime"]["string_value"].startswith("onnxruntime")
        inferences, executions, sizes = counted(server)
        # As many network threads as there are take their shares; each makes one call of what it finds.
        assert inferences == sum(map(len, rows)) and executions < len(rows) / 2 and max(sizes) > 3
    finally:
        assert server.close() == 0


def test_one_at_fault_does_not_fail_the_others():
    server = Server(["indexed_more"])
    try:
        rows = [[1], [2], [99], [3], [4]]
        answers = asked_while_it_stands_still(server, [*(body(at) for at in rows), b"{", body([])])
        assert [status for status, _ in answers] == [200, 200, 400, 200, 200, 400, 400]
        assert [answer["outputs"][0]["data"] for status, answer in answers if status == 200] == [[1], [2], [3], [4]]
        assert "99" in answers[2][1]["error"]
    finally:
        assert server.close() == 0


def test_what_comes_behind_is_answered_in_order_and_who_goes_away_takes_nothing_along():
    server = Server(["indexed_more"])
    try:
        rows = [[i % 10] for i in range(12)]
        answers = asked_while_it_stands_still(server, [body(at) for at in rows], goes={0, 5, 11}, each_times=3)
        left = [at for number, at in enumerate(rows) if number not in (0, 5, 11) for _ in range(3)]
        assert [(status, answer["outputs"][0]["data"]) for status, answer in answers] == [(200, at) for at in left]
        assert server.call("GET", "/v2/health/ready")[0] == 200
    finally:
        assert server.close() == 0


def test_packed_and_large_bodies_are_read_one_at_a_time():
    server = Server(["indexed_more"])
    try:
        packed = asked_while_it_stands_still(server, [gzip.compress(body([i])) for i in range(10)], more="Content-Encoding: gzip\r\n")
        assert [answer["outputs"][0]["data"] for _, answer in packed] == [[i] for i in range(10)]
        large = asked_while_it_stands_still(server, [body([i]) + b" " * (64 << 10) for i in range(10)])
        assert all(status == 200 for status, _ in large)
        assert counted(server) == (20, 20, {1})
    finally:
        assert server.close() == 0


def test_nothing_is_shared_when_batching_is_off():
    server = Server(["indexed_more"], "--batching", "off")
    try:
        assert all(status == 200 for status, _ in asked_while_it_stands_still(server, [body([i]) for i in range(10)]))
        assert counted(server) == (10, 10, {1})
    finally:
        assert server.close() == 0


def test_a_way_that_does_not_exist_is_refused():
    done = subprocess.run([BINARY, "serve", "--model", f"m={MODELS / 'linear.onnx'}", "--batching", "always"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "--batching" in done.stderr and "off, exact or close" in done.stderr, done.stderr
