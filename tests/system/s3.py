"""A real object store for tests: Versity's gateway over a folder, on a free port of this machine."""
import os
import pathlib
import socket
import subprocess

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("MILLRACE_S3_SERVER", ROOT / "build" / "deps" / "bin" / "versitygw"))
KEY, SECRET, REGION = "test-key", "test-secret-of-forty-letters-or-so", "us-east-1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3:
    """One bucket, `models`. `environment` is what whoever speaks to it needs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "data" / "models").mkdir(parents=True)
        (self.folder / "meta").mkdir()
        self.endpoint = f"127.0.0.1:{free_port()}"
        self.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION,
                            "AWS_EC2_METADATA_DISABLED": "true"}
        self.log = (self.folder / "log").open("wb")
        self.start()

    def start(self):
        assert BINARY.exists(), f"{BINARY} is missing: run ./dev deps"
        self.process = subprocess.Popen([BINARY, "--access", KEY, "--secret", SECRET, "--region", REGION, "--port", self.endpoint,
                                         "--quiet", "posix", "--sidecar", self.folder / "meta", self.folder / "data"], stdout=self.log, stderr=self.log)
        starting = requests.Session()
        starting.mount("http://", HTTPAdapter(max_retries=Retry(connect=40, backoff_factor=0.05, backoff_max=1)))
        try:
            starting.get(f"http://{self.endpoint}/", timeout=60)
        except requests.ConnectionError:
            raise AssertionError(f"the object store does not answer: {(self.folder / 'log').read_text()[-2000:]}") from None

    def uri(self, prefix=""):
        return f"s3://models{prefix}?endpoint_override={self.endpoint}&scheme=http&region={REGION}"

    def path(self, key):
        """Where the bytes of an object lie, to look behind the server's back."""
        return self.folder / "data" / "models" / key

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    running = S3(tmp_path_factory.mktemp("s3"))
    yield running
    running.stop()
