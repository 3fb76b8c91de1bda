"""One prediction over HTTP against the bare ONNX Runtime call, in the same run and on the same model and rows.

    build/deps/venv/bin/python bench/predict.py [--requests N] [--record]

Figures are CPU time of the serving process a request (user and system), which a busy machine disturbs least; latency and
throughput are in the table for orientation. The rival is a Python loop over one onnxruntime session with one thread: no network,
no parsing, no contract, no log. --record writes the section "Prediction" of docs/benchmarks.md.
"""
import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import lightgbm
import numpy as np
import onnxruntime
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("MILLRACE_BIN", str(ROOT / "build/millrace"))
PAGE = ROOT / "docs/benchmarks.md"
FEATURES, TREES, LEAVES = 14, 200, 31
TICK = os.sysconf("SC_CLK_TCK")


def make_model(path):
    """A boosted ensemble of the size that a tabular model has."""
    random = np.random.default_rng(7)
    rows = random.normal(size=(20_000, FEATURES)).astype(np.float32)
    label = (rows @ random.normal(size=FEATURES) + random.normal(size=len(rows)) > 0).astype(int)
    booster = lightgbm.train({"objective": "binary", "num_leaves": LEAVES, "seed": 7, "verbosity": -1, "num_threads": 2, "deterministic": True},
                             lightgbm.Dataset(rows, label), TREES)
    model = convert_lightgbm(booster, initial_types=[("x", FloatTensorType([None, FEATURES]))], zipmap=False, target_opset=15)
    path.write_bytes(model.SerializeToString())
    return rows


def cpu_seconds(pid):
    """User and system time of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def bare(path, rows, batch, calls):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # the converter declares a wrong shape, and the runtime says so at every call
    session = onnxruntime.InferenceSession(str(path), options)
    feeds = [{"x": rows[i * batch:(i + 1) * batch]} for i in range(100)]
    for feed in feeds:
        session.run(None, feed)
    cpu, times = time.process_time(), []
    for call in range(calls):
        began = time.perf_counter()
        session.run(None, feeds[call % len(feeds)])
        times.append(time.perf_counter() - began)
    return (time.process_time() - cpu) / calls * 1e6, statistics.median(times) * 1e6


def request_bytes(address, rows):
    body = json.dumps({"inputs": [{"name": "x", "shape": list(rows.shape), "datatype": "FP32", "data": [float(f"{value:.6g}") for value in rows.ravel()]}]}).encode()
    return b"POST /v2/models/bench/infer HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (address.encode(), len(body)) + body


def read_answer(connection, buffer):
    while b"\r\n\r\n" not in buffer:
        buffer += connection.recv(65536)
    head, _, rest = buffer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"the server answered {head[:100]!r} {rest[:300]!r}")
    size = int(re.search(rb"content-length: (\d+)", head.lower())[1])
    while len(rest) < size:
        rest += connection.recv(65536)
    return rest[size:]


def ask(address, messages, count, times):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        left = b""
        for number in range(count):
            began = time.perf_counter()
            connection.sendall(messages[number % len(messages)])
            left = read_answer(connection, left)
            times.append(time.perf_counter() - began)


def served(pid, address, messages, connections, requests):
    ask(address, messages, 200, [])
    cpu, began = cpu_seconds(pid), time.perf_counter()
    times = [[] for _ in range(connections)]
    threads = [threading.Thread(target=ask, args=(address, messages, requests // connections, each)) for each in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = sum(map(len, times))
    return (cpu_seconds(pid) - cpu) / done * 1e6, statistics.median(sum(times, [])) * 1e6, done / (time.perf_counter() - began)


def measure(requests):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.onnx"
        rows = make_model(path)
        command = [BINARY, "serve", "--model", f"bench={path}", "--http", "127.0.0.1:0", "--log", str(Path(folder) / "log")]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = server.stdout.readline().split()[1].removeprefix("http=").removeprefix("http://")
            lines = []
            for batch in (1, 100):
                messages = [request_bytes(address, rows[i * batch:(i + 1) * batch]) for i in range(100)]
                count = requests if batch == 1 else requests // 10
                base, median = bare(path, rows, batch, count)
                lines.append((batch, "onnxruntime, in process", base, 1.0, median, None))
                for connections in (1, 8):
                    cpu, median, rate = served(server.pid, address, messages, connections, count)
                    lines.append((batch, f"millrace serve, {connections} connection{'s' if connections > 1 else ''}", cpu, cpu / base, median, rate))
            return lines
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


def table(lines):
    out = ["| rows a request | who | CPU us a request | x bare | median us | requests/s |", "|---|---|---|---|---|---|"]
    for batch, who, cpu, ratio, median, rate in lines:
        out.append(f"| {batch} | {who} | {cpu:.1f} | {ratio:.2f} | {median:.0f} | {'' if rate is None else f'{rate:,.0f}'} |")
    return "\n".join(out)


def record(text, requests):
    version = onnxruntime.__version__
    section = (f"## Prediction\n\nOne prediction over HTTP/1.1 (JSON, keep-alive, with the prediction log on) against the bare ONNX Runtime {version} call: "
               f"{TREES} trees of {LEAVES} leaves, {FEATURES} inputs, {requests:,} requests, {os.cpu_count()} cores shared with the client; "
               f"load average {os.getloadavg()[0]:.1f}. `build/deps/venv/bin/python bench/predict.py --record`\n\n{text}\n")
    page = PAGE.read_text() if PAGE.exists() else "# Benchmarks\n"
    found = re.search(r"^## Prediction\n.*?(?=^## |\Z)", page, re.M | re.S)
    page = page[:found.start()] + section + ("\n" if found.end() < len(page) else "") + page[found.end():] if found else page.rstrip() + "\n\n" + section
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--requests", type=int, default=20_000)
    arguments.add_argument("--record", action="store_true")
    chosen = arguments.parse_args()
    text = table(measure(chosen.requests))
    print(text)
    if chosen.record:
        record(text, chosen.requests)
