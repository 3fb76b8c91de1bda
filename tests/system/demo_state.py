"""The state that `millrace demo` leaves: it takes minutes, so it is made once for each program and example, and copied."""
import fcntl
import hashlib
import os
import shutil
from pathlib import Path

from server import BINARY, ROOT, run

ENVIRONMENT = {"PATH": f"{ROOT / 'build/deps/venv/bin'}:{os.environ['PATH']}"}
KEPT = ROOT / "build/demo-state"


def _made_of():
    digest = hashlib.sha256(Path(BINARY).read_bytes())
    for path in sorted((ROOT / "examples/flights").rglob("*")):
        if path.is_file() and not {"data", ".millrace", "__pycache__"} & set(path.parts):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def copy_of_demo(folder):
    """(project, state) in `folder`, as one run of the demo left them; the run itself when nobody has made it yet."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, made = KEPT / "stamp", _made_of()
        if not stamp.exists() or stamp.read_text() != made:
            stamp.unlink(missing_ok=True)
            for old in ("flights", "state"):
                shutil.rmtree(KEPT / old, ignore_errors=True)
            shutil.copytree(ROOT / "examples/flights", KEPT / "flights", ignore=shutil.ignore_patterns("data", ".millrace", "__pycache__"))
            done = run("demo", project=KEPT / "flights", state=KEPT / "state", timeout=2400, env=ENVIRONMENT)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
            stamp.write_text(made)
        for each in ("flights", "state"):
            shutil.copytree(KEPT / each, folder / each, symlinks=True)
    return folder / "flights", folder / "state"
