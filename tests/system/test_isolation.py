"""Models that do harm: files that are tried in a child first, models in processes of their own, and a server that is started again."""
import json
import os
import pathlib
import signal
import threading

import ml_dtypes
import numpy as np
import onnx
import pytest
import requests
import tritonclient.grpc as tritongrpc
import tritonclient.http as triton
from onnx import TensorProto as T
from onnx import helper

from server import ROOT, Crowd, Server, run, until, up
from shop import REQUEST, Shop

MODELS = ROOT / "src/serve/testdata"
X = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]}


def serve(*options, models=("linear",)):
    words = [word for name in models for word in ("--model", f"{name}={MODELS / name}.onnx")]
    return Server("serve", "--http", "127.0.0.1:0", *words, *options)


def log_lines(server, event):
    found = [json.loads(line) for line in list(server.errors) if f'"{event}"' in line]
    return [line for line in found if line.get("event") == event]


def metric(server, name):
    lines = requests.get(server.url + "/metrics", timeout=60).text.splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name + " ")))


def wide_shape():
    """A few bytes that claim a tensor of a billion by a billion."""
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [helper.make_tensor_value_info("x", T.FLOAT, [None, 1])],
                              [helper.make_tensor_value_info("y", T.FLOAT, [10**9, 10**9])],
                              [onnx.TensorProto(name="w", data_type=T.FLOAT, dims=[10**9, 10**9], raw_data=b"1234")])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 15)])


def refuses(path, *options):
    done = run("serve", "--http", "127.0.0.1:0", "--model", f"bad={path}", *options)
    assert "ready" not in done.stdout and str(path) in done.stderr, done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("how", ["in_process", "process"])
def test_files_that_do_harm_are_refused_and_named(tmp_path, how):
    def written(data):
        path = tmp_path / "m.onnx"
        path.write_bytes(data)
        return path
    isolation = ("--isolation", how)
    code, text = refuses(MODELS / "huge.onnx", *isolation)
    assert code == 2 and "memory" in text
    code, text = refuses(MODELS / "endless.onnx", *isolation, "--trial-seconds", "1")
    assert code == 2 and "took longer than 1 s, which is the limit" in text and "--trial-seconds" in text
    code, text = refuses(written((MODELS / "columns.onnx").read_bytes()[:200]), *isolation)
    assert code == 7 and "cut short" in text
    code, text = refuses(MODELS / "external.onnx", *isolation)
    assert code == 2 and "lies in another file" in text
    code, text = refuses(written(wide_shape().SerializeToString()), *isolation)
    assert code in (2, 7)
    code, text = refuses(written(b"\x08\x08" + nested(200)), *isolation)
    assert code == 2 and "nested more than" in text
    assert refuses(written(b""), *isolation)[0] == 7


def nested(depth):
    """graph { node { attribute { graph ... } } }, by hand: onnx itself will not write it."""
    def field(tag, data):
        size, out = len(data), bytearray([tag])
        while size > 0x7F:
            out.append(size & 0x7F | 0x80)
            size >>= 7
        return bytes(out) + bytes([size]) + data
    data = b""
    for _ in range(depth):
        data = field(0x0A, field(0x2A, field(0x32, data)))
    return field(0x3A, data)


def test_a_bad_option_is_refused_with_the_way_out():
    done = run("serve", "--model", f"linear={MODELS / 'linear.onnx'}", "--http", "127.0.0.1:0", "--isolation", "thread")
    assert done.returncode == 2 and "'thread' is no isolation of a model" in done.stderr
    done = run("serve", "--model", f"linear={MODELS / 'linear.onnx'}", "--http", "127.0.0.1:0", "--answer-seconds", "0")
    assert done.returncode == 2 and "--answer-seconds is from 1 to 3600, not 0" in done.stderr


KINDS = {"bool": np.bool_, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "i8": np.int8, "i16": np.int16,
         "i32": np.int32, "i64": np.int64, "f32": np.float32, "f64": np.float64, "text": np.object_,
         "f16": np.float16, "bf16": ml_dtypes.bfloat16}
DATATYPES = {"bool": "BOOL", "u8": "UINT8", "u16": "UINT16", "u32": "UINT32", "u64": "UINT64", "i8": "INT8", "i16": "INT16", "i32": "INT32",
             "i64": "INT64", "f32": "FP32", "f64": "FP64", "text": "BYTES", "f16": "FP16", "bf16": "BF16"}


def test_a_model_in_a_process_answers_bit_by_bit_as_one_in_the_server():
    answers = []
    for how in ("in_process", "process"):
        server = serve("--isolation", how, models=["every_type"])
        random = np.random.default_rng(3)
        try:
            with triton.InferenceServerClient(server.address) as client:
                for rows in (1, 2, 1000, 50_000):
                    inputs = []
                    for name, kind in KINDS.items():
                        bits = random.integers(0, 256, rows * 8, dtype=np.uint8)
                        array = (bits[:rows] % 2).astype(bool) if name == "bool" else np.array([b"%d\0\xff" % b for b in bits[:rows]], dtype=object) \
                            if name == "text" else bits.view(kind)[:rows]
                        inputs.append(triton.InferInput("in_" + name, [rows], DATATYPES[name]))
                        inputs[-1].set_data_from_numpy(array, binary_data=True)
                    answer = client.infer("every_type", inputs, outputs=[triton.InferRequestedOutput("out_" + name, binary_data=True) for name in KINDS])
                    answers.append([answer.as_numpy("out_" + name).tobytes() if name != "text" else list(answer.as_numpy("out_text")) for name in KINDS])
        finally:
            assert server.stop() == 0
    half = len(answers) // 2
    assert answers[:half] == answers[half:]


class Load(Crowd):
    """Clients that ask without pause and note what comes back: a status, or that the connection broke."""

    def __init__(self, server, model="linear", clients=32):
        self.url = f"{server.url}/v2/models/{model}/infer"
        self.changed = threading.Condition()
        self.seen = {}
        super().__init__(*[self.work] * clients)

    def work(self):
        session = requests.Session()
        while not self.stopping:
            try:
                answer = session.post(self.url, json=X, timeout=60)
                what = answer.status_code
                if (what == 200 and answer.json()["outputs"][0]["data"] != [321.5]) or (what == 503 and "the model's process" not in answer.text):
                    what = answer.text
            except requests.RequestException:
                what = "broken"
                session = requests.Session()
            with self.changed:
                self.seen[what] = self.seen.get(what, 0) + 1
                self.changed.notify_all()

    def wait_for(self, more, what=200):
        with self.changed:
            aim = self.seen.get(what, 0) + more
            assert self.changed.wait_for(lambda: self.seen.get(what, 0) >= aim, timeout=120), self.seen


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
def test_a_model_that_dies_or_stands_still_takes_nobody_with_it(how):
    # Time enough for a busy machine: whatever takes longer ends a model's process too.
    server = serve("--isolation", "process", "--answer-seconds", "5", models=["linear", "columns"])
    try:
        until(lambda: len(log_lines(server, "model_process_started")) == 2)
        victim = next(line["pid"] for line in log_lines(server, "model_process_started") if "linear" in line["file"])
        with Load(server) as load:
            load.wait_for(300)
            os.kill(victim, how)
            until(lambda: metric(server, "millrace_model_process_restarts_total") == 1)
            assert requests.post(f"{server.url}/v2/models/columns/infer", json=REQUEST, timeout=60).status_code == 200
            load.wait_for(300)
        assert set(load.seen) <= {200, 503}, load.seen
        until(lambda: log_lines(server, "model_process_ended"))
        [ended] = log_lines(server, "model_process_ended")
        assert ("took longer than 5 s" if how == signal.SIGSTOP else f"signal {int(how)}") in ended["why"]
        assert metric(server, "millrace_model_processes") == 2
    finally:
        assert server.stop() == 0


def resident(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:")))


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def test_fifty_swaps_under_load_in_processes_fail_no_request_and_keep_memory_flat(tmp_path):
    shop = Shop(tmp_path)
    shop.change("millrace.yaml", "{model: long, unit: shop}", "{model: long, unit: shop, isolation: process}")
    server = up(shop.state, "--project", shop.folder)
    try:
        shop.release()
        shop.second()
        until(lambda: len(children(server.process.pid)) == 1)  # the stable arm's
        versions, failures, stop = {"1": 0, "2": 0}, [], threading.Event()

        def work():
            session = requests.Session()
            while not stop.is_set():
                answer = session.post(server.url + "/v2/models/long/infer", json=REQUEST, timeout=60)
                if answer.status_code != 200:
                    failures.append(answer.text)
                    return
                versions[answer.json()["model_version"]] += 1
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            sizes = []
            for turn in range(50):
                move = {"why": "a swap", "version": 2 - (turn % 2), "arm": "stable"}
                answer = requests.post(f"{server.url}/api/millrace/v1/deployments/long/releases", json=move, timeout=60)
                assert answer.status_code in (200, 201), answer.text
                if turn >= 10:
                    sizes.append(resident(server.process.pid))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failures, failures[:3]
        assert all(versions.values())
        until(lambda: len(children(server.process.pid)) <= 3)  # what is served, and the models used last
        assert max(sizes[-10:]) < max(sizes[:10]) + 32 * 1024, sizes
    finally:
        assert server.stop() == 0


def test_a_bad_release_in_a_process_leaves_the_one_before(tmp_path):
    shop = Shop(tmp_path)
    shop.release()
    (shop.folder / "columns.onnx").write_bytes((MODELS / "huge.onnx").read_bytes())
    shop.good("run")
    shop.good("model", "register", "long")
    shop.good("model", "gates", "long", "2")
    shop.good("model", "approve", "long", "2", "--why", "nobody looked")
    server = up(shop.state, "--project", shop.folder)
    try:
        refused = shop.run("release", "create", "long", "--version", "2", "--why", "let us see")
        assert refused.returncode == 2 and "memory" in refused.stderr, refused.stderr
        answer = requests.post(server.url + "/v2/models/long/infer", json=REQUEST, timeout=60)
        assert answer.status_code == 200 and answer.json()["model_version"] == "1"
    finally:
        assert server.stop() == 0


def worker_of(server):
    [child] = children(server.process.pid)
    return child


def test_a_supervised_server_that_is_killed_under_load_is_back_on_the_same_port(tmp_path):
    server = serve("--supervise", "--log", str(tmp_path / "log"))
    try:
        for _ in range(2):
            with Load(server) as load:
                load.wait_for(200)
                os.kill(worker_of(server), signal.SIGKILL)
                load.wait_for(1, "broken")
                load.wait_for(200)
            assert set(load.seen) <= {200, "broken"}, load.seen
        crashed = log_lines(server, "server_crashed")
        assert [line["why"] for line in crashed] == ["signal 9", "signal 9"]
    finally:
        assert server.stop() == 0


def test_calls_of_grpc_wait_too_while_a_supervised_server_is_started_again():
    server = serve("--supervise", "--grpc", "127.0.0.1:0")
    try:
        x = tritongrpc.InferInput("x", [1, 3], "FP32")
        x.set_data_from_numpy(np.ones((1, 3), dtype=np.float32))
        for _ in range(3):
            with tritongrpc.InferenceServerClient(server.grpc) as client:
                assert client.infer("linear", [x]).as_numpy("y")[0] == 111.5
            worker = worker_of(server)
            os.kill(worker, signal.SIGKILL)
            until(lambda worker=worker: not pathlib.Path(f"/proc/{worker}").exists())
            # Refused by nobody: it waits in the backlog until the next server takes it.
            with tritongrpc.InferenceServerClient(server.grpc) as client:
                assert client.infer("linear", [x]).as_numpy("y")[0] == 111.5
        taken = run("serve", "--supervise", "--http", "127.0.0.1:0", "--grpc", server.grpc, "--model", f"linear={MODELS / 'linear.onnx'}")
        assert taken.returncode == 5 and f"cannot listen on {server.grpc}" in taken.stderr and "--grpc HOST:PORT" in taken.stderr
    finally:
        assert server.stop() == 0


def test_a_supervised_owner_recovers_its_state_and_its_log(tmp_path):
    shop = Shop(tmp_path)
    shop.release()
    server = up(shop.state, "--supervise", "--project", shop.folder)
    try:
        ids = []
        for _ in range(3):
            answer = requests.post(server.url + "/v2/models/long/infer", json=REQUEST, timeout=60)
            ids.append(answer.json()["parameters"]["millrace_prediction_id"])
            worker = worker_of(server)
            os.kill(worker, signal.SIGKILL)
            until(lambda worker=worker: not pathlib.Path(f"/proc/{worker}").exists())
        # Waits in the backlog until the next server takes it.
        assert requests.post(server.url + "/v2/models/long/infer", json=REQUEST, timeout=60).status_code == 200
        for prediction in ids:
            assert requests.get(f"{server.url}/api/millrace/v1/predictions/{prediction}", timeout=60).status_code == 200
    finally:
        assert server.stop() == 0
    assert run("audit", "verify", state=shop.state).returncode == 0


def test_a_server_that_crashes_again_and_again_is_given_up(tmp_path):
    server = Server("serve", "--supervise", "--http", "127.0.0.1:0", "--model", f"linear={MODELS / 'linear.onnx'}", "--log", str(tmp_path / "log"),
                    env={"MILLRACE_FAULT": "serve.prediction_log.after_begin:1"})
    while server.process.poll() is None:
        with pytest.raises(requests.ConnectionError):
            requests.post(server.url + "/v2/models/linear/infer", json=X, timeout=60)
    assert server.process.returncode == 70
    server.stop_reading()
    assert "crashed 6 times within 60 s (last: signal 9) and is not started again" in "".join(server.errors)


def test_a_supervised_server_ends_as_it_would_alone(tmp_path):
    done = run("serve", "--supervise", "--http", "127.0.0.1:0", "--model", f"a={tmp_path / 'absent.onnx'}")
    assert done.returncode == 3 and "absent.onnx" in done.stderr
    assert run("serve", "--supervise", "--http", "127.0.0.1:0").returncode == 2
    first = serve("--supervise")
    taken = run("serve", "--supervise", "--http", first.address, "--model", f"linear={MODELS / 'linear.onnx'}")
    assert taken.returncode == 5 and "cannot listen on" in taken.stderr
    child = worker_of(first)
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(timeout=60) == 0
    first.stop_reading()
    assert not pathlib.Path(f"/proc/{child}").exists()


def test_a_server_whose_supervisor_is_killed_stops_too():
    server = serve("--supervise")
    child = worker_of(server)
    server.process.kill()
    server.process.wait()
    until(lambda: not pathlib.Path(f"/proc/{child}").exists() or "Z" in pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0])
    server.stop_reading()
