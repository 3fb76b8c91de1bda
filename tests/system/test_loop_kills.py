"""kill -9 at random moments of a replay, a canary, a promotion and a rollback: in the end the counts of predictions, labels, windows and alerts
are those of the same steps undisturbed."""
import os
import random
import shutil
import subprocess
import threading

import pytest
import requests

from server import BINARY, run, up
from shop import Shop

SEED = int(os.environ.get("MILLRACE_CRASH_SEED", "20131"))
KILLS = int(os.environ.get("MILLRACE_LOOP_KILLS", "8"))
MONITORS = """
monitors:
  long:
    window: day
    min_rows: 50
    performance: {auc: {page_below: 0.9}}
    refusals: {rate: {page: 0.05}}
    on: {page: review}
"""
STAGES = """\
    asked:
      sql: asked.sql
      outs: [asked.parquet]
"""
# 1,200 requests over three days; on the third many break the contract (minutes over 1439).
ASKED = """\
SELECT 'AA' AS carrier, CAST(CASE WHEN i >= 800 AND i % 4 = 0 THEN 5000 ELSE (i * 37) % 1440 END AS BIGINT) AS minutes,
  CAST(100 + i % 900 AS FLOAT) AS distance, CAST(i % 3 = 0 AS INTEGER) AS long, 'u' || i % 40 AS unit,
  make_timestamp(1704067200000000 + i * 216000000) AS event_time
FROM range(1200) t(i) ORDER BY i
"""
STEPS = [
    ("release", "canary", "long", "--version", "2", "--share", "0.3", "--why", "a part", "--once"),
    ("replay", "long", "stage:asked/asked.parquet", "--clock", "event", "--once"),
    ("feedback", "long", "stage:asked/asked.parquet", "--label", "long"),
    ("release", "promote", "long", "--why", "it holds", "--once"),
    ("monitor", "look", "long", "--to", "2024-01-05"),
]


def prepared(folder):
    """Two approved versions, the first live; nothing was asked yet."""
    shop = Shop(folder)
    shop.change("millrace.yaml", "    train:\n", STAGES + "    train:\n")
    shop.write("millrace.yaml", (shop.folder / "millrace.yaml").read_text() + MONITORS)
    shop.write("asked.sql", ASKED)
    shop.release()
    shop.second()
    return shop


def outcome(shop):
    """What must not depend on where the server died."""
    server = up(shop.state, "--project", shop.folder)
    api = f"{server.url}/api/millrace/v1"
    predictions = requests.get(f"{api}/deployments/long/predictions", timeout=60).json()["count"]
    windows = requests.get(f"{api}/deployments/long/windows", params={"arm": "all"}, timeout=60).json()["items"]
    alerts = requests.get(f"{api}/alerts", timeout=60).json()["items"]
    reviews = requests.get(f"{api}/reviews", timeout=60).json()["items"]
    releases = requests.get(f"{api}/deployments/long/releases", timeout=60).json()["items"]
    assert server.stop() == 0
    return {
        "predictions": predictions,
        "windows": sorted((w["from"], w["summary"]["requests"], w["summary"]["refused"], w["summary"]["labels"]) for w in windows),
        "alerts": sorted((a["kind"], a["subject"], a["arm"], a["version"], a["state"], a["from"]) for a in alerts),
        "reviews": len(reviews),
        "releases": [(r["step"], r["version"]) for r in releases],
    }


def killed_run(shop, words, moments):
    """The command against a server that dies as often as there are moments (numbers of journal lines or predictions later)."""
    while True:
        server = up(shop.state, "--project", shop.folder)
        command = subprocess.Popen([BINARY, *words, "--project", str(shop.folder), "--state", str(shop.state)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if moments:
            timer = threading.Timer(moments.pop(), server.kill)
            timer.start()
            output, _ = command.communicate(timeout=300)
            timer.join()
        else:
            output, _ = command.communicate(timeout=300)
            assert server.stop() == 0
            assert command.returncode == 0, f"{words}: {output}"
            return


@pytest.mark.slow
def test_counts_are_those_of_an_undisturbed_run(tmp_path):
    chance = random.Random(SEED)
    shop = prepared(tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(shop.state, kept)  # the salt of the arms is in it: both runs share out the traffic alike

    for words in STEPS:
        shop.good(*words)
    shop.good("release", "rollback", "long", "--why", "a drill")
    expected = answered(shop)
    assert expected["predictions"] == 1200 and len(expected["alerts"]) >= 2 and len(expected["windows"]) >= 3, expected

    shutil.rmtree(shop.state)
    shutil.copytree(kept, shop.state)
    per_step = [1, KILLS - 4, 1, 1, 1]
    for words, kills in zip(STEPS, per_step):
        killed_run(shop, words, [chance.uniform(0.0, 0.6) for _ in range(kills)])
    # A rollback has no --once: dead before its record it is asked again, dead after it it is there.
    server = up(shop.state, "--project", shop.folder, env={"MILLRACE_FAULT": "registry.release.after_record:1"})
    run("release", "rollback", "long", "--why", "a drill", project=shop.folder, state=shop.state)
    server.kill()
    assert answered(shop) == expected, f"seed {SEED}"
    verdict = shop.run("audit", "verify")
    assert verdict.returncode == 0, verdict.stdout


def answered(shop):
    """The outcome when every job has come to its end."""
    server = up(shop.state, "--project", shop.folder)
    jobs = f"{server.url}/api/millrace/v1/jobs"
    while waiting := [job["id"] for job in requests.get(jobs, timeout=60).json()["items"] if job["state"] in ("waiting", "running")]:
        for job in waiting:
            requests.get(f"{jobs}/{job}", params={"wait": 10}, timeout=60)
    assert server.stop() == 0
    return outcome(shop)


def test_a_review_is_opened_once_though_the_server_dies_right_after_it(tmp_path):
    shop = prepared(tmp_path)
    for words in STEPS[1:3]:
        shop.good(*words)
    kept = tmp_path / "kept"
    shutil.copytree(shop.state, kept)
    shop.good(*STEPS[-1])
    expected = answered(shop)
    assert expected["reviews"] >= 1

    shutil.rmtree(shop.state)
    shutil.copytree(kept, shop.state)
    dying = up(shop.state, "--project", shop.folder, env={"MILLRACE_FAULT": "monitor.respond.review_opened"})
    shop.run(*STEPS[-1])
    assert dying.process.wait(timeout=120) == -9, "the point was not reached"
    dying.kill()
    shop.good(*STEPS[-1])
    assert answered(shop) == expected
    assert shop.run("audit", "verify").returncode == 0
    for path in (shop.state / "blobs").rglob("*"):
        os.utime(path, (1, 1))
    assert shop.good("gc", "--artifacts", "--older-than", "0s")["blobs"] == 0  # what monitoring keeps is needed too
