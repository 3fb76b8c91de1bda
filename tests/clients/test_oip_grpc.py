"""The genuine tritonclient, and bare gRPC channels, against `millrace serve --grpc`: what users do, and what goes wrong."""
import asyncio
import json
import os
import queue
import random
import signal
import socket
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import ml_dtypes
import numpy as np
import onnxruntime
import pytest
import tritonclient.grpc as triton
from server import BINARY, ROOT, Server, run, until, up
from tritonclient.grpc import service_pb2 as pb
from tritonclient.utils import InferenceServerException

MODELS = ROOT / "src/serve/testdata"
SERVED = ["linear", "columns", "every_type", "lying", "logarithm"]
LIMIT = 64 << 20
Code = grpc.StatusCode


def serve(models, *options):
    return Server("serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", *options,
                  *(word for name in models for word in ("--model", f"{name}={MODELS / name}.onnx")))


@pytest.fixture(scope="module")
def server():
    running = serve(SERVED)
    yield running
    assert running.stop() == 0, "".join(running.errors)[-2000:]


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.grpc) as it:
        yield it


def channel(address):
    return grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)])


def bare(open_channel, method="ModelInfer"):
    """A call of bytes to bytes."""
    return open_channel.unary_unary(f"/inference.GRPCInferenceService/{method}", request_serializer=None, response_deserializer=None)


def tensor(name, array, datatype):
    out = triton.InferInput(name, list(array.shape), datatype)
    out.set_data_from_numpy(array)
    return out


def linear(rows=1, value=1.0):
    return [tensor("x", np.full((rows, 3), value, dtype=np.float32), "FP32")]


def typed(**changes):
    """A request with typed contents to `linear`."""
    contents = pb.InferTensorContents(fp32_contents=[1, 2, 3])
    head = {"name": "x", "datatype": "FP32", "shape": [1, 3], "contents": contents}
    return pb.ModelInferRequest(model_name="linear", inputs=[pb.ModelInferRequest.InferInputTensor(**{**head, **changes})])


def raw(*bytes_, shape=(1, 3), **more):
    head = pb.ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=shape)
    return pb.ModelInferRequest(model_name="linear", inputs=[head], raw_input_contents=bytes_, **more)


def ask(server, request, **more):
    with channel(server.grpc) as open_channel:
        return pb.ModelInferResponse.FromString(bare(open_channel)(request.SerializeToString(), **more))


def refusal(server, request, **more):
    with pytest.raises(grpc.RpcError) as refused:
        ask(server, request, **more)
    return refused.value


def assert_lives(server):
    assert ask(server, typed()).outputs[0].contents.fp32_contents[0] == 321.5


def test_our_messages_are_the_genuine_ones(tmp_path):
    """Every field and method that we have, the genuine client has with the same number, type and label."""
    from google.protobuf import descriptor_pb2
    from tritonclient.grpc import model_config_pb2
    written = tmp_path / "inference.bin"
    folder = ROOT / "src/api/grpc/module"
    subprocess.run(["protoc", f"--proto_path={folder}", f"--descriptor_set_out={written}", "inference.proto"], check=True)
    [ours] = descriptor_pb2.FileDescriptorSet.FromString(written.read_bytes()).file
    theirs = [descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb) for file in (pb.DESCRIPTOR, model_config_pb2.DESCRIPTOR)]

    def fields(messages, prefix=""):
        for message in messages:
            for field in message.field:
                yield f"{prefix}{message.name}.{field.name}", (field.number, field.type, field.label, field.type_name)
            yield from fields(message.nested_type, f"{prefix}{message.name}.")

    genuine = {name: field for file in theirs for name, field in fields(file.message_type)}
    mine = dict(fields(ours.message_type))
    assert len(mine) > 100 and {name: genuine.get(name) for name in mine} == mine
    assert ours.package == "inference"
    for name in ("ModelInferRequest", "ModelInferResponse", "InferTensorContents", "InferParameter"):  # nothing of these is left out
        def of(all_fields, name=name):
            return {field for field in all_fields if field.startswith(name + ".")}
        assert of(mine) == of(genuine)
    methods = {method.name: (method.input_type, method.output_type, method.client_streaming, method.server_streaming) for method in ours.service[0].method}
    assert methods == {method.name: (method.input_type, method.output_type, method.client_streaming, method.server_streaming)
                       for method in theirs[0].service[0].method}
    values = {value.name: value.number for value in ours.enum_type[0].value}
    assert values == {value.name: value.number for file in theirs for kind in file.enum_type if kind.name == "DataType" for value in kind.value}


def test_health_and_metadata(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("linear") and client.is_model_ready("linear", "1")
    assert not client.is_model_ready("absent") and not client.is_model_ready("linear", "2")
    about = client.get_server_metadata(as_json=True)
    assert about["name"] == "millrace" and "statistics" in about["extensions"]
    model = client.get_model_metadata("columns", as_json=True)
    assert model["platform"] == "onnx_onnxv1" and model["versions"] == ["1"]
    assert model["inputs"][0] == {"name": "carrier", "datatype": "BYTES", "shape": ["-1", "1"]}
    assert sorted(each.name for each in client.get_model_repository_index().models) == sorted(SERVED)
    # The file declares [1]; the truth is one label a row.
    assert list(client.get_model_metadata("lying").outputs[0].shape) == [-1]


def test_configuration_and_statistics(client):
    config = client.get_model_config("columns", as_json=True)["config"]
    assert config["name"] == "columns" and config["platform"] == "onnx_onnxv1"
    assert config["version_policy"]["specific"]["versions"] == ["1"] and config["instance_group"][0]["kind"] == "KIND_CPU"
    assert config["input"][0] == {"name": "carrier", "data_type": "TYPE_STRING", "dims": ["-1", "1"]}
    before = client.get_inference_statistics("linear").model_stats[0]
    client.infer("linear", linear(rows=5))
    after = client.get_inference_statistics("linear").model_stats[0]
    assert after.inference_count - before.inference_count == 5 and after.execution_count - before.execution_count == 1
    assert after.inference_stats.success.count - before.inference_stats.success.count == 1
    assert after.last_inference > 1_600_000_000_000 and after.version == "1"
    assert 5 in [batch.batch_size for batch in after.batch_stats]
    assert sorted(each.name for each in client.get_inference_statistics().model_stats) == sorted(SERVED)


def test_what_is_not_here_says_so(client):
    assert not client.get_system_shared_memory_status().regions and not client.get_cuda_shared_memory_status().regions
    client.unregister_system_shared_memory()  # what examples begin with
    client.unregister_cuda_shared_memory()
    assert not client.get_trace_settings().settings and not client.get_log_settings().settings
    for call, code in [(lambda: client.register_system_shared_memory("a", "/a", 8), Code.UNIMPLEMENTED),
                       (lambda: client.get_system_shared_memory_status("a"), Code.NOT_FOUND),
                       (lambda: client.update_log_settings({"log_verbose_level": 1}), Code.UNIMPLEMENTED),
                       (lambda: client.update_trace_settings(settings={"trace_level": ["OFF"]}), Code.UNIMPLEMENTED),
                       (lambda: client.load_model("absent"), Code.NOT_FOUND),
                       (lambda: client.load_model("linear", config="{}"), Code.INVALID_ARGUMENT),
                       (lambda: client.load_model("linear", config="{}", files={"file:1/model.onnx": b"x"}), Code.INVALID_ARGUMENT),
                       (lambda: client.get_model_metadata("absent"), Code.NOT_FOUND),
                       (lambda: client.get_model_config("linear", "7"), Code.NOT_FOUND),
                       (lambda: client.get_inference_statistics("absent"), Code.NOT_FOUND)]:
        with pytest.raises(InferenceServerException) as refused:
            call()
        assert refused.value.status() == str(code) and len(refused.value.message()) > 20
    with channel(client._channel._channel.target().decode()) as open_channel, pytest.raises(grpc.RpcError) as refused:
        bare(open_channel, "NoSuchMethod")(b"")
    assert refused.value.code() == Code.UNIMPLEMENTED


def test_models_are_unloaded_and_loaded_again():
    running = serve(["linear", "lying"])
    try:
        with triton.InferenceServerClient(running.grpc) as client:
            client.unload_model("linear", unload_dependents=True)
            assert not client.is_model_ready("linear") and client.is_model_ready("lying")
            with pytest.raises(InferenceServerException):
                client.infer("linear", linear())
            states = {each.name: each.state for each in client.get_model_repository_index().models}
            assert states == {"linear": "UNAVAILABLE", "lying": "READY"}
            client.load_model("linear")
            assert client.infer("linear", linear()).as_numpy("y")[0][0] == 111.5
    finally:
        assert running.stop() == 0


def test_same_numbers_as_onnxruntime(client):
    x = np.random.default_rng(7).normal(size=(100, 3)).astype(np.float32)
    expected = onnxruntime.InferenceSession(MODELS / "linear.onnx").run(None, {"x": x})[0]
    np.testing.assert_array_equal(client.infer("linear", [tensor("x", x, "FP32")]).as_numpy("y"), expected)


def test_columns_of_several_types(client):
    inputs = [tensor("carrier", np.array([["UA"], ["ZZ"]], dtype=object), "BYTES"), tensor("minutes", np.array([[10], [20]]), "INT64"),
              tensor("distance", np.array([[0.5], [0.25]], dtype=np.float32), "FP32")]
    result = client.infer("columns", inputs, outputs=[triton.InferRequestedOutput(name) for name in ("carrier_again", "score")])
    assert [output.name for output in result.get_response().outputs] == ["carrier_again", "score"]
    assert result.as_numpy("score").tolist() == [[12.5], [20.25]]
    assert result.as_numpy("carrier_again").ravel().tolist() == [b"UA", b"ZZ"]


TYPES = {"bool": ("BOOL", np.bool_, "bool"), "u8": ("UINT8", np.uint8, "uint"), "u16": ("UINT16", np.uint16, "uint"),
         "u32": ("UINT32", np.uint32, "uint"), "u64": ("UINT64", np.uint64, "uint64"), "i8": ("INT8", np.int8, "int"),
         "i16": ("INT16", np.int16, "int"), "i32": ("INT32", np.int32, "int"), "i64": ("INT64", np.int64, "int64"),
         "f32": ("FP32", np.float32, "fp32"), "f64": ("FP64", np.float64, "fp64")}
TEXTS = ["ü\n\"", ""]


def edges(kind):
    if kind is np.bool_:
        return np.array([True, False])
    limits = np.finfo(kind) if kind in (np.float32, np.float64) else np.iinfo(kind)
    return np.array([limits.min, limits.max], dtype=kind)


def every_type(wanted_type):
    """The inputs of the model `every_type`: name, datatype, numpy array; for what is in TYPES, edges of its range."""
    for name, (datatype, kind, _) in TYPES.items():
        yield name, datatype, edges(kind)
    yield "text", "BYTES", np.array(TEXTS, dtype=object)
    for extra in wanted_type:
        if extra.name.removeprefix("in_") not in [*TYPES, "text"]:
            width = {"FP16": 2, "BF16": 2}[extra.datatype]
            yield extra.name.removeprefix("in_"), extra.datatype, np.zeros(2 * width, dtype=np.uint8)


def raw_bytes(datatype, array):
    if datatype == "BYTES":
        return b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in array)
    return array.tobytes()


def test_every_type_comes_back_exactly_as_raw_tensors(server, client):
    given = list(every_type(client.get_model_metadata("every_type").inputs))
    request = pb.ModelInferRequest(model_name="every_type")
    for name, datatype, array in given:
        request.inputs.add(name="in_" + name, datatype=datatype, shape=[2])
        request.outputs.add(name="out_" + name)
        request.raw_input_contents.append(raw_bytes(datatype, array))
    answer = ask(server, request)
    assert [output.datatype for output in answer.outputs] == [datatype for _, datatype, _ in given]
    assert list(answer.raw_output_contents) == list(request.raw_input_contents)
    assert not any(output.HasField("contents") for output in answer.outputs)


def test_every_type_through_the_genuine_client(client):
    metadata = client.get_model_metadata("every_type").inputs
    given = {name: (datatype, array) for name, datatype, array in every_type(metadata)}
    inputs = []
    for name, (datatype, array) in given.items():
        if datatype in ("FP16", "BF16"):
            array = np.array([1.5, -0.25], dtype=np.float16 if datatype == "FP16" else ml_dtypes.bfloat16)
            given[name] = datatype, array
        inputs.append(tensor("in_" + name, array, datatype))
    result = client.infer("every_type", inputs)
    for name, (datatype, array) in given.items():
        back = result.as_numpy("out_" + name)
        if datatype == "BYTES":
            assert [text.decode() for text in back] == TEXTS
        else:
            assert datatype == "BF16" or back.dtype == array.dtype  # clients differ in what they make of BF16
            np.testing.assert_array_equal(back.astype(array.dtype), array)


def test_typed_contents_are_answered_with_typed_contents(server, client):
    request = pb.ModelInferRequest(model_name="every_type")
    metadata = client.get_model_metadata("every_type").inputs
    if any(each.datatype in ("FP16", "BF16") for each in metadata):
        [half] = [each.name for each in metadata if each.datatype == "FP16"]
        request.inputs.add(name=half, datatype="FP16", shape=[2])
        refused = refusal(server, request)
        assert refused.code() == Code.INVALID_ARGUMENT and "raw_input_contents" in refused.details()
        request = pb.ModelInferRequest(model_name="columns")
        request.inputs.add(name="carrier", datatype="BYTES", shape=[1, 1]).contents.bytes_contents.append(b"UA")
        request.inputs.add(name="minutes", datatype="INT64", shape=[1, 1]).contents.int64_contents.append(10)
        request.inputs.add(name="distance", datatype="FP32", shape=[1, 1]).contents.fp32_contents.append(0.5)
        answer = ask(server, request)
        assert {output.name: list(output.contents.fp32_contents or output.contents.bytes_contents) for output in answer.outputs} == {
            "score": [12.5], "carrier_again": [b"UA"]}
        assert not answer.raw_output_contents
        return
    for name, datatype, array in every_type(metadata):
        contents = request.inputs.add(name="in_" + name, datatype=datatype, shape=[2]).contents
        values = [text.encode() for text in array] if datatype == "BYTES" else array.tolist()
        field = "bytes" if datatype == "BYTES" else TYPES[name][2]
        getattr(contents, field + "_contents").extend(values)
    answer = ask(server, request)
    assert not answer.raw_output_contents
    given = {each.name.removeprefix("in_"): each.contents for each in request.inputs}
    assert {each.name.removeprefix("out_"): each.contents for each in answer.outputs} == given


def test_the_answer_names_prediction_release_and_request(client):
    parameters = {"millrace_unit": "N1", "millrace_event_time": "2013-07-01T05:00:00Z", "millrace_input": "sha256:x"}
    answer = client.infer("linear", linear(), request_id="mine", parameters=parameters, model_version="1").get_response()
    assert answer.id == "mine" and answer.model_name == "linear" and answer.model_version == "1"
    assert len(answer.parameters["millrace_prediction_id"].string_param) == 36
    assert answer.parameters["millrace_release"].string_param.startswith("file:linear@")
    assert answer.parameters["millrace_arm"].string_param == "stable"
    assert client.infer("linear", linear()).get_response().id == ""
    assert client.infer("linear", linear(), timeout=10_000_000, priority=2).get_response().id == ""
    with pytest.raises(InferenceServerException, match="251 bytes"):
        client.infer("linear", linear(), headers={"millrace-unit": "u" * 251})


def test_async_calls(client):
    done = queue.Queue()
    for number in range(50):
        client.async_infer("linear", linear(value=number), lambda result, error, number=number: done.put((number, result, error)))
    for _ in range(50):
        number, result, error = done.get(timeout=60)
        assert error is None and result.as_numpy("y")[0][0] == np.float32(number * 111 + 0.5)


def test_a_stream_answers_in_order_and_goes_on_after_errors(client):
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for number in range(100):
        if number % 10 == 3:
            client.async_stream_infer("absent", linear(), request_id=str(number))
        else:
            client.async_stream_infer("linear", linear(value=number), request_id=str(number), enable_empty_final_response=True)
    for number in range(100):
        result, error = answers.get(timeout=60)
        if number % 10 == 3:
            assert "there is no model 'absent'" in error.message()
            continue
        answer = result.get_response()
        assert answer.id == str(number) and result.as_numpy("y")[0][0] == np.float32(number * 111 + 0.5)
        assert answer.parameters["triton_final_response"].bool_param
    client.stop_stream()


def test_a_broken_message_in_a_stream_is_an_answer(server):
    with channel(server.grpc) as open_channel:
        call = open_channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", request_serializer=None, response_deserializer=None)
        good = raw(np.ones(3, dtype=np.float32).tobytes(), id="a").SerializeToString()
        answers = [pb.ModelStreamInferResponse.FromString(answer) for answer in call(iter([good, good[:-5], b"\xff", good]))]
    assert [bool(answer.error_message) for answer in answers] == [False, True, True, False]
    assert answers[3].infer_response.raw_output_contents[0] == np.float32(111.5).tobytes()


BAD = {
    "unknown model": (lambda: pb.ModelInferRequest(model_name="absent"), Code.NOT_FOUND, "there is no model 'absent'", None),
    "unknown version": (lambda: raw(b"", model_version="9"), Code.NOT_FOUND, "no version '9'", None),
    "no inputs": (lambda: pb.ModelInferRequest(model_name="linear"), Code.INVALID_ARGUMENT, "no inputs", "inputs"),
    "wrong name": (lambda: typed(name="z"), Code.INVALID_ARGUMENT, "the model has no input 'z'", "inputs[0].name"),
    "no name": (lambda: typed(name=""), Code.INVALID_ARGUMENT, "the model has no input ''", "inputs[0].name"),
    "long name": (lambda: typed(name="x" * 1000), Code.RESOURCE_EXHAUSTED, "1000 bytes", "inputs[0].name"),
    "no datatype": (lambda: typed(datatype=""), Code.INVALID_ARGUMENT, "datatype '' is not served", "inputs[0].datatype"),
    "unknown datatype": (lambda: typed(datatype="STRING"), Code.INVALID_ARGUMENT, "'STRING' is not served", "inputs[0].datatype"),
    "wrong datatype": (lambda: typed(datatype="FP64"), Code.INVALID_ARGUMENT, "is FP32, not FP64", "inputs[0].datatype"),
    "no shape": (lambda: typed(shape=[]), Code.INVALID_ARGUMENT, "has the shape [-1,3], not []", "inputs[0].shape"),
    "wrong shape": (lambda: typed(shape=[1, 4]), Code.INVALID_ARGUMENT, "has the shape [-1,3], not [1,4]", "inputs[0].shape"),
    "negative shape": (lambda: typed(shape=[-1, 3]), Code.INVALID_ARGUMENT, "whole numbers from 0", "inputs[0].shape"),
    "long shape": (lambda: typed(shape=[1] * 9), Code.RESOURCE_EXHAUSTED, "more than 8 dimensions", "inputs[0].shape"),
    "no rows": (lambda: typed(shape=[0, 3], contents=None), Code.INVALID_ARGUMENT, "empty", "inputs[0].shape"),
    "huge shape": (lambda: typed(shape=[2**62, 3]), Code.INVALID_ARGUMENT, "too many elements", "inputs[0].contents.fp32_contents"),
    "huge raw shape": (lambda: raw(b"1234", shape=[2**62, 3]), Code.INVALID_ARGUMENT, "too many elements", "raw_input_contents[0]"),
    "no contents": (lambda: typed(contents=None), Code.INVALID_ARGUMENT, "3 elements, the data has 0", "inputs[0].contents.fp32_contents"),
    "too few": (lambda: typed(contents=pb.InferTensorContents(fp32_contents=[1, 2])), Code.INVALID_ARGUMENT, "3 elements, the data has 2", "inputs[0].contents.fp32_contents"),
    "too many": (lambda: typed(contents=pb.InferTensorContents(fp32_contents=[1] * 4)), Code.INVALID_ARGUMENT, "the data has 4", "inputs[0].contents.fp32_contents"),
    "wrong contents": (lambda: typed(contents=pb.InferTensorContents(fp64_contents=[1, 2, 3])), Code.INVALID_ARGUMENT, "FP32 takes fp32_contents and nothing else", "inputs[0].contents"),
    "two contents": (lambda: typed(contents=pb.InferTensorContents(fp32_contents=[1, 2, 3], int_contents=[1])), Code.INVALID_ARGUMENT, "nothing else", "inputs[0].contents"),
    "raw and typed": (lambda: pb.ModelInferRequest(model_name="linear", inputs=typed().inputs, raw_input_contents=[bytes(12)]), Code.INVALID_ARGUMENT, "exclude each other", "inputs[0].contents"),
    "raw twice": (lambda: raw(bytes(12), bytes(12)), Code.INVALID_ARGUMENT, "1 inputs and 2 raw tensors", "raw_input_contents"),
    "raw too short": (lambda: raw(bytes(11)), Code.INVALID_ARGUMENT, "takes 12 bytes, not 11", "raw_input_contents[0]"),
    "raw too long": (lambda: raw(bytes(16)), Code.INVALID_ARGUMENT, "takes 12 bytes, not 16", "raw_input_contents[0]"),
    "input twice": (lambda: pb.ModelInferRequest(model_name="linear", inputs=[*typed().inputs, *typed().inputs]), Code.INVALID_ARGUMENT, "given twice", "inputs[1].name"),
    "unknown output": (lambda: raw(bytes(12), outputs=[{"name": "z"}]), Code.INVALID_ARGUMENT, "no output 'z'", "outputs[0].name"),
    "output twice": (lambda: raw(bytes(12), outputs=[{"name": "y"}, {"name": "y"}]), Code.INVALID_ARGUMENT, "asked for twice", "outputs[1].name"),
    "long id": (lambda: raw(bytes(12), id="i" * 251), Code.RESOURCE_EXHAUSTED, "251 bytes", "id"),
    "unknown parameter": (lambda: raw(bytes(12), parameters={"what": {"int64_param": 1}}), Code.INVALID_ARGUMENT, "not known", "parameters.what"),
    "sequence": (lambda: raw(bytes(12), parameters={"sequence_id": {"int64_param": 1}}), Code.INVALID_ARGUMENT, "sequences are not served", "parameters.sequence_id"),
    "negative timeout": (lambda: raw(bytes(12), parameters={"timeout": {"int64_param": -1}}), Code.INVALID_ARGUMENT, "microseconds", "parameters.timeout"),
    "unset parameter": (lambda: raw(bytes(12), parameters={"millrace_unit": {}}), Code.INVALID_ARGUMENT, "a text is expected", "parameters.millrace_unit"),
    "parameter of a wrong type": (lambda: raw(bytes(12), parameters={"millrace_unit": {"int64_param": 1}}), Code.INVALID_ARGUMENT, "a text is expected", "parameters.millrace_unit"),
    "long parameter": (lambda: raw(bytes(12), parameters={"millrace_unit": {"string_param": "u" * 300}}), Code.RESOURCE_EXHAUSTED, "300 bytes", "parameters.millrace_unit"),
    "bad time": (lambda: raw(bytes(12), parameters={"millrace_event_time": {"string_param": "noon"}}), Code.INVALID_ARGUMENT, "noon", "parameters.millrace_event_time"),
    "time before 1970": (lambda: raw(bytes(12), parameters={"millrace_event_time": {"int64_param": -5}}), Code.INVALID_ARGUMENT, "since 1970", "parameters.millrace_event_time"),
    "time as a fraction": (lambda: raw(bytes(12), parameters={"millrace_event_time": {"double_param": 1.5}}), Code.INVALID_ARGUMENT, "a time is expected", "parameters.millrace_event_time"),
    "shared memory in": (lambda: typed(parameters={"shared_memory_region": {"string_param": "a"}}), Code.UNIMPLEMENTED, "shared memory", "inputs[0].parameters.shared_memory_region"),
    "input parameter": (lambda: typed(parameters={"what": {"bool_param": True}}), Code.INVALID_ARGUMENT, "not known", "inputs[0].parameters.what"),
    "shared memory out": (lambda: raw(bytes(12), outputs=[{"name": "y", "parameters": {"shared_memory_region": {"string_param": "a"}}}]), Code.UNIMPLEMENTED, "shared memory", "outputs[0].parameters.shared_memory_region"),
    "classes": (lambda: raw(bytes(12), outputs=[{"name": "y", "parameters": {"classification": {"int64_param": 3}}}]), Code.UNIMPLEMENTED, "classes", "outputs[0].parameters.classification"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused_with_status_and_field(server, name):
    make, code, message, field = BAD[name]
    refused = refusal(server, make())
    assert refused.code() == code and message in refused.details()
    details = dict(refused.trailing_metadata())
    assert details.get("millrace-field") == field
    assert details["millrace-code"] and details["x-request-id"]
    assert_lives(server)


def by_name(request, name):
    return next(each for each in request.inputs if each.name == "in_" + name)


@pytest.mark.parametrize("name, value, message", [
    ("i8", 128, "INT8 takes whole numbers from -128 to 127, not 128"), ("i8", -129, "not -129"), ("i16", 32768, "INT16 takes whole numbers from -32768 to 32767"),
    ("u8", 256, "UINT8 takes whole numbers from 0 to 255, not 256"), ("u16", 65536, "UINT16 takes whole numbers from 0 to 65535"),
])
def test_overflow_is_refused_with_the_element(server, name, value, message):
    datatype, _, field = TYPES[name]
    request = pb.ModelInferRequest(model_name="every_type")
    getattr(request.inputs.add(name="in_" + name, datatype=datatype, shape=[2]).contents, field + "_contents").extend([1, value])
    refused = refusal(server, request)
    assert refused.code() == Code.INVALID_ARGUMENT and message in refused.details()
    assert dict(refused.trailing_metadata())["millrace-field"] == f"inputs[0].contents.{field}_contents[1]"


@pytest.mark.parametrize("datatype, name, packed, message", [
    ("BYTES", "text", b"\x01\x00\x00\x00a\x05\x00\x00\x00b", "cut short"), ("BYTES", "text", b"\x01\x00\x00\x00a\x00\x00", "cut short"),
    ("BYTES", "text", b"\x00\x00\x00\x00", "2 elements, the binary data has 1"), ("BYTES", "text", bytes(12), "the binary data has more"),
    ("BYTES", "text", b"\xff\xff\xff\xff" + bytes(8), "cut short"), ("BOOL", "bool", b"\x01\x02", "BOOL takes the bytes 0 and 1, not 2"),
])
def test_badly_packed_raw_tensors_are_refused(server, datatype, name, packed, message):
    request = pb.ModelInferRequest(model_name="every_type", raw_input_contents=[packed])
    request.inputs.add(name="in_" + name, datatype=datatype, shape=[2])
    refused = refusal(server, request)
    assert refused.code() == Code.INVALID_ARGUMENT and message in refused.details()
    assert dict(refused.trailing_metadata())["millrace-field"].startswith("raw_input_contents[0]")


def test_truncated_and_damaged_messages_never_break_the_server(server):
    allowed = {Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.RESOURCE_EXHAUSTED, Code.UNIMPLEMENTED, None}
    whole = pb.ModelInferRequest(model_name="columns", id="a", parameters={"millrace_unit": {"string_param": "N1"}}, outputs=[{"name": "score"}],
                                 raw_input_contents=[b"\x02\x00\x00\x00UA", (10).to_bytes(8, "little"), np.float32(1).tobytes()])
    for name, datatype in (("carrier", "BYTES"), ("minutes", "INT64"), ("distance", "FP32")):
        whole.inputs.add(name=name, datatype=datatype, shape=[1, 1])
    message = whole.SerializeToString()
    chance = random.Random(7)
    damaged = [message[:size] for size in range(len(message))]
    for _ in range(600):
        copy = bytearray(message)
        for _ in range(chance.randint(1, 4)):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        damaged.append(bytes(copy))
    damaged += [chance.randbytes(chance.randrange(200)) for _ in range(200)]
    with channel(server.grpc) as open_channel:
        call = bare(open_channel)
        codes = [pending.code() for pending in [call.future(each) for each in damaged]]
    assert set(code if code != Code.OK else None for code in codes) <= allowed, set(codes)
    assert not [line for line in list(server.errors) if not line.startswith("{")]  # the log's own lines only
    assert codes[5] == Code.INVALID_ARGUMENT  # cut in a field: not UNIMPLEMENTED, as gRPC's own classes would say
    assert_lives(server)


def test_the_message_limit(server):
    rows = (LIMIT - 200) // 12
    x = np.ones((rows, 3), dtype=np.float32)
    assert len(ask(server, raw(x.tobytes(), shape=x.shape)).raw_output_contents[0]) == rows * 4
    refused = refusal(server, raw(bytes(LIMIT + 12), shape=[1, 3]))
    assert refused.code() == Code.RESOURCE_EXHAUSTED and str(LIMIT) in refused.details()
    assert_lives(server)


@pytest.mark.parametrize("algorithm", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_are_refused_and_never_inflated(server, algorithm):
    with channel(server.grpc) as open_channel, pytest.raises(grpc.RpcError) as refused:
        bare(open_channel)(bytes(100 << 20), compression=algorithm)  # 100 KB on the wire
    assert refused.value.code() == Code.UNIMPLEMENTED and "disabled" in refused.value.details()
    assert_lives(server)


def test_many_metadata_are_refused(server):
    with channel(server.grpc) as open_channel, pytest.raises(grpc.RpcError) as refused:
        bare(open_channel)(typed().SerializeToString(), metadata=[(f"x-{number}", "a" * 1000) for number in range(40)])
    assert refused.value.code() in (Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE)
    assert_lives(server)


def test_32_threads_get_their_own_answers(server):
    def one(first):
        with triton.InferenceServerClient(server.grpc) as own:
            return all(own.infer("linear", linear(value=number)).as_numpy("y")[0][0] == np.float32(number * 111 + 0.5)
                       for number in range(first, first + 30))

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(one, range(0, 320, 10)))


def test_cancelled_and_late_calls_do_no_harm(server, client):
    def asked_in_a_hurry():
        try:
            assert client.infer("linear", linear(), client_timeout=1e-9).as_numpy("y").shape == (1, 1)
        except InferenceServerException as late:
            return late.status()

    # The answer of a quick model may well be there before anybody looks at the clock.
    assert str(Code.DEADLINE_EXCEEDED) in (asked_in_a_hurry() for _ in range(500))
    big = raw(np.ones((300_000, 3), dtype=np.float32).tobytes(), shape=[300_000, 3]).SerializeToString()
    with channel(server.grpc) as open_channel:
        call = bare(open_channel)
        for pending in [call.future(big) for _ in range(20)]:
            pending.cancel()
        stream = open_channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", request_serializer=None, response_deserializer=None)
        open_stream = stream(iter([big] * 5))
        next(open_stream)
        open_stream.cancel()
    assert_lives(server)


def test_connections_that_are_not_grpc_do_no_harm(server):
    host, port = server.grpc.split(":")
    for bytes_ in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01" + bytes(100), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 200, b""):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(bytes_)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    assert_lives(server)


def test_streams_have_a_limit():
    running = serve(["linear"])

    async def opened():
        local = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(running.grpc) as one, grpc.aio.insecure_channel(running.grpc, options=local) as two:
            def stream(on):
                return on.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")()

            async def ask_in(call):
                await call.write(typed().SerializeToString())
                return isinstance(await call.read(), bytes)

            calls = [stream(each) for each in [one] * 600 + [two] * 400]
            answered = await asyncio.gather(*(ask_in(call) for call in calls))
            refused = stream(one)
            return sum(answered), await refused.code(), await refused.details()

    try:
        answered, code, details = asyncio.run(opened())
        assert answered == 1000 and code == Code.UNAVAILABLE and "1000 streams are open" in details
        assert_lives(running)
    finally:
        assert running.stop() == 0


def test_every_answer_is_counted_and_logged(server):
    def metrics():
        with urllib.request.urlopen(server.url + "/metrics") as answer:
            lines = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line.startswith("millrace_grpc_messages_total")]
        return {line[0].split('"')[1]: int(line[1]) for line in lines}

    ask(server, typed())
    before = metrics()
    ask(server, typed())
    refusal(server, typed(name="z"), metadata=[("x-request-id", "seen-in-the-log")])
    after = metrics()
    assert after["OK"] - before["OK"] == 1 and after["INVALID_ARGUMENT"] - before.get("INVALID_ARGUMENT", 0) == 1
    until(lambda: any('"seen-in-the-log"' in line for line in list(server.errors)))
    [line] = [json.loads(line) for line in list(server.errors) if '"seen-in-the-log"' in line]
    assert line["path"] == "/inference.GRPCInferenceService/ModelInfer" and line["status"] == "INVALID_ARGUMENT" and line["via"] == "oip"


def test_the_contract_refuses_with_field_rule_and_prediction():
    running = serve(["columns"], "--contract", MODELS / "columns.odcs.yaml")
    try:
        with triton.InferenceServerClient(running.grpc) as client:
            def inputs(minutes):
                return [tensor("carrier", np.array([["UA"]], dtype=object), "BYTES"), tensor("minutes", np.array([[minutes]]), "INT64"),
                        tensor("distance", np.array([[1.0]], dtype=np.float32), "FP32")]

            assert client.infer("columns", inputs(10)).as_numpy("score")[0][0] == 13
            with pytest.raises(InferenceServerException, match="field minutes, rule .*, prediction [0-9a-f-]{36}") as refused:
                client.infer("columns", inputs(5000))
            assert refused.value.status() == str(Code.INVALID_ARGUMENT)
            details = dict(refused.value.debug_details().trailing_metadata()) if hasattr(refused.value.debug_details(), "trailing_metadata") else None
        request = pb.ModelInferRequest(model_name="columns")
        for name, datatype, field, value in (("carrier", "BYTES", "bytes", b"UA"), ("minutes", "INT64", "int64", 5000), ("distance", "FP32", "fp32", 1)):
            getattr(request.inputs.add(name=name, datatype=datatype, shape=[1, 1]).contents, field + "_contents").append(value)
        details = dict(refusal(running, request).trailing_metadata())
        assert details["millrace-code"] == "rejected" and details["millrace-field"] == "minutes" and details["millrace-rule"]
        assert len(details["millrace-prediction-id"]) == 36 and details["millrace-row"] == "0" and details["millrace-arm"] == "stable"
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize("sync", ["50ms", "strict"])
def test_stopping_finishes_what_is_under_way(tmp_path, sync):
    """Answers that arrived are in the log; calls are answered or refused (gRPC itself cancels those that come while it stops); an idle stream ends."""
    running = serve(["linear"], "--log", tmp_path, "--log-sync", sync)
    answered, other = [], []

    def work(_):
        with triton.InferenceServerClient(running.grpc) as client:
            while True:
                try:
                    answered.append(client.infer("linear", linear()).get_response().parameters["millrace_prediction_id"].string_param)
                except InferenceServerException as refused:
                    other.append(refused.status())
                    return

    with channel(running.grpc) as open_channel:
        stream = open_channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", request_serializer=None, response_deserializer=None)
        said = queue.Queue()
        said.put(typed().SerializeToString())
        open_stream = stream(iter(said.get, None))
        next(open_stream)
        with ThreadPoolExecutor(8) as pool:
            pending = [pool.submit(work, number) for number in range(8)]
            until(lambda: len(answered) > 100)
            running.process.send_signal(signal.SIGTERM)
            for each in pending:
                each.result()
        with pytest.raises(grpc.RpcError) as ended:
            next(open_stream)
        assert ended.value.code() == Code.UNAVAILABLE and "stopping" in ended.value.details()
        said.put(None)
    running.process.wait(timeout=60)
    assert running.stop() == 0
    assert set(other) <= {str(Code.UNAVAILABLE), str(Code.CANCELLED)}
    kept = b"".join(path.read_bytes() for path in (tmp_path / "linear").rglob("*") if path.is_file())
    assert all(prediction.encode() in kept for prediction in answered)


def test_strict_logs_are_written_before_the_answer(tmp_path):
    running = serve(["linear"], "--log", tmp_path, "--log-sync", "strict")
    with triton.InferenceServerClient(running.grpc) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.infer("linear", linear()).get_response(), range(100)))
        client.start_stream(lambda result, error: answers.append(result.get_response()))
        for _ in range(20):
            client.async_stream_infer("linear", linear())
        client.stop_stream()
    running.kill()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "linear").glob("*.log"))
    assert len(answers) == 120
    for answer in answers:
        assert kept.count(answer.parameters["millrace_prediction_id"].string_param.encode()) == 1


def test_tokens_hold_for_grpc(tmp_path):
    state = tmp_path / "state"
    tokens = {role: json.loads(run("token", "create", "--subject", f"the-{role}", "--role", role, "--json", state=state).stdout)["token"] for role in ("reader", "writer")}
    running = up(state, "--grpc", "127.0.0.1:0")
    try:
        def code(method, **metadata):
            with channel(running.grpc) as open_channel:
                try:
                    bare(open_channel, method)(b"", metadata=[(name.replace("_", "-"), value) for name, value in metadata.items()])
                    return Code.OK
                except grpc.RpcError as refused:
                    assert refused.details()
                    return refused.code()

        assert code("RepositoryIndex") == Code.OK  # from this machine
        assert code("RepositoryIndex", authorization="Bearer " + tokens["reader"]) == Code.OK
        assert code("RepositoryIndex", authorization="Bearer wrong") == Code.UNAUTHENTICATED
        assert code("RepositoryIndex", authorization="Digest a") == Code.UNAUTHENTICATED
        assert code("RepositoryModelLoad", authorization="Bearer " + tokens["reader"]) == Code.PERMISSION_DENIED
        assert code("RepositoryModelLoad", authorization="Bearer " + tokens["writer"]) == Code.NOT_FOUND
        assert code("RepositoryIndex", x_mlflow_workspace="../a") == Code.INVALID_ARGUMENT
        with channel(running.grpc) as open_channel:
            stream = open_channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", request_serializer=None, response_deserializer=None)
            with pytest.raises(grpc.RpcError) as refused:
                next(stream(iter([b""]), metadata=[("authorization", "Bearer wrong")]))
            assert refused.value.code() == Code.UNAUTHENTICATED
    finally:
        assert running.stop() == 0


def refused_start(*words, **more):
    out = run(*words, **more)
    assert out.returncode != 0 and "Traceback" not in out.stderr
    return out.stderr


def test_addresses_that_cannot_be_used_are_refused(server, tmp_path):
    model = ("--model", f"linear={MODELS}/linear.onnx", "--http", "127.0.0.1:0")
    assert "Address already in use" in refused_start("serve", *model, "--grpc", server.grpc)
    assert "can be reached from other machines" in refused_start("serve", *model, "--grpc", "0.0.0.0:0")
    assert "is not HOST:PORT" in refused_start("serve", *model, "--grpc", "nowhere")
    assert "there are no tokens yet" in refused_start("up", "--http", "127.0.0.1:0", "--grpc", "0.0.0.0:0", state=tmp_path / "state")
    assert_lives(server)


def test_without_its_library_only_grpc_is_missing(tmp_path):
    alone = tmp_path / "millrace"
    try:
        os.link(Path(BINARY).resolve(), alone)
    except OSError:  # another file system
        alone.write_bytes(Path(BINARY).read_bytes())
        alone.chmod(0o755)
    libraries = str(ROOT / "build/deps/lib")
    command = [str(alone), "serve", "--model", f"linear={MODELS}/linear.onnx", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60,
                         env={**os.environ, "MILLRACE_LIB_DIR": libraries, "LD_LIBRARY_PATH": libraries})
    assert out.returncode == 6 and "libmillrace_grpc.so" in out.stderr and "leave --grpc out" in out.stderr
