"""Bodies in every form that clients of the Open Inference Protocol send: compressed, raw, mixed, damaged."""
import gzip
import http.client
import json
import random
import struct
import zlib

import numpy as np
import pytest
import tritonclient.http as triton
from oip_server import MODEL_NAMES, Server, tensor
from tritonclient.utils import InferenceServerException


@pytest.fixture(scope="module")
def server():
    running = Server(MODEL_NAMES)
    yield running
    assert running.close() == 0


def linear(rows=1):
    return np.arange(3 * rows, dtype=np.float32).reshape(rows, 3)


def answer_of(rows=1):
    return (linear(rows) @ np.array([[1], [10], [100]], dtype=np.float32) + np.float32(0.5)).tolist()


@pytest.mark.parametrize("request_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("response_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_the_clients_compression_both_ways(server, request_coding, response_coding, binary):
    with server.client() as client:
        for rows in (1, 1000):
            got = client.infer("linear", [tensor("x", linear(rows), "FP32", binary)],
                               outputs=[triton.InferRequestedOutput("y", binary_data=binary)],
                               request_compression_algorithm=request_coding, response_compression_algorithm=response_coding)
            np.testing.assert_allclose(got.as_numpy("y"), answer_of(rows))


def json_body(rows=1):
    return json.dumps({"inputs": [{"name": "x", "shape": [rows, 3], "datatype": "FP32", "data": linear(rows).ravel().tolist()}]}).encode()


INFER = "/v2/models/linear/infer"


def test_an_answer_is_compressed_when_the_client_likes_it_and_it_is_worth_it(server):
    for accept, rows, coding in [("gzip", 1000, "gzip"), ("deflate, gzip;q=0.5", 1000, "deflate"), ("gzip;q=0", 1000, None), ("br", 1000, None),
                                 ("gzip", 1, None), ("*", 1000, "gzip"), ("identity", 1000, None)]:
        status, body, headers = server.exchange("POST", INFER, json_body(rows), {"Accept-Encoding": accept})
        assert status == 200 and headers.get("Content-Encoding") == coding, accept
        plain = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: lambda it: it}[coding](body)
        assert json.loads(plain)["outputs"][0]["shape"] == [rows, 1]


def test_a_damaged_coding_is_a_400_and_a_bomb_a_413(server):
    packed = gzip.compress(json_body())
    for body, coding, status in [(packed, "gzip", 200), (zlib.compress(json_body()), "deflate", 200), (packed[:-1], "gzip", 400), (packed[:5], "gzip", 400),
                                 (packed + b"x", "gzip", 400), (b"plain", "gzip", 400), (b"", "gzip", 400), (packed, "br", 400), (packed, "gzip, gzip", 400),
                                 (gzip.compress(bytes(65 << 20)), "gzip", 413), (zlib.compress(bytes(65 << 20)), "deflate", 413)]:
        got, answer = server.call("POST", INFER, body, {"Content-Encoding": coding})
        assert got == status, (coding, body[:40], answer[:200])
        assert status == 200 or json.loads(answer)["error"]
    assert server.call("POST", INFER, json_body())[0] == 200


def raw(server, model, body):
    status, answer, headers = server.exchange("POST", f"/v2/models/{model}/infer", body, {"Inference-Header-Content-Length": "0"})
    if status != 200:
        return status, json.loads(answer)["error"], None
    length = int(headers["Inference-Header-Content-Length"])
    return status, json.loads(answer[:length]), answer[length:]


def test_a_raw_request_is_the_one_input_and_all_outputs_are_binary(server):
    status, header, data = raw(server, "linear", linear(2).tobytes())
    assert status == 200 and header["outputs"][0] == {"name": "y", "datatype": "FP32", "shape": [2, 1], "parameters": {"binary_data_size": 8}}
    assert np.frombuffer(data, np.float32).tolist() == [each[0] for each in answer_of(2)]
    for model, body, message in [("linear", linear(1).tobytes()[:-1], "no whole number of FP32"), ("linear", b"", "do not fill"),
                                 ("linear", linear(1).tobytes()[:8], "do not fill"), ("columns", b"1234", "the model has 3")]:
        status, error, _ = raw(server, model, body)
        assert status == 400 and message in error, error


def test_json_and_binary_tensors_in_one_request(server):
    carrier = np.array([["UA"]], dtype=object)
    with server.client() as client:
        got = client.infer("columns", [tensor("carrier", carrier, "BYTES", True), tensor("minutes", np.array([[10]]), "INT64", False),
                                       tensor("distance", np.array([[0.5]], dtype=np.float32), "FP32", True)],
                           outputs=[triton.InferRequestedOutput("score", binary_data=False), triton.InferRequestedOutput("carrier_again", binary_data=True)])
        assert got.as_numpy("score").tolist() == [[12.5]] and got.as_numpy("carrier_again").tolist() == [[b"UA"]]


def test_64_bit_integers_are_exact_in_json_both_ways(server):
    given = {"in_i64": ("INT64", [-(2**63), 2**63 - 1, 2**53 + 1]), "in_u64": ("UINT64", [0, 2**64 - 1, 2**53 + 1])}
    inputs = []
    with server.client() as client:
        described = client.get_model_metadata("every_type")["inputs"]
    for spec in described:
        datatype, values = given.get(spec["name"], (spec["datatype"], ["a"] * 3 if spec["datatype"] == "BYTES" else [True] * 3 if spec["datatype"] == "BOOL" else [1] * 3))
        inputs.append({"name": spec["name"], "shape": [3], "datatype": datatype, "data": values})
    status, answer = server.call("POST", "/v2/models/every_type/infer", json.dumps({"inputs": inputs}).encode())
    outputs = {each["name"]: each["data"] for each in json.loads(answer)["outputs"]}
    assert status == 200 and outputs["out_i64"] == given["in_i64"][1] and outputs["out_u64"] == given["in_u64"][1]


@pytest.mark.parametrize("more, status, message", [
    ({"timeout": 60_000_000}, 200, ""), ({"timeout": 0}, 200, ""), ({"timeout": -1}, 400, "microseconds"), ({"timeout": "1"}, 400, "microseconds"),
    ({"timeout": 2**63}, 400, "microseconds"), ({"priority": 3}, 200, ""), ({"priority": -1}, 400, "whole number"),
    ({"sequence_id": 0, "sequence_start": False, "sequence_end": False}, 200, ""), ({"sequence_id": ""}, 200, ""),
    ({"sequence_id": 7}, 400, "sequences are not served"), ({"sequence_id": "a"}, 400, "sequences are not served"),
    ({"sequence_start": True}, 400, "sequences are not served"), ({"headers": {}}, 400, "not known"), ({"other": 1}, 400, "not known"),
])
def test_reserved_parameters(server, more, status, message):
    body = json.loads(json_body())
    body["parameters"] = more
    got, answer = server.call("POST", INFER, json.dumps(body).encode())
    assert got == status and (status == 200 or message in json.loads(answer)["error"]), answer


def test_the_clients_own_timeout_priority_and_sequence(server):
    with server.client() as client:
        x = [tensor("x", linear(), "FP32", True)]
        assert client.infer("linear", x, timeout=60_000_000, priority=1, sequence_id=0).as_numpy("y").tolist() == answer_of()
        with pytest.raises(InferenceServerException, match="sequences are not served"):
            client.infer("linear", x, sequence_id=5, sequence_start=True)


def test_shared_memory_and_classes_are_refused_with_their_field(server):
    for place, parameters in [("inputs", {"shared_memory_region": "a", "shared_memory_byte_size": 12}), ("outputs", {"classification": 2})]:
        body = json.loads(json_body())
        body["outputs"] = [{"name": "y"}]
        body[place][0]["parameters"] = parameters
        status, answer = server.call("POST", INFER, json.dumps(body).encode())
        assert status == 400 and f"{place}[0].parameters." in json.loads(answer)["error"]


def mutated(random_, whole):
    """A valid body with one to four things changed: bytes, pieces, numbers, the order of pieces."""
    out = bytearray(whole)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(out) + 1)
        kind = random_.randrange(6)
        if kind == 0 and out:
            out[at % len(out)] = random_.randrange(256)
        elif kind == 1:
            del out[at:at + random_.randint(1, 20)]
        elif kind == 2:
            out[at:at] = random_.choice([b"null", b"-1", b"1e999", b"{}", b"[]", b'"', b"\\u0000", b"99999999999999999999", b"\x00", b"\xff", b","])
        elif kind == 3:
            out[at:at] = out[at:at + random_.randint(1, 40)]
        elif kind == 4:
            del out[at:]
        elif out:
            cut = random_.randrange(len(out))
            out[:] = out[cut:] + out[:cut]
    return bytes(out)


def test_thousands_of_changed_bodies_get_2xx_or_4xx_and_the_server_lives_on(server):
    header = json.dumps({"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": 12}}],
                         "parameters": {"binary_data_output": True}}).encode()
    texts = json.dumps({"inputs": [{"name": "carrier", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": 6}},
                                   {"name": "minutes", "shape": [1, 1], "datatype": "INT64", "data": [[5]]},
                                   {"name": "distance", "shape": [1, 1], "datatype": "FP32", "data": [0.5]}]}).encode()
    bodies = [("linear", json_body(2), {}), ("linear", header + linear().tobytes(), {"Inference-Header-Content-Length": str(len(header))}),
              ("columns", texts + struct.pack("<I", 2) + b"UA", {"Inference-Header-Content-Length": str(len(texts))}),
              ("linear", gzip.compress(json_body()), {"Content-Encoding": "gzip"}), ("linear", linear().tobytes(), {"Inference-Header-Content-Length": "0"}),
              ("indexed", b'{"inputs":[{"name":"at","shape":[1],"datatype":"INT64","data":[1]}]}', {})]
    chance = random.Random(11)
    seen = set()
    connection = http.client.HTTPConnection(server.address, timeout=60)
    for number in range(4000):
        model, whole, headers = bodies[number % len(bodies)]
        body = mutated(chance, whole)
        connection.request("POST", f"/v2/models/{model}/infer", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        seen.add(answer.status // 100)
        assert answer.status // 100 in (2, 4), (answer.status, text[:300], body[:300])
        if answer.status >= 400:
            assert json.loads(text)["error"]
    connection.close()
    assert seen == {2, 4}
    assert server.call("POST", INFER, json_body())[0] == 200
