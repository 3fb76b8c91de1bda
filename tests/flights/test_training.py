"""The stages as Millrace runs them: a folder with the declared files, the environment, outputs compared byte for byte."""
import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pyarrow
import pyarrow.parquet
import pytest
import support
import yaml

PROJECT = yaml.safe_load((support.EXAMPLE / "millrace.yaml").read_text())
STAGES = PROJECT["pipeline"]["stages"]
HORIZON = PROJECT["pipeline"]["horizon"].isoformat()
GATES = {name: rule for gate in PROJECT["models"]["late"]["gates"] if isinstance(gate, dict) for name, rule in gate.items()}


def table_of(connection, stage):
    """The stage's table from its SQL and parameters, in the project file's words."""
    text = (support.EXAMPLE / STAGES[stage]["sql"]).read_text()
    params = {name: HORIZON if value == "${horizon}" else value for name, value in STAGES[stage].get("params", {}).items()}
    return connection.execute(text, params).to_arrow_table()


def run(folder, script, tracking, params=None, seed=7):
    """One command stage. Its outputs land in the folder, its run in the tracking store beside it."""
    shutil.copy(support.EXAMPLE / script, folder)
    (folder / "params.json").write_text(json.dumps(params or {}))
    # What an mlflow client of another test left in this process (its experiment, say) is not the stage's.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "MILLRACE_"))}
    env = dict(clean, MILLRACE_PARAMS=str(folder / "params.json"), MILLRACE_SEED=str(seed), MILLRACE_THREADS="2", OMP_NUM_THREADS="2",
               MILLRACE_STAGE=script.removesuffix(".py"), MLFLOW_TRACKING_URI=tracking, PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C.UTF-8")
    return subprocess.run([sys.executable, script], cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def tables(data):
    return support.open_tables(data)


@pytest.fixture(scope="module")
def training(tables):
    return table_of(tables, "training")


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


@pytest.fixture(scope="module")
def trained(training, tables, tracking, tmp_path_factory):
    """A folder in which all stages ran."""
    folder = tmp_path_factory.mktemp("stages")
    for stage, table in (("training", training), ("outcomes", table_of(tables, "outcomes"))):
        (folder / stage).mkdir()
        pyarrow.parquet.write_table(table, folder / stage / f"{stage}.parquet")
    done = run(folder, "train.py", tracking, STAGES["train"]["params"], STAGES["train"]["seed"])
    assert done.returncode == 0, done.stderr
    (folder / "train").mkdir()
    shutil.copy(folder / "model.onnx", folder / "train")
    done = run(folder, "evaluate.py", tracking)
    assert done.returncode == 0, done.stderr
    return folder


def test_rows_set_aside_are_the_broken_ones(tables):
    assert {name: support.quarantined(tables, name) for name in support.DATASETS} == {
        "flights": {"tailnum pattern": 3, "ground_speed": 3},
        "weather": {"wind_speed maximum": 1, "no_frost_in_summer": 1},
        "planes": {"is_an_airliner": 41},
        "airports": {"lat maximum": 1, "tz maximum": 2},
        "airlines": {},
    }


def test_the_table_is_the_same_for_any_threads_and_order_of_rows(data):
    """Both at once: one thread, and flights that arrive in another order."""
    connection = support.open_tables(data, "2013-0[56]")
    first = table_of(connection, "training")
    connection.execute("SET threads = 1")
    connection.execute("CREATE TABLE shuffled AS SELECT * FROM flights ORDER BY day DESC, flight, month, carrier, origin")
    connection.execute("CREATE OR REPLACE VIEW flights AS SELECT * FROM shuffled")
    assert table_of(connection, "training").equals(first)


def test_a_request_holds_what_the_training_table_would(data):
    """A month of history, as the stage `requests` declares, gives the same features as half a year."""
    month = table_of(support.open_tables(data, "2013-0[67]*"), "requests_07")
    half_year = table_of(support.open_tables(data, "2013-0[1-7]*"), "requests_07")
    assert month.num_rows == 966                      # cancelled flights are asked about too
    assert month["late_30"].null_count == 89
    assert month.equals(half_year)


def test_requests_keep_the_models_contract(data):
    requests = table_of(support.open_tables(data, "2013-0[67]*"), "requests_07")
    for prop in support.contract("late_request")["properties"]:
        column, options = requests[prop["name"]], prop.get("logicalTypeOptions", {})
        assert str(column.type) == {"BYTES": "string", "INT64": "int64", "FP32": "float"}[prop["physicalType"]]
        assert column.null_count == 0
        if "minimum" in options:
            values = column.to_numpy()
            assert options["minimum"] <= values.min() and values.max() <= options["maximum"], prop["name"]
        for rule in prop.get("quality", []):
            assert set(column.to_pylist()) <= set(rule["arguments"]["validValues"])


def test_inputs_are_the_contracts(trained):
    model = onnx.load(trained / "model.onnx")
    names = {1: "FP32", 7: "INT64", 8: "BYTES"}
    inputs = {i.name: names[i.type.tensor_type.elem_type] for i in model.graph.input}
    assert inputs == {p["name"]: p["physicalType"] for p in support.contract("late_request")["properties"]}
    assert [o.name for o in model.graph.output] == ["probability"]


def test_training_twice_gives_the_same_bytes(trained, tracking, tmp_path):
    params, written = {**STAGES["train"]["params"], "trees": 30}, []
    for attempt in ("one", "two"):
        folder = tmp_path / attempt
        (folder / "training").mkdir(parents=True)
        os.link(trained / "training" / "training.parquet", folder / "training" / "training.parquet")
        done = run(folder, "train.py", tracking, params)
        assert done.returncode == 0, done.stderr
        written.append((folder / "model.onnx").read_bytes())
    assert written[0] == written[1]


def test_evaluating_twice_gives_the_same_bytes(trained, tracking, tmp_path):
    for stage in ("training", "outcomes", "train"):
        (tmp_path / stage).symlink_to(trained / stage)
    assert run(tmp_path, "evaluate.py", tracking).returncode == 0
    for name in ("scored.parquet", "report.json"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_the_graph_gives_lightgbms_probabilities(training, monkeypatch):
    """On rows that sit exactly on thresholds, too, and for a destination that training never saw."""
    monkeypatch.syspath_prepend(support.EXAMPLE)
    import train
    table = training.slice(20000, 20000)
    inputs = [(field.name, train.TYPES[str(field.type)]) for field in table.schema if field.name not in train.KEYS]
    label = table["late_30"].to_numpy().astype(np.float64)
    texts = {name: train.text_rates(table[name].to_numpy(), label) for name in ("carrier", "origin", "dest")}
    del texts["dest"][0]["BOS"]
    rows = train.matrix(table, inputs, texts)
    booster, _ = train.fit_trees(rows, label, (rows, label), {"trees": 50, "leaves": 31, "learning_rate": 0.1, "min_leaf": 20})
    platt = train.fit_platt(booster.predict(rows, raw_score=True), label)
    expected = 1 / (1 + np.exp(-(platt[0] * booster.predict(rows, raw_score=True) + platt[1])))
    model = train.build_graph(inputs, texts, booster, platt, {})
    assert np.abs(train.graph_scores(model, table, inputs) - expected).max() <= train.MAX_DIFFERENCE


def test_every_flight_is_scored_or_counted_as_left_out(data, trained):
    report = json.loads((trained / "report.json").read_text())
    with open(data / "flights" / "flights-2013-06.csv") as file:
        june = list(csv.DictReader(file))
    cancelled = sum(not row["dep_time"] for row in june)
    diverted = sum(bool(row["dep_time"]) and not row["arr_delay"] for row in june)
    assert report["flights"]["test"] == {"scheduled": len(june), "cancelled": cancelled, "diverted": diverted,
                                         "landed": len(june) - cancelled - diverted}
    assert pyarrow.parquet.read_metadata(trained / "scored.parquet").num_rows == len(june) - cancelled - diverted == 27075


def test_the_model_passes_its_gates(trained):
    report = json.loads((trained / "report.json").read_text())
    assert report["test"]["auc"] - 0.01 > GATES["auc"]["min"]            # the interval is about 0.006 either side
    assert report["test"]["ece"] <= GATES["calibration"]["max"]
    groups = [found["recall"] for by in GATES["group_recall"]["by"] for found in report["group_recall"][by].values()]
    assert len(groups) == 12 and min(groups) >= GATES["group_recall"]["min"]


def test_the_model_scores_a_single_row_as_it_scores_a_batch(trained, training):
    session = onnxruntime.InferenceSession(str(trained / "model.onnx"), providers=["CPUExecutionProvider"])
    rows = training.slice(150000, 50)
    batch = {i.name: rows[i.name].to_numpy().reshape(-1, 1) for i in session.get_inputs()}
    together = session.run(None, batch)[0]
    for n in range(50):
        alone = session.run(None, {name: column[n:n + 1] for name, column in batch.items()})[0]
        assert abs(alone[0, 0] - together[n, 0]) <= 1e-6


def test_the_run_is_logged(trained, tracking):
    import mlflow
    client = mlflow.MlflowClient(tracking_uri=tracking)
    runs = client.search_runs(["0"], "tags.stage = 'train' and params.trees = '400'")
    assert len(runs) == 1
    found = runs[0]
    assert [i.dataset.name for i in found.inputs.dataset_inputs] in (["train", "calibrate"], ["calibrate", "train"])
    assert len(client.get_metric_history(found.info.run_id, "calibrate_auc")) == 400
    assert found.data.metrics["onnx_max_difference"] <= 1e-5
    assert found.outputs.model_outputs
