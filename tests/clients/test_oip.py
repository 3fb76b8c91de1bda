"""The genuine tritonclient against `millrace serve`: what a user of the Open Inference Protocol does, and what goes wrong."""
import json
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
import tritonclient.http as triton
from oip_server import MODEL_NAMES, MODELS, Server, tensor
from tritonclient.utils import InferenceServerException


@pytest.fixture(scope="module")
def server():
    running = Server(MODEL_NAMES)
    yield running
    assert running.close() == 0


@pytest.fixture(params=[True, False], ids=["binary", "json"])
def binary(request):
    return request.param


def ask(server, model, inputs, outputs=None, **more):
    with server.client() as client:
        return client.infer(model, inputs, outputs=outputs, **more)


def test_health_and_metadata(server):
    with server.client() as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("linear") and client.is_model_ready("linear", "1")
        assert not client.is_model_ready("absent")
        about = client.get_server_metadata()
        assert about["name"] == "millrace" and "binary_tensor_data" in about["extensions"]
        model = client.get_model_metadata("columns")
        assert model["platform"] == "onnx_onnxv1" and model["versions"] == ["1"]
        assert model["inputs"][0] == {"name": "carrier", "datatype": "BYTES", "shape": [-1, 1]}
        assert [each["name"] for each in client.get_model_repository_index()] == sorted(MODEL_NAMES)
        # The file declares [1]; the truth is one label a row.
        assert client.get_model_metadata("lying")["outputs"][0]["shape"] == [-1]


def test_same_numbers_as_onnxruntime(server, binary):
    x = np.random.default_rng(7).normal(size=(100, 3)).astype(np.float32)
    expected = onnxruntime.InferenceSession(MODELS / "linear.onnx").run(None, {"x": x})[0]
    outputs = [triton.InferRequestedOutput("y", binary_data=binary)]
    result = ask(server, "linear", [tensor("x", x, "FP32", binary)], outputs)
    np.testing.assert_array_equal(result.as_numpy("y"), expected)


def test_columns_of_several_types(server, binary):
    carrier = np.array([["UA"], ["ZZ"]], dtype=object)
    inputs = [tensor("carrier", carrier, "BYTES", binary), tensor("minutes", np.array([[10], [20]]), "INT64", binary),
              tensor("distance", np.array([[0.5], [0.25]], dtype=np.float32), "FP32", binary)]
    result = ask(server, "columns", inputs, [triton.InferRequestedOutput(name, binary_data=binary) for name in ("carrier_again", "score")])
    assert result.as_numpy("score").tolist() == [[12.5], [20.25]]
    assert [text if isinstance(text, str) else text.decode() for text in result.as_numpy("carrier_again").ravel()] == ["UA", "ZZ"]


TYPES = {"bool": ("BOOL", np.bool_), "u8": ("UINT8", np.uint8), "u16": ("UINT16", np.uint16), "u32": ("UINT32", np.uint32),
         "u64": ("UINT64", np.uint64), "i8": ("INT8", np.int8), "i16": ("INT16", np.int16), "i32": ("INT32", np.int32),
         "i64": ("INT64", np.int64), "f32": ("FP32", np.float32), "f64": ("FP64", np.float64)}


def all_of_every_type(binary):
    given = {}
    for name, (_, kind) in TYPES.items():
        if kind is np.bool_:
            given[name] = np.array([True, False])
        else:
            limits = np.finfo(kind) if kind in (np.float32, np.float64) else np.iinfo(kind)
            given[name] = np.array([limits.min, limits.max], dtype=kind)
    inputs = [tensor("in_" + name, array, TYPES[name][0], binary) for name, array in given.items()]
    inputs.append(tensor("in_text", np.array(["ü\n\"", ""], dtype=object), "BYTES", binary))
    # 16-bit floats have no JSON form in the protocol, and the client makes none: binary always.
    given["f16"] = np.array([-65504, 2**-24], dtype=np.float16)
    inputs.append(tensor("in_f16", given["f16"], "FP16", True))
    given["bf16"] = np.array([-3.5, 2.0**-126], dtype=ml_dtypes.bfloat16)
    inputs.append(tensor("in_bf16", given["bf16"], "BF16", True))
    return given, inputs


def test_every_type_comes_back_exactly(server, binary):
    given, inputs = all_of_every_type(binary)
    outputs = [triton.InferRequestedOutput("out_" + name, binary_data=binary) for name in [*TYPES, "text"]]
    outputs += [triton.InferRequestedOutput("out_" + name, binary_data=True) for name in ("f16", "bf16")]
    result = ask(server, "every_type", inputs, outputs)
    for name, array in given.items():
        back = result.as_numpy("out_" + name)
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


def test_16_bit_floats_as_numbers_of_json(server):
    def infer(x):
        body = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP16", "data": [x]}]}
        status, answer = server.call("POST", "/v2/models/half/infer", json.dumps(body).encode())
        return status, json.loads(answer)

    status, answer = infer(0.1)
    assert status == 200 and answer["outputs"][0]["datatype"] == "FP16"
    assert np.float16(answer["outputs"][0]["data"][0]) == np.float16(0.1) + np.float16(1)
    status, answer = infer(65520)
    assert status == 400 and "FP16 takes numbers up to 65504, not 65520" in answer["error"]
    with server.client() as client:
        back = client.infer("half", [tensor("x", np.array([[0.5]], dtype=np.float16), "FP16", True)]).as_numpy("y")
    assert back.dtype == np.float16 and back.tolist() == [[1.5]]


def test_the_answer_names_prediction_release_and_request(server, binary):
    x = np.ones((1, 3), dtype=np.float32)
    parameters = {"millrace_unit": "N1", "millrace_event_time": "2013-07-01T05:00:00Z"}
    answer = ask(server, "linear", [tensor("x", x, "FP32", binary)], request_id="mine", parameters=parameters).get_response()
    assert answer["id"] == "mine" and answer["model_name"] == "linear" and answer["model_version"] == "1"
    assert len(answer["parameters"]["millrace_prediction_id"]) == 36
    assert answer["parameters"]["millrace_release"].startswith("file:linear@")


@pytest.mark.parametrize("name, shape, datatype, message", [
    ("z", (1, 3), "FP32", "the model has no input 'z'"),
    ("x", (1, 4), "FP32", "has the shape [-1,3], not [1,4]"),
    ("x", (1, 3), "FP64", "is FP32, not FP64"),
])
def test_wrong_tensors_are_refused_with_the_field(server, binary, name, shape, datatype, message):
    array = np.zeros(shape, dtype=np.float64 if datatype == "FP64" else np.float32)
    with pytest.raises(InferenceServerException, match="inputs\\[0\\]") as refused:
        ask(server, "linear", [tensor(name, array, datatype, binary)])
    assert message in str(refused.value)


def test_nan_travels_in_binary_only(server):
    inputs = [tensor("x", np.array([[-1.0]]), "FP64", True)]
    assert np.isnan(ask(server, "logarithm", inputs, [triton.InferRequestedOutput("y", binary_data=True)]).as_numpy("y")[0][0])
    with pytest.raises(InferenceServerException, match="JSON cannot carry"):
        ask(server, "logarithm", inputs, [triton.InferRequestedOutput("y", binary_data=False)])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"{}", b'{"inputs":[]}', b'{"inputs":{}}', b"\xff\xfe", b'{"inputs":[]} x', b"[" * 100000])
def test_what_is_no_request_is_a_4xx_with_an_error(server, body):
    status, answer = server.call("POST", "/v2/models/linear/infer", body)
    assert 400 <= status < 500
    assert json.loads(answer)["error"]


def test_unknown_paths_models_and_methods(server):
    for method, path, status in [("GET", "/v2/models/absent", 404), ("GET", "/v2/nothing", 404), ("POST", "/v2/models/absent/infer", 404),
                                 ("GET", "/v2/models/linear/infer", 405), ("GET", "/v2/models/linear/versions/2", 404)]:
        got, answer = server.call(method, path, b"{}" if method == "POST" else None)
        assert got == status and json.loads(answer)["error"], path


def test_many_clients_get_their_own_answers(server):
    def one(number):
        x = np.full((1, 3), number, dtype=np.float32)
        return ask(server, "linear", [tensor("x", x, "FP32", True)]).as_numpy("y")[0][0] == np.float32(number * 111 + 0.5)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(200)))


def test_the_contract_refuses_with_field_and_rule():
    running = Server(["columns"], "--contract", str(MODELS / "columns.odcs.yaml"))
    try:
        def score(minutes, carrier="UA"):
            return ask(running, "columns", [tensor("carrier", np.array([[carrier]], dtype=object), "BYTES", False),
                                            tensor("minutes", np.array([[minutes]]), "INT64", False),
                                            tensor("distance", np.array([[1.0]], dtype=np.float32), "FP32", False)])

        assert score(10).as_numpy("score")[0][0] == 13
        with pytest.raises(InferenceServerException, match="field minutes, rule"):
            score(5000)
        with pytest.raises(InferenceServerException, match="field carrier, rule"):
            score(10, "United")
    finally:
        assert running.close() == 0


@pytest.mark.parametrize("sync", ["50ms", "strict"])
def test_answers_survive_kill_9(tmp_path, sync):
    running = Server(["linear"], "--log", str(tmp_path), "--log-sync", sync)
    x = [tensor("x", np.ones((1, 3), dtype=np.float32), "FP32", True)]
    with running.client() as client:
        answered = [client.infer("linear", x).get_response()["parameters"]["millrace_prediction_id"] for _ in range(100)]
    running.process.kill()
    running.process.wait()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "linear").glob("*.log"))
    for prediction in answered:
        assert kept.count(prediction.encode()) == 1
    again = Server(["linear"], "--log", str(tmp_path), "--log-sync", sync)
    with again.client() as client:
        client.infer("linear", x)
    assert again.close() == 0
    assert len(list((tmp_path / "linear").glob("*.log"))) == 2
