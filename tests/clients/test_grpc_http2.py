"""The gRPC front below its calls: frames that no client library sends, clients that stop listening, calls that come at the same moment."""
import re
import resource
import signal
import socket
import struct
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, Rude, fields, frame, head,
                   message, text)
from server import ROOT, Server, go_on, stand_still, until
from tritonclient.grpc import service_pb2 as pb

MODELS = ROOT / "src/serve/testdata"
SERVICE = "/inference.GRPCInferenceService/"
Code = grpc.StatusCode


def serve(*options, model="linear"):
    return Server("serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--model", f"{model}={MODELS / model}.onnx", *options)


@pytest.fixture(scope="module")
def server():
    running = serve()
    yield running
    assert running.stop() == 0, "".join(running.errors)[-2000:]


def request(value=1.0, rows=1, **more):
    x = np.full((rows, 3), value, dtype=np.float32)
    return pb.ModelInferRequest(model_name="linear", inputs=[{"name": "x", "datatype": "FP32", "shape": [rows, 3]}], raw_input_contents=[x.tobytes()],
                                **more).SerializeToString()


def answer_of(body):
    assert body[0] == 0 and struct.unpack(">I", body[1:5])[0] == len(body) - 5
    return np.frombuffer(pb.ModelInferResponse.FromString(body[5:]).raw_output_contents[0], dtype=np.float32)


def assert_lives(server):
    with Rude(server.grpc) as client:
        client.send(head("ModelInfer"), frame(DATA, END_STREAM, 1, message(request())))
        assert answer_of(client.until(DATA, 1)[3])[0] == np.float32(111.5)


def assert_refused(client, stream, code, said):
    _, flags, _, head_of = client.until(HEADERS, stream)
    assert flags & END_STREAM and head_of[":status"] == "200"
    assert head_of["grpc-status"] == str(code.value[0]) and said in head_of["grpc-message"]


def memory(server):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())[1]) << 10


def test_a_call_in_single_bytes(server):
    with Rude(server.grpc) as client:
        body = message(request(2.0))
        for part in (head("ModelInfer", flags=0)[:-1], head("ModelInfer", flags=0)[-1:], frame(CONTINUATION, END_HEADERS, 1)):
            client.send(part)
        for byte in body:
            client.send(frame(DATA, 0, 1, bytes([byte])))
        client.send(frame(DATA, END_STREAM, 1))
        assert answer_of(client.until(DATA, 1)[3])[0] == np.float32(222.5)
        _, flags, _, last = client.until(HEADERS, 1)
        assert flags & END_STREAM and last == {"grpc-status": "0"}


def test_what_is_not_grpc_is_told_by_http(server):
    with Rude(server.grpc) as client:
        client.send(head("ModelInfer", verb="GET", flags=END_HEADERS | END_STREAM))
        assert client.until(HEADERS, 1)[3][":status"] == "405"
        client.send(head("ModelInfer", stream=3, content_type="application/json"), frame(DATA, END_STREAM, 3, b"{}"))
        assert client.until(HEADERS, 3)[3][":status"] == "415"
        client.send(head("ModelInfer", stream=5, content_type="application/grpc+proto"), frame(DATA, END_STREAM, 5, message(request())))
        assert answer_of(client.until(DATA, 5)[3])[0] == np.float32(111.5)


@pytest.mark.parametrize("messages, code, said", [
    ([], Code.UNIMPLEMENTED, "one message, not none"), ([request(), request()], Code.UNIMPLEMENTED, "one message, not more")], ids=["none", "two"])
def test_a_unary_call_has_one_message(server, messages, code, said):
    with grpc.insecure_channel(server.grpc) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.stream_unary(SERVICE + "ModelInfer")(iter(messages))
    assert refused.value.code() == code and said in refused.value.details()
    assert_lives(server)


def test_a_message_that_is_cut_short_is_refused(server):
    with Rude(server.grpc) as client:
        client.send(head("ModelInfer"), frame(DATA, END_STREAM, 1, message(request())[:-1]))
        assert_refused(client, 1, Code.INVALID_ARGUMENT, "cut short")
        client.send(head("ModelInfer", stream=3), frame(DATA, END_STREAM, 3, message(b"x", packed=1)))
        assert_refused(client, 3, Code.UNIMPLEMENTED, "compressed")


def test_the_rest_of_a_refused_message_need_not_be_sent(server):
    with Rude(server.grpc) as client:
        client.send(head("ModelInfer"), frame(DATA, 0, 1, b"\0" + struct.pack(">I", 1 << 31)))
        assert_refused(client, 1, Code.RESOURCE_EXHAUSTED, "2147483648 bytes")
        reset = client.until(RST_STREAM, 1)
        assert reset[3] == bytes(4)  # NO_ERROR
        client.send(frame(DATA, 0, 1, b"x" * 1000))  # was on its way
        client.send(head("ModelInfer", stream=3), frame(DATA, END_STREAM, 3, message(request())))
        assert answer_of(client.until(DATA, 3)[3])[0] == np.float32(111.5)


@pytest.mark.parametrize("timeout, known", [("1S", True), ("soon", False), ("123456789S", False), ("-1S", False)])
def test_time_limits(server, timeout, known):
    with Rude(server.grpc) as client:
        client.send(head("ModelInfer", more=[("grpc-timeout", timeout)]), frame(DATA, END_STREAM, 1, message(request())))
        if known:
            assert answer_of(client.until(DATA, 1)[3])[0] == np.float32(111.5)
        else:
            assert_refused(client, 1, Code.INVALID_ARGUMENT, f"'{timeout}' is no time limit")


def test_a_call_whose_time_is_over_is_not_run(server):
    with Rude(server.grpc) as client:
        client.send(head("ModelInfer", more=[("grpc-timeout", "1n")]), frame(DATA, END_STREAM, 1, message(request())))
        assert_refused(client, 1, Code.DEADLINE_EXCEEDED, "time limit of the call was over")


@pytest.mark.parametrize("garbage", [
    frame(DATA, 0, 0, b"x"), frame(HEADERS, END_HEADERS, 2, fields((":method", "POST"))), frame(HEADERS, END_HEADERS, 1, b"\xff" * 100),
    frame(SETTINGS, 0, 0, b"x"), frame(WINDOW_UPDATE, 0, 0, bytes(4)), frame(PING, 0, 0, b"short"), b"\xff" * 300,
    head("ModelInfer", flags=0) + frame(DATA, 0, 1, b"amid a head"),
], ids=["data of no stream", "even stream", "bad compression", "bad settings", "no window", "short ping", "noise", "no end of a head"])
def test_broken_frames_end_their_connection_only(server, garbage):
    with Rude(server.grpc) as client:
        client.greeted()
        client.send(garbage)
        client.socket.shutdown(1)
        assert GOAWAY in [kind for kind, *_ in client.to_the_end()]
    assert_lives(server)


def test_heads_without_an_end_take_no_memory(server):
    before = memory(server)
    with Rude(server.grpc) as client:
        client.send(head("ModelInfer", flags=0))
        piece = frame(CONTINUATION, 0, 1, b"".join(b"\x00" + text("x") + text("y" * 1000) for _ in range(16)))
        try:
            for _ in range(4000):
                client.send(piece)
        except OSError:  # the server may have had enough
            pass
    assert memory(server) - before < 32 << 20
    assert_lives(server)


def test_calls_that_are_reset_at_once_do_no_harm(server):
    before = memory(server)
    with Rude(server.grpc) as client:
        try:
            for number in range(20_000):
                stream = 2 * number + 1
                client.send(head("ModelInfer", stream=stream), frame(RST_STREAM, 0, stream, bytes([0, 0, 0, 8])))
        except OSError:
            pass
    assert memory(server) - before < 32 << 20
    assert_lives(server)


def test_a_client_that_takes_no_answers_gets_no_more_of_them(server):
    """Its window is closed: answers wait, up to a limit, and then it may not send more; another client notices nothing."""
    rows = message(request(rows=20_000))  # 240,000 bytes, answered with 80,000
    before = memory(server)
    with Rude(server.grpc, settings=struct.pack(">HI", 4, 0), timeout=2) as client:
        allowed = window = client.greeted()
        client.send(head("ModelStreamInfer"))
        sent = at = silent = 0
        while sent < 100 << 20 and silent < 2:
            while allowed > 0:
                piece = (rows[at:] + rows)[:min(allowed, 16_384)]
                client.send(frame(DATA, 0, 1, piece))
                sent, allowed, at = sent + len(piece), allowed - len(piece), (at + len(piece)) % len(rows)
            try:
                allowed += struct.unpack(">I", client.until(WINDOW_UPDATE, 1)[3])[0]
                silent = 0
            except TimeoutError:  # no more is wanted, or the machine is busy
                assert_lives(server)
                silent += 1
        assert window < sent < 10 << 20
        assert memory(server) - before < 30 << 20
        assert_lives(server)
        # It listens again, and goes on.
        client.send(frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1 << 30)), frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
        assert client.until(WINDOW_UPDATE, 1)


def test_a_client_beyond_its_window_is_cut_off(server):
    with Rude(server.grpc, settings=struct.pack(">HI", 4, 0)) as client:
        client.send(head("ModelStreamInfer"))
        rows = message(request(rows=20_000))
        for _ in range(20):
            for at in range(0, len(rows), 16_384):
                client.send(frame(DATA, 0, 1, rows[at:at + 16_384]))
        assert client.until(RST_STREAM, 1)[3] == struct.pack(">I", 3)  # FLOW_CONTROL_ERROR
    assert_lives(server)


def test_closed_windows_hold_answers_until_they_open(server):
    with Rude(server.grpc, settings=struct.pack(">HI", 4, 0)) as client:
        client.send(head("ModelInfer"))
        body = message(request(rows=5_000))
        for at in range(0, len(body), 16_000):
            client.send(frame(DATA, END_STREAM if at + 16_000 >= len(body) else 0, 1, body[at:at + 16_000]))
        assert client.until(HEADERS, 1)[1] & END_STREAM == 0
        got = b""
        size = 5 + 5_000 * 4
        while len(got) < size:
            client.send(frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 3_000)))
            piece = client.until(DATA, 1)
            assert len(piece[3]) <= 3_000
            got += piece[3]
            size = 5 + struct.unpack(">I", got[1:5])[0]
        assert answer_of(got).tolist() == [111.5] * 5_000


def test_pings_are_answered(server):
    with Rude(server.grpc) as client:
        client.send(frame(PING, 0, 0, b"12345678"))
        assert client.until(PING)[1:] == (ACK, 0, b"12345678")


def test_connections_that_say_nothing_are_closed(server):
    host, port = server.grpc.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as silent:
        while silent.recv(4096):  # its settings, then the end after ten seconds
            pass


def counts(server, name="nv_inference_exec_count"):
    with urllib.request.urlopen(server.url + "/metrics") as got:
        return sum(float(line.rsplit(" ", 1)[1]) for line in got.read().decode().splitlines() if line.startswith(name + "{"))


@pytest.mark.parametrize("connections", [1, 6])
def test_calls_that_wait_at_the_same_moment_share_calls_of_the_model(server, connections):
    """While the server is stopped, calls arrive; continued, it finds them together."""
    before = counts(server)
    clients = [Rude(server.grpc) for _ in range(connections)]
    try:
        for client in clients:
            client.greeted()
        stand_still(server.process)
        each = 24 // connections
        for number, client in enumerate(clients):
            for call in range(each):
                stream = 2 * call + 1
                client.send(head("ModelInfer", stream=stream), frame(DATA, END_STREAM, stream, message(request(number * each + call))))
        # One of them is at fault: it alone fails.
        bad = 2 * each + 1
        clients[0].send(head("ModelInfer", stream=bad), frame(DATA, END_STREAM, bad, message(pb.ModelInferRequest(model_name="absent").SerializeToString())))
        go_on(server.process)
        refused = None
        for number, client in enumerate(clients):
            answers = {}
            while len(answers) < each or (client is clients[0] and refused is None):
                kind, flags, stream, body = client.read()
                if kind == DATA:
                    answers[stream] = answer_of(body)[0]
                if kind == HEADERS and stream == bad:
                    refused = body
            assert answers == {2 * call + 1: np.float32((number * each + call) * 111 + 0.5) for call in range(each)}
        assert refused["grpc-status"] == str(Code.NOT_FOUND.value[0]) and "there is no model 'absent'" in refused["grpc-message"]
        assert 1 <= counts(server) - before < 12
    finally:
        go_on(server.process)
        for client in clients:
            client.socket.close()


def test_calls_that_are_taken_back_before_their_turn_are_not_run(server):
    before = counts(server)
    with Rude(server.grpc) as client:
        client.greeted()
        stand_still(server.process)
        try:
            for call in range(10):
                stream = 2 * call + 1
                client.send(head("ModelInfer", stream=stream), frame(DATA, END_STREAM, stream, message(request(call))),
                            frame(RST_STREAM, 0, stream, bytes([0, 0, 0, 8])))
        finally:
            go_on(server.process)
        client.send(frame(PING, 0, 0, b"all read"))
        client.until(PING)
    assert counts(server) == before


def test_batching_off_holds_for_grpc():
    running = serve("--batching", "off")
    try:
        before = counts(running)
        with grpc.insecure_channel(running.grpc) as channel, ThreadPoolExecutor(8) as pool:
            call = channel.unary_unary(SERVICE + "ModelInfer")
            answers = [pb.ModelInferResponse.FromString(each) for each in pool.map(call, [request(number) for number in range(64)])]
        assert [np.frombuffer(each.raw_output_contents[0], np.float32)[0] for each in answers] == [np.float32(number * 111 + 0.5) for number in range(64)]
        assert counts(running) - before == 64
    finally:
        assert running.stop() == 0


def test_calls_whose_answers_wait_for_disk_may_be_late(tmp_path):
    running = serve("--log", tmp_path, "--log-sync", "strict")
    try:
        with grpc.insecure_channel(running.grpc) as channel:
            call = channel.unary_unary(SERVICE + "ModelInfer")
            pending = [call.future(request(number), timeout=30) for number in range(200)]
            for each in pending[::3]:
                each.cancel()
            good = [each.result() for number, each in enumerate(pending) if number % 3 != 0]
            assert len(good) == 133
        assert_lives(running)
    finally:
        assert running.stop() == 0


def test_a_stopping_server_answers_what_was_sent(server):
    running = serve()
    with Rude(running.grpc) as client:
        client.greeted()
        stand_still(running.process)
        for call in range(20):
            client.send(head("ModelInfer", stream=2 * call + 1), frame(DATA, END_STREAM, 2 * call + 1, message(request(call))))
        running.process.send_signal(signal.SIGTERM)
        go_on(running.process)
        frames = client.to_the_end()
        answered = [answer_of(body)[0] for kind, _, _, body in frames if kind == DATA]
        assert answered == [np.float32(call * 111 + 0.5) for call in range(20)]
        assert GOAWAY in [kind for kind, *_ in frames]
    until(lambda: running.process.poll() is not None)
    assert running.stop() == 0


def test_hundreds_of_connections_are_served_at_once(server):
    before = memory(server)
    clients = []
    try:
        for _ in range(400):
            clients.append(Rude(server.grpc))
        for number, client in enumerate(clients):
            client.send(head("ModelInfer"), frame(DATA, END_STREAM, 1, message(request(number))))
        assert [answer_of(client.until(DATA, 1)[3])[0] for client in clients] == [np.float32(number * 111 + 0.5) for number in range(400)]
        assert memory(server) - before < 400 * (100 << 10)
    finally:
        for client in clients:
            client.socket.close()
    assert_lives(server)


def test_without_free_descriptors_new_connections_wait_for_their_turn():
    running = serve()
    clients = []
    try:
        clients.append(Rude(running.grpc))
        clients[0].greeted()
        _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
        used = max(int(each.name) for each in Path(f"/proc/{running.process.pid}/fd").iterdir()) + 1
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (used + 4, hard))
        clients += [Rude(running.grpc) for _ in range(40)]
        for client in clients:
            client.send(head("ModelInfer"), frame(DATA, END_STREAM, 1, message(request())))
        # Those that are in are answered; each that leaves lets another in, until all have been.
        for client in clients:
            assert answer_of(client.until(DATA, 1)[3])[0] == np.float32(111.5)
            client.socket.close()
        assert_lives(running)
    finally:
        for client in clients:
            client.socket.close()
        assert running.stop() == 0
