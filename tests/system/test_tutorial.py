"""Runs the tutorial's commands, all of them, in a copy of the example."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_tutorial_runs_as_written(tmp_path):
    text = (ROOT / "docs" / "tutorial-flights.md").read_text()
    blocks = re.findall(r"^```sh( setup)?\n(.*?)^```", text, flags=re.S | re.M)
    assert sum(1 for setup, _ in blocks if setup) == 1, "one block sets the paths; the test does that itself"
    script = "set -euo pipefail\n" + "\n".join(body for setup, body in blocks if not setup)
    assert script.count("millrace ") > 15
    shutil.copytree(ROOT / "examples" / "flights", tmp_path / "flights", ignore=shutil.ignore_patterns("data", ".millrace", "__pycache__"))
    path = f"{ROOT / 'build'}:{ROOT / 'build/deps/venv/bin'}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path / "flights", env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "intact:" in done.stdout and "dataset:flights@1" in done.stdout and "answered" in done.stdout
