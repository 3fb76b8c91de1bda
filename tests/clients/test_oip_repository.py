"""The model repository, configuration, statistics and metrics of the Open Inference Protocol, with the genuine client."""
import http.client
import json
import shutil
import threading

import numpy as np
import pytest
from oip_server import MODELS, Server, tensor
from tritonclient.utils import InferenceServerException


@pytest.fixture
def swapped(tmp_path):
    """A server of one model `m` whose file the test replaces, and that file."""
    file = tmp_path / "m.onnx"
    shutil.copy(MODELS / "linear.onnx", file)
    running = Server(["columns"], files={"m": file})
    yield running, file
    assert running.close() == 0


def ones(rows=1):
    return [tensor("x", np.ones((rows, 3), dtype=np.float32), "FP32", True)]


def test_the_client_loads_unloads_and_lists(swapped):
    server, file = swapped
    with server.client() as client:
        assert client.infer("m", ones()).as_numpy("y")[0][0] == np.float32(111.5)
        shutil.copy(MODELS / "linear_later.onnx", file)
        assert client.infer("m", ones()).as_numpy("y")[0][0] == np.float32(111.5)
        client.load_model("m")
        assert client.infer("m", ones()).as_numpy("y")[0][0] == np.float32(1111)
        client.unload_model("m")
        assert not client.is_model_ready("m") and client.is_server_ready()
        with pytest.raises(InferenceServerException, match="the model 'm' is not loaded"):
            client.infer("m", ones())
        assert {each["name"]: (each["state"], each["reason"]) for each in client.get_model_repository_index()} == {
            "columns": ("READY", ""), "m": ("UNAVAILABLE", "unloaded")}
        client.load_model("m")
        assert client.is_model_ready("m")
    status, answer = server.call("POST", "/v2/repository/index", b'{"ready": true}')
    assert status == 200 and [each["name"] for each in json.loads(answer)] == ["columns", "m"]


def test_models_do_not_come_with_requests(swapped):
    server, _ = swapped
    with server.client() as client:
        for more in ({"config": "{}"}, {"config": "{}", "files": {"file:1/model.onnx": b"abc"}}):
            with pytest.raises(InferenceServerException, match="do not come with requests"):
                client.load_model("m", **more)
        with pytest.raises(InferenceServerException, match="there is no model 'absent'"):
            client.load_model("absent")
        assert client.is_model_ready("m")
    for body, field in [(b'{"parameters": {"other": 1}}', "parameters.other"), (b'{"parameters": []}', "parameters"), (b"[]", "body"), (b"{", "body"),
                        (b'{"a": 1}', "a")]:
        for path in ("load", "unload"):
            status, answer = server.call("POST", f"/v2/repository/models/m/{path}", body)
            assert status == 400 and field in json.loads(answer)["error"], (path, body, answer)
    assert server.call("POST", "/v2/repository/index", b'{"ready": 1}')[0] == 400


def test_a_broken_file_leaves_the_model_that_was_there(swapped):
    server, file = swapped
    file.write_bytes(b"not a model")
    with server.client() as client:
        with pytest.raises(InferenceServerException, match="loading the model 'm' again"):
            client.load_model("m")
        assert client.infer("m", ones()).as_numpy("y")[0][0] == np.float32(111.5)


def memory_of(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_fifty_swaps_under_32_clients_fail_no_request_and_keep_no_memory(swapped):
    server, file = swapped
    stop, failures, answers = threading.Event(), [], [0] * 32
    body = json.dumps({"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 1, 1]}]})

    def client(number):
        connection = http.client.HTTPConnection(server.address, timeout=60)
        while not stop.is_set():
            connection.request("POST", "/v2/models/m/infer", body)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200 or json.loads(text)["outputs"][0]["data"] not in ([111.5], [1111]):
                failures.append(text)
                return
            answers[number] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    sizes = []
    try:
        for swap in range(50):
            shutil.copy(MODELS / ("linear_later.onnx" if swap % 2 == 0 else "linear.onnx"), file)
            status, answer = server.call("POST", "/v2/repository/models/m/load")
            assert status == 200, answer
            sizes.append(memory_of(server.process))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures and all(count > 0 for count in answers)
    assert server.metric("millrace_models_loaded_total") == 52
    assert max(sizes[40:]) < max(sizes[5:15]) + 4096, sizes  # KiB: less than a tenth of a model's session for each swap


def test_unloading_gives_memory_back(swapped):
    server, _ = swapped
    sizes = []
    for _ in range(20):
        assert server.call("POST", "/v2/repository/models/m/unload")[0] == 200
        sizes.append(memory_of(server.process))
        assert server.call("POST", "/v2/repository/models/m/load")[0] == 200
    assert max(sizes[10:]) < max(sizes[:5]) + 2048, sizes


def test_the_configuration_is_the_truth(swapped):
    server, _ = swapped
    with server.client() as client:
        config = client.get_model_config("columns")
        assert client.get_model_config("columns", "1") == config
        with pytest.raises(InferenceServerException, match="no version '2'"):
            client.get_model_config("columns", "2")
    assert config["name"] == "columns" and config["max_batch_size"] == 0
    assert config["input"] == [{"name": "carrier", "data_type": "TYPE_STRING", "dims": [-1, 1]}, {"name": "minutes", "data_type": "TYPE_INT64", "dims": [-1, 1]},
                               {"name": "distance", "data_type": "TYPE_FP32", "dims": [-1, 1]}]
    assert config["version_policy"] == {"specific": {"versions": [1]}} and config["instance_group"][0]["kind"] == "KIND_CPU"


def test_statistics_and_metrics_agree_with_what_was_sent(swapped):
    server, _ = swapped
    with server.client() as client:
        for rows in (1, 1, 4):
            client.infer("m", ones(rows))
        with pytest.raises(InferenceServerException):
            client.infer("m", ones(), timeout=-1)
        found = client.get_inference_statistics("m")["model_stats"]
        assert [each["name"] for each in client.get_inference_statistics()["model_stats"]] == ["columns", "m"]
        assert client.get_inference_statistics("m", "1")["model_stats"][0]["version"] == "1"
    assert len(found) == 1
    it = found[0]
    assert it["inference_count"] == 6 and it["execution_count"] == 3 and it["last_inference"] > 1.7e12
    assert {key: value["count"] for key, value in it["inference_stats"].items()} == {
        "success": 3, "fail": 0, "queue": 3, "compute_input": 3, "compute_infer": 3, "compute_output": 3, "cache_hit": 0, "cache_miss": 0}
    assert it["inference_stats"]["success"]["ns"] >= it["inference_stats"]["compute_infer"]["ns"]
    assert [(each["batch_size"], each["compute_infer"]["count"]) for each in it["batch_stats"]] == [(1, 2), (4, 1)]
    arm = 'model="m",version="1",arm="stable"'
    assert server.metric(f"nv_inference_request_success{{{arm}}}") == 3
    assert server.metric(f"nv_inference_count{{{arm}}}") == 6 and server.metric(f"nv_inference_exec_count{{{arm}}}") == 3
    assert server.metric(f"nv_inference_request_summary_us_count{{{arm}}}") == 3
    text = server.call("GET", "/metrics")[1].decode()
    for name in ("request_duration_us", "queue_duration_us", "compute_input_duration_us", "compute_infer_duration_us", "compute_output_duration_us"):
        assert f"nv_inference_{name}{{{arm}}} " in text
    for reason in ("REJECTED", "CANCELED", "BACKEND", "OTHER"):
        assert server.metric(f'nv_inference_request_failure{{{arm},reason="{reason}"}}') == 0
    for share in ("0.5", "0.9", "0.95", "0.99"):
        assert f'nv_inference_request_summary_us{{{arm},quantile="{share}"}} ' in text


def test_a_failing_model_counts_as_backend():
    server = Server(["indexed"])
    try:
        status, answer = server.call("POST", "/v2/models/indexed/infer", b'{"inputs":[{"name":"at","shape":[1],"datatype":"INT64","data":[99]}]}')
        assert status == 400 and json.loads(answer)["error"]
        assert server.metric('nv_inference_request_failure{model="indexed",version="1",arm="stable",reason="BACKEND"}') == 1
    finally:
        assert server.close() == 0


def test_what_is_not_built_says_so(swapped):
    server, _ = swapped
    for method, path in [("GET", "/v2/logging"), ("POST", "/v2/logging"), ("GET", "/v2/trace/setting"), ("POST", "/v2/models/m/trace/setting")]:
        status, answer = server.call(method, path, b"{}" if method == "POST" else None)
        assert status == 501 and json.loads(answer)["error"], path
    for path in ("/v2/systemsharedmemory/status", "/v2/cudasharedmemory/status"):
        status, answer = server.call("GET", path)
        assert status == 404 and json.loads(answer)["error"]


def flagged(mode):
    server = Server(["columns"], "--contract", str(MODELS / "columns.odcs.yaml"), "--guard", mode)
    body = {"inputs": [{"name": "carrier", "shape": [1, 1], "datatype": "BYTES", "data": ["UA"]},
                       {"name": "minutes", "shape": [1, 1], "datatype": "INT64", "data": [5000]},
                       {"name": "distance", "shape": [1, 1], "datatype": "FP32", "data": [0.5]}], "outputs": [{"name": "score"}]}
    try:
        status, answer = server.call("POST", "/v2/models/columns/infer", json.dumps(body).encode())
        return status, json.loads(answer)
    finally:
        assert server.close() == 0


@pytest.mark.parametrize("mode, score", [("clamp", 1441.5), ("flag", 5002.5), ("reject", None)])
def test_the_guards_modes(mode, score):
    status, answer = flagged(mode)
    if score is None:
        assert status == 422 and answer["field"] == "minutes"
        return
    assert status == 200 and answer["outputs"][0]["data"] == [score]
    flags = json.loads(answer["parameters"]["millrace_flags"])
    assert [(each["field"], each["row"], each["verdict"]) for each in flags] == [("minutes", 0, mode)]
