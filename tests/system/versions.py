"""A folder with versioned files, for tests: the real binary in it, and what it answers."""
import json
import os
import pathlib
import random
import shutil
import subprocess

from server import run

DVC = pathlib.Path(os.environ.get("MILLRACE_DVC", pathlib.Path(__file__).resolve().parents[2] / "build" / "deps" / "dvc" / "bin" / "dvc"))
PLAIN_GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org",
             "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org"}


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **PLAIN_GIT}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def dvc(folder, *words):
    assert DVC.exists(), f"{DVC} is missing: run ./dev deps"
    done = subprocess.run([DVC, *words], cwd=folder, env={**os.environ, **PLAIN_GIT, "DVC_NO_ANALYTICS": "1"}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Work:
    def __init__(self, folder, env=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ".millrace").mkdir(exist_ok=True)  # the top, whatever lies above
        self.env = env or {}

    def data(self, *words, status=0, env=None, json_answer=True):
        done = run("data", *words, *(["--json"] if json_answer else []), cwd=self.folder, env={**self.env, **(env or {})})
        assert done.returncode == status, f"{done.returncode}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout) if json_answer and done.stdout.strip() else done.stdout

    def killed_at(self, point, *words):
        done = run("data", *words, cwd=self.folder, env={**self.env, "MILLRACE_FAULT": point})
        assert done.returncode == -9, f"{point}: {done.returncode}: {done.stdout}{done.stderr}"

    def states(self):
        answer = json.loads(run("data", "status", "--json", cwd=self.folder, env=self.env).stdout)
        return {item["path"]: item["state"] for item in answer["paths"]}

    @property
    def store(self):
        return self.folder / ".millrace" / "versions"

    def half_written(self):
        """What no command may leave in a user's own folders."""
        return [str(path) for path in self.folder.rglob(".millrace-*")]


def fill(folder, files, seed=1, size=4096, large=0):
    """Files in folders of a hundred, and one large one; their contents by path."""
    chance, out = random.Random(seed), {}
    for i in range(files):
        path = folder / f"part{i // 100:03d}" / f"f{i:06d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(size))
    if large:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "large.bin").write_bytes(chance.randbytes(large))
    return contents(folder)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def clone(work, folder):
    """What a colleague has after `git clone`: the file that says what is tracked, and nothing of the store."""
    other = Work(folder, env=work.env)
    shutil.copy(work.folder / "millrace-data.yaml", other.folder / "millrace-data.yaml")
    return other
