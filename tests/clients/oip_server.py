"""`millrace serve` for the tests of its protocols, and the tensors of the genuine client."""
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import tritonclient.http as triton

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "src/serve/testdata"
MODEL_NAMES = ["linear", "columns", "every_type", "lying", "logarithm", "half", "indexed"]
BINARY = os.environ.get("MILLRACE_BIN", str(ROOT / "build/millrace"))


class Server:
    """`millrace serve` on a free port, until close()."""

    def __init__(self, models, *options, files=None):
        command = [BINARY, "serve", "--http", "127.0.0.1:0", *options]
        for name, file in {**{name: MODELS / f"{name}.onnx" for name in models}, **(files or {})}.items():
            command += ["--model", f"{name}={file}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("ready http="), f"no ready line but: {line!r}"
        self.address = line.split()[1].removeprefix("http=").removeprefix("http://")

    def call(self, method, path, body=None, headers=None):
        status, answer, _ = self.exchange(method, path, body, headers)
        return status, answer

    def exchange(self, method, path, body=None, headers=None):
        """Status, body and headers of the answer."""
        request = urllib.request.Request(f"http://{self.address}{path}", method=method, data=body, headers=headers or {})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def metric(self, line):
        """The value of one line of /metrics; 0 when it is not there."""
        text = self.call("GET", "/metrics")[1].decode()
        found = [each.rsplit(" ", 1)[1] for each in text.splitlines() if each.rsplit(" ", 1)[0] == line]
        return float(found[0]) if found else 0

    def client(self):
        return triton.InferenceServerClient(self.address)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        return status


def tensor(name, array, datatype, binary):
    out = triton.InferInput(name, list(array.shape), datatype)
    out.set_data_from_numpy(array, binary_data=binary)
    return out
