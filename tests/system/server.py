"""A Millrace server as a child process, for tests: started on a free port, stopped or killed, its output at hand."""
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MILLRACE_BIN", str(ROOT / "build" / "millrace"))


def run(*words, state=None, project=None, timeout=300, env=None, cwd=None):
    """One command to its end."""
    command = [BINARY, *map(str, words)]
    if project:
        command += ["--project", str(project)]
    if state:
        command += ["--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, errors="strict", timeout=timeout, env={**os.environ, **(env or {})}, cwd=cwd)


class Server:
    """`millrace up` (or another serving command) until stop() or kill()."""

    def __init__(self, *words, env=None):
        self.process = subprocess.Popen([BINARY, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        self.errors = []
        self._reader = threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self._reader.start()
        line = self.process.stdout.readline()
        found = re.fullmatch(r"ready http=(\S+) grpc=(\S+)\n", line)
        if not found:
            self.process.kill()
            self._reader.join()
            raise AssertionError(f"no ready line but {line!r}: {''.join(self.errors)[-2000:]}")
        self.address, self.grpc = found[1], found[2]
        self.url = f"http://{self.address}"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=120)
        self.stop_reading()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.stop_reading()

    def stop_reading(self):
        """After its end: all that it said is in errors."""
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


def up(state, *more, **options):
    return Server("up", "--state", state, "--http", "127.0.0.1:0", *more, **options)


def stand_still(process):
    """Stops all of its threads; what is sent to it then is there when it goes on."""
    process.send_signal(signal.SIGSTOP)
    threads = pathlib.Path(f"/proc/{process.pid}/task")
    until(lambda: all((each / "stat").read_text().rpartition(")")[2].split()[0] == "T" for each in threads.iterdir()))


def go_on(process):
    process.send_signal(signal.SIGCONT)


def until(holds, seconds=180):
    """Asks until it holds; fails after the deadline."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"


class Crowd:
    """Threads that ask again and again until the block that they are used in ends; each looks at `stopping`."""

    def __init__(self, *targets):
        self.stopping = False
        self.threads = [threading.Thread(target=target) for target in targets]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.stopping = True
        for thread in self.threads:
            thread.join()
