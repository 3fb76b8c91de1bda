"""Stage `evaluate`: the last month before the horizon through model.onnx with ONNX Runtime alone, as the server will do it.

scored.parquet holds the row behind every figure; the gates are computed from it. report.json sums it up, with the flights
that were left out.
"""
import datetime
import json
import os
import sys

import mlflow
import numpy as np
import onnxruntime
import pyarrow
import pyarrow.compute
import pyarrow.parquet

KEYS = ["year", "month", "day", "sched_dep_time", "carrier", "flight", "origin", "dest", "tailnum", "event_time"]
PARTS = ("train", "calibrate", "test")
BINS = 20


def predict(session, rows):
    feed = {i.name: rows[i.name].to_numpy().reshape(-1, 1) for i in session.get_inputs()}
    return session.run(["probability"], feed)[0][:, 0]


def auc(score, label):
    """The chance that a late flight scores above one that was not late; ties count half."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    late = int(label.sum())
    return float((rank[label == 1].sum() - late * (late + 1) / 2) / (late * (len(label) - late)))


def calibration_error(score, label):
    """Mean distance of score and outcome over bins with the same number of rows (expected calibration error)."""
    parts = np.array_split(np.argsort(score, kind="stable"), BINS)
    return float(sum(abs(score[p].mean() - label[p].mean()) * len(p) for p in parts) / len(score))


def figures(score, label):
    score = score.astype(np.float64)
    inside = np.clip(score, 1e-7, 1 - 1e-7)
    return {
        "rows": len(label),
        "base_rate": float(label.mean()),
        "auc": auc(score, label),
        "brier": float(((score - label) ** 2).mean()),
        "log_loss": float(-(label * np.log(inside) + (1 - label) * np.log(1 - inside)).mean()),
        "ece": calibration_error(score, label),
    }


def group_recall(rows, decision, column, least):
    """Recall of each value of a column with at least so many rows."""
    label, values, found = rows["late_30"].to_numpy(), rows[column].to_numpy(), {}
    for value in sorted(set(values)):
        chosen = values == value
        late = chosen & (label == 1)
        if chosen.sum() >= least and late.any():
            found[value] = {"rows": int(chosen.sum()), "late": int(late.sum()), "recall": float(decision[late].mean())}
    return found


def excluded(outcomes, table):
    """Flights left out by part, and proof that nothing else was: what remains is the training table, row for row."""
    report = {}
    for part in PARTS:
        months = sorted(set(table.filter(pyarrow.compute.equal(table["split"], part))["month"].to_pylist()))
        chosen = outcomes.filter(pyarrow.compute.is_in(outcomes["month"], pyarrow.array(months, pyarrow.int64())))
        report[part] = {name: int(pyarrow.compute.sum(chosen[name]).as_py() or 0) for name in ("scheduled", "landed", "cancelled", "diverted")}
        kept = int(pyarrow.compute.sum(pyarrow.compute.equal(table["split"], part)).as_py() or 0)
        if kept != report[part]["landed"]:
            sys.exit(f"evaluate.py: {report[part]['landed']} flights of part '{part}' landed, but the training table has {kept}")
    return report


def main():
    table = pyarrow.parquet.read_table("training/training.parquet")
    left_out = excluded(pyarrow.parquet.read_table("outcomes/outcomes.parquet"), table)
    rows = table.filter(pyarrow.compute.equal(table["split"], "test"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession("train/model.onnx", options, providers=["CPUExecutionProvider"])
    threshold = float(session.get_modelmeta().custom_metadata_map["threshold"])

    score, label = predict(session, rows), rows["late_30"].to_numpy()
    decision = (score >= np.float32(threshold)).astype(np.int32)
    scored = rows.select(KEYS).append_column("late_30", rows["late_30"])
    scored = scored.append_column("score", pyarrow.array(score)).append_column("decision", pyarrow.array(decision))
    pyarrow.parquet.write_table(scored, "scored.parquet", compression="zstd")

    test = figures(score, label)
    report = {
        "test": test,
        "threshold": threshold,
        "recall": float(decision[label == 1].mean()),
        "precision": float(label[decision == 1].mean()),
        "group_recall": {column: group_recall(rows, decision, column, 500) for column in ("origin", "carrier")},
        "flights": left_out,
    }
    with open("report.json", "w") as file:
        json.dump(report, file, indent=2, sort_keys=True)
        file.write("\n")
    with mlflow.start_run(run_name=os.environ.get("MILLRACE_RUN_NAME")):
        mlflow.set_tag("stage", os.environ.get("MILLRACE_STAGE", "evaluate"))
        mlflow.log_metrics({f"test_{name}": value for name, value in test.items()})
        mlflow.log_metrics({"test_recall": report["recall"], "test_precision": report["precision"]})
        mlflow.log_artifact("report.json")
    print(f"{datetime.date(2013, rows['month'][0].as_py(), 1):%B}: AUC {test['auc']:.4f}, calibration error {test['ece']:.4f}, {test['rows']} flights, "
          f"{left_out['test']['cancelled']} cancelled and {left_out['test']['diverted']} diverted left out")


if __name__ == "__main__":
    main()
