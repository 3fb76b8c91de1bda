"""Serving leaves nothing in a person's home, whatever the libraries would like to note there."""
import requests

from server import ROOT, Server


def test_nothing_is_written_under_home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "XDG_CACHE_HOME": "", "ORT_DISABLE_TELEMETRY": "0"}
    model = ROOT / "src/serve/testdata/linear.onnx"
    server = Server("serve", "--model", f"linear={model}", "--runtime", "onnxruntime", "--http", "127.0.0.1:0", env=env)
    try:
        body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]}
        assert requests.post(f"{server.url}/v2/models/linear/infer", json=body, timeout=60).status_code == 200
    finally:
        assert server.stop() == 0
    assert not [str(path) for path in home.rglob("*")]
