"""A state with as many runs as a large team makes in years, written straight into the store: over HTTP it would take minutes."""
import random
import sqlite3

from server import run

START = 1_700_000_000_000  # ms
EXPERIMENT = "1"


def insert(database, table, columns, rows):
    names = columns.split()
    database.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)


def fill(state, runs, keys, per_run=6):
    """The state's folder: `runs` runs of one experiment, each with `auc`, `loss` and `per_run` metrics of `keys` other keys, two parameters and a tag. Seeded."""
    made = run("token", "list", state=state)  # makes the store
    assert made.returncode == 0, made.stderr
    chance = random.Random(7)
    ids = [f"{chance.getrandbits(128):032x}" for _ in range(runs)]
    database = sqlite3.connect(state / "meta.db")
    with database:
        insert(database, "track_experiments", "workspace id name artifact_location lifecycle_stage creation_time last_update_time",
               [("default", EXPERIMENT, "many", f"mlflow-artifacts:/{EXPERIMENT}", "active", START, START)])
        insert(database, "track_runs", "workspace id experiment_id name user_id status start_time end_time artifact_uri lifecycle_stage recorded_at",
               (("default", id, EXPERIMENT, f"run-{n}", "ada", "FINISHED" if n % 50 else "FAILED", START + n * 1000, START + n * 1000 + 900,
                 f"mlflow-artifacts:/{EXPERIMENT}/{id}/artifacts", "active", (START + n * 1000) * 1000) for n, id in enumerate(ids)))
        insert(database, "track_params", "workspace run_id key value",
               (row for n, id in enumerate(ids) for row in (("default", id, "depth", str(n % 12)), ("default", id, "rate", f"{0.01 + n % 7 / 100:.2f}"))))
        insert(database, "track_run_tags", "workspace run_id key value", (("default", id, "team", f"team-{n % 9}") for n, id in enumerate(ids)))

        def latest():
            for n, id in enumerate(ids):
                for key in ("auc", "loss", *(f"metric_{(n * per_run + k) % keys:05d}" for k in range(per_run))):
                    value = chance.random()
                    yield "default", id, key, START + n * 1000, 1, value, 0, "", "", "", EXPERIMENT, START + n * 1000, 1, -1, 0, value, value
        insert(database, "track_latest_metrics", "workspace run_id key timestamp step value is_nan model_id dataset_name dataset_digest "
               "experiment_id start_time unsealed sealed_timestamp sealed_step least greatest", latest())
    database.close()
    return state
