"""A Spark 4 Connect server of its own for tests: the one of the pyspark package, in a temporary folder, on a free port."""
import collections
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import threading

HOME = pathlib.Path(sysconfig.get_path("purelib")) / "pyspark"
READY_SECONDS = 180


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Spark:
    def __init__(self):
        if not HOME.is_dir():
            raise RuntimeError("the pyspark package is not installed (deps/overrides.in); run ./dev deps")
        if shutil.which("java") is None:
            raise RuntimeError("there is no Java; install openjdk-17-jre-headless (deps/apt.txt)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-spark-"))
        self.port = free_port()
        self.url = f"sc://127.0.0.1:{self.port}"
        settings = {"spark.connect.grpc.binding.port": self.port, "spark.connect.grpc.binding.address": "127.0.0.1", "spark.ui.enabled": "false",
                    "spark.sql.shuffle.partitions": 2, "spark.local.dir": self.folder / "local",
                    "spark.sql.warehouse.dir": self.folder / "warehouse"}
        command = [HOME / "sbin" / "start-connect-server.sh", "--master", "local[2]", "--driver-memory", "900m"]
        for name, value in settings.items():
            command += ["--conf", f"{name}={value}"]
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=self.folder, start_new_session=True,
            env={**os.environ, "SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1", "SPARK_LOG_DIR": str(self.folder)})
        self.lines = collections.deque(maxlen=40)
        self.started = False
        self._told = threading.Event()  # it is up, or it has ended
        threading.Thread(target=self._read, daemon=True).start()
        if not self._told.wait(READY_SECONDS) or not self.started:
            self.stop()
            raise RuntimeError(f"Spark is not up: {''.join(self.lines)}")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            if "Spark Connect server started at" in line:
                self.started = True
                self._told.set()
        self._told.set()

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
