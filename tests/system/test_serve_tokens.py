"""`millrace serve` beyond this machine: tokens from a file, and the manifest that starts it so."""
import hashlib

import numpy
import pytest
import requests
import tritonclient.grpc
import yaml
from tritonclient.utils import InferenceServerException

from server import ROOT, Server, run

READER, WRITER = "mr_" + "1" * 40, "mr_" + "2" * 40
BODY = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]}
MODEL = ROOT / "src/serve/testdata/linear.onnx"


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# who may ask\nshop reader {READER}\nops writer sha256:{hashlib.sha256(WRITER.encode()).hexdigest()}\n")
    return path


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_without_tokens_it_listens_on_this_machine_only(tmp_path):
    for option in ("--http", "--grpc"):
        refused = run("serve", "--model", f"linear={MODEL}", option, "0.0.0.0:0")
        assert refused.returncode == 4 and "--token-file" in refused.stderr, refused.stderr
    broken = tmp_path / "tokens"
    broken.write_text("shop readr " + READER)
    refused = run("serve", "--model", f"linear={MODEL}", "--http", "0.0.0.0:0", "--token-file", broken)
    assert refused.returncode == 2 and "did you mean 'reader'?" in refused.stderr and READER not in refused.stderr
    assert run("serve", "--model", f"linear={MODEL}", "--http", "0.0.0.0:0", "--token-file", tmp_path / "none").returncode == 3


def test_everybody_needs_a_token_and_has_its_role(tokens):
    server = Server("serve", "--model", f"linear={MODEL}", "--http", "0.0.0.0:0", "--grpc", "127.0.0.1:0", "--token-file", tokens)
    try:
        url = f"http://127.0.0.1:{server.address.rpartition(':')[2]}"

        def status(method, path, headers=None, **body):
            return requests.request(method, url + path, headers=headers, timeout=60, **body).status_code

        infer, load = "/v2/models/linear/infer", "/v2/repository/models/linear/load"
        for path in ("/v2/health/ready", "/v2/health/live", "/v2/models/linear/ready", "/ping", "/health"):
            assert status("GET", path) == 200, path
        assert status("POST", infer, json=BODY) == 401, "this machine is no exception"
        assert status("POST", infer, bearer("mr_" + "3" * 40), json=BODY) == 401
        assert status("POST", infer, bearer(READER), json=BODY) == 200
        assert status("GET", "/metrics") == 401 and status("GET", "/metrics", bearer(READER)) == 200
        assert status("POST", load, bearer(READER), json={}) == 403
        assert status("POST", load, bearer(WRITER), json={}) == 200
        with tritonclient.grpc.InferenceServerClient(server.grpc) as client:
            x = tritonclient.grpc.InferInput("x", [1, 3], "FP32")
            x.set_data_from_numpy(numpy.ones((1, 3), dtype=numpy.float32))
            with pytest.raises(InferenceServerException, match="this needs a token"):
                client.infer("linear", [x])
            assert client.infer("linear", [x], headers={"authorization": f"Bearer {READER}"}).as_numpy("y").shape == (1, 1)
    finally:
        assert server.stop() == 0


def test_the_manifest_has_the_shape_that_kserve_reads_and_its_arguments_start_a_server(tmp_path, tokens):
    folder = ROOT / "packaging/kserve"
    runtime, service = (yaml.safe_load((folder / name).read_text()) for name in ("runtime.yaml", "service.yaml"))
    assert (runtime["apiVersion"], runtime["kind"]) == ("serving.kserve.io/v1alpha1", "ServingRuntime")
    assert service["spec"]["predictor"]["model"]["runtime"] == runtime["metadata"]["name"]
    spec = runtime["spec"]
    formats = {each["name"] for each in spec["supportedModelFormats"]}
    assert service["spec"]["predictor"]["model"]["modelFormat"]["name"] in formats
    assert service["spec"]["predictor"]["model"]["protocolVersion"] in spec["protocolVersions"]
    [container] = spec["containers"]
    assert container["name"] == "kserve-container" and container["command"] == ["millrace"]
    volumes = {volume["name"] for volume in spec["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    [port] = [each["containerPort"] for each in container["ports"]]
    # As KServe starts it, with the folders of this test.
    models = tmp_path / "models"
    models.mkdir()
    (models / "model.onnx").write_bytes(MODEL.read_bytes())
    (models / "README.md").write_text("of the model")
    assert f"0.0.0.0:{port}" in container["args"]
    swap = {f"0.0.0.0:{port}": "0.0.0.0:0", "/etc/millrace/tokens": str(tokens), "{{.Name}}=/mnt/models": f"late={models}"}
    assert set(swap) <= set(container["args"])
    server = Server(*[swap.get(word, word) for word in container["args"]])
    try:
        url = f"http://127.0.0.1:{server.address.rpartition(':')[2]}"
        for probe in ("readinessProbe", "livenessProbe"):
            asked = container[probe]["httpGet"]
            assert asked["port"] == port and requests.get(url + asked["path"], timeout=60).status_code == 200
        assert requests.post(url + "/v2/models/late/infer", json=BODY, headers=bearer(READER), timeout=60).status_code == 200
    finally:
        assert server.stop() == 0
    (models / "other.onnx").write_bytes(MODEL.read_bytes())
    refused = run("serve", "--model", f"late={models}", "--http", "127.0.0.1:0")
    assert refused.returncode == 2 and "several model files: model.onnx, other.onnx" in refused.stderr
    for path in models.iterdir():
        path.unlink()
    assert "has no model file" in run("serve", "--model", f"late={models}", "--http", "127.0.0.1:0").stderr
