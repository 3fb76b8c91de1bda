"""Stage `train`: from training/training.parquet to model.onnx, one graph from the named inputs to a calibrated probability.

The rows' `split` says what each is for: `train` fits the trees, `calibrate` (the month after) the calibration and the threshold.
`test` (the last month before the horizon) is not looked at: that is `evaluate`.
The same rows, parameters, seed and thread count give the same bytes.
"""
import json
import os
import sys
import warnings

import lightgbm
import mlflow
import numpy as np
import onnx
import onnxruntime
import pyarrow.compute
import pyarrow.parquet
from mlflow.data.sources import LocalArtifactDatasetSource
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

LABEL = "late_30"
KEYS = ("year", "month", "day", "sched_dep_time", "flight", "tailnum", "event_time", "split", LABEL)
TYPES = {"string": TensorProto.STRING, "int64": TensorProto.INT64, "float": TensorProto.FLOAT}
SMOOTHING = 100          # rows of the overall rate that a text value's own rate is mixed with
MAX_DIFFERENCE = 1e-5    # between the graph's probability and LightGBM's


def read_params():
    if "MILLRACE_PARAMS" not in os.environ:
        sys.exit("train.py: MILLRACE_PARAMS does not name a JSON file; run it as a stage: millrace run train")
    with open(os.environ["MILLRACE_PARAMS"]) as file:
        return json.load(file)


def text_rates(values, label):
    """The share of late flights of each text value, drawn towards the overall share where rows are few."""
    overall = float(label.mean())
    rates = {}
    for value in sorted(set(values)):
        chosen = label[values == value]
        rates[str(value)] = float(np.float32((chosen.sum() + SMOOTHING * overall) / (len(chosen) + SMOOTHING)))
    return rates, float(np.float32(overall))


def matrix(table, inputs, texts):
    """The inputs as 32-bit floats, as the graph sees them."""
    columns = []
    for name, kind in inputs:
        column = table[name].to_numpy()
        if kind == TensorProto.STRING:
            rates, other = texts[name]
            column = np.array([rates.get(value, other) for value in column])
        columns.append(column.astype(np.float32))
    return np.column_stack(columns)


def fit_trees(rows, label, watched, params):
    """Boosted trees, and the curve of their log loss and AUC by iteration. Every setting that moves a bit is pinned."""
    curve = {}
    booster = lightgbm.train(
        {
            "objective": "binary", "metric": ["binary_logloss", "auc"], "verbosity": -1,
            "num_leaves": params["leaves"], "learning_rate": params["learning_rate"], "min_data_in_leaf": params["min_leaf"],
            "feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 10.0,
            "seed": int(os.environ.get("MILLRACE_SEED", "0")), "num_threads": int(os.environ.get("MILLRACE_THREADS", "1")),
            "deterministic": True, "force_row_wise": True,
        },
        lightgbm.Dataset(rows, label),
        num_boost_round=params["trees"],
        valid_sets=[lightgbm.Dataset(*watched)],
        valid_names=["calibrate"],
        callbacks=[lightgbm.record_evaluation(curve)],
    )
    return booster, curve["calibrate"]


def fit_platt(raw, label):
    """Scale and shift of the raw score that minimise the log loss (Newton's method)."""
    design = np.column_stack([raw, np.ones_like(raw)])
    weights = np.array([1.0, 0.0])
    for _ in range(25):
        p = 1 / (1 + np.exp(-design @ weights))
        hessian = design.T @ (design * (p * (1 - p))[:, None])
        weights -= np.linalg.solve(hessian, design.T @ (p - label))
    return float(weights[0]), float(weights[1])


def round_down(text):
    """A line of thresholds as 32-bit numbers: a 32-bit input is at most a threshold exactly if it is at most that."""
    exact = np.array(text.split(), dtype=np.float64)
    rounded = exact.astype(np.float32)
    rounded = np.where(rounded > exact, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return " ".join(repr(float(value)) for value in rounded)


def raw_score_text(booster):
    """The trees as LightGBM's text, with thresholds that survive 32 bits and the raw score as the result."""
    lines = booster.model_to_string().replace("objective=binary sigmoid:1", "objective=regression").split("\n")
    lines = [line for line in lines if not line.startswith("tree_sizes=")]      # sizes in bytes, no longer true
    head = "threshold="
    return "\n".join(head + round_down(line[len(head):]) if line.startswith(head) else line for line in lines)


def tree_node(booster, width):
    """The library's tree ensemble, of which only the ensemble itself is used."""
    converted = convert_lightgbm(lightgbm.Booster(model_str=raw_score_text(booster)), target_opset=15,
                                 initial_types=[("features", FloatTensorType([None, width]))])
    return next(node for node in converted.graph.node if node.op_type == "TreeEnsembleRegressor")


def build_graph(inputs, texts, booster, platt, metadata):
    nodes, columns = [], []
    for name, kind in inputs:
        column = f"{name}_column"
        if kind == TensorProto.STRING:
            rates, other = texts[name]
            nodes.append(helper.make_node("LabelEncoder", [name], [column], name=column, domain="ai.onnx.ml",
                                          keys_strings=list(rates), values_floats=list(rates.values()), default_float=other))
        else:
            nodes.append(helper.make_node("Cast", [name], [column], name=column, to=TensorProto.FLOAT))
        columns.append(column)
    trees = tree_node(booster, len(inputs))
    trees.name, trees.input[0], trees.output[0] = "trees", "features", "raw"
    nodes += [
        helper.make_node("Concat", columns, ["features"], name="features", axis=1),
        trees,
        helper.make_node("Mul", ["raw", "scale"], ["scaled"], name="scaled"),
        helper.make_node("Add", ["scaled", "shift"], ["logit"], name="logit"),
        helper.make_node("Sigmoid", ["logit"], ["probability"], name="probability"),
    ]
    graph = helper.make_graph(
        nodes, "late",
        [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in inputs],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("scale", TensorProto.FLOAT, [1], [platt[0]]), helper.make_tensor("shift", TensorProto.FLOAT, [1], [platt[1]])],
    )
    model = helper.make_model(graph, producer_name="flights", ir_version=8,
                              opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)])
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model


def feed(table, inputs):
    """The table's columns as the graph's named tensors."""
    return {name: table[name].to_numpy().reshape(-1, 1) for name, _ in inputs}


def graph_scores(model, table, inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["probability"], feed(table, inputs))[0][:, 0]


# MLflow asks for columns that could miss values; ours say -1 instead.
warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer column")


def log_run(params, summary, curve, table, model):
    """What the run was, through the unchanged MLflow client; MLFLOW_TRACKING_URI says where."""
    with mlflow.start_run(run_name=os.environ.get("MILLRACE_RUN_NAME")) as run:
        mlflow.set_tags({"stage": os.environ.get("MILLRACE_STAGE", "train"), "seed": os.environ.get("MILLRACE_SEED", "0")})
        mlflow.log_params({**params, "inputs": len(model.graph.input), "calibration": "platt"})
        client, now = mlflow.MlflowClient(), int(run.info.start_time)
        for name, values in (("calibrate_logloss", curve["binary_logloss"]), ("calibrate_auc", curve["auc"])):
            points = [mlflow.entities.Metric(name, value, now, step) for step, value in enumerate(values, 1)]
            for start in range(0, len(points), 1000):
                client.log_batch(run.info.run_id, metrics=points[start:start + 1000])
        mlflow.log_metrics(summary)
        source = LocalArtifactDatasetSource("training/training.parquet")
        for part, context in (("train", "training"), ("calibrate", "calibration")):
            rows = table.filter(pyarrow.compute.equal(table["split"], part))
            frame = rows.drop_columns([name for name in KEYS if name != LABEL]).to_pandas()
            mlflow.log_input(mlflow.data.from_pandas(frame, source, LABEL, name=part), context=context, tags=dataset_tags())
        mlflow.onnx.log_model(model, name="model", pip_requirements=["onnx", "onnxruntime"])


def dataset_tags():
    """The source versions behind the training table, as Millrace names them."""
    path = os.environ.get("MILLRACE_DATASETS")
    if not path:
        return {}
    with open(path) as file:
        return {f"source.{d['name']}@{d['version']}": d["digest"] for d in json.load(file)}


def main():
    params = read_params()
    table = pyarrow.parquet.read_table("training/training.parquet")
    inputs = [(field.name, TYPES[str(field.type)]) for field in table.schema if field.name not in KEYS]
    split, label = table["split"].to_numpy(), table[LABEL].to_numpy().astype(np.float64)
    train, calibrate = split == "train", split == "calibrate"

    texts = {name: text_rates(table[name].to_numpy()[train], label[train]) for name, kind in inputs if kind == TensorProto.STRING}
    rows = matrix(table, inputs, texts)
    booster, curve = fit_trees(rows[train], label[train], (rows[calibrate], label[calibrate]), params)
    raw = booster.predict(rows, raw_score=True)
    platt = fit_platt(raw[calibrate], label[calibrate])
    expected = 1 / (1 + np.exp(-(platt[0] * raw + platt[1])))

    # The threshold warns about as many flights of the calibrating month as came late in it.
    threshold = float(np.float32(np.quantile(expected[calibrate], 1 - label[calibrate].mean(), method="higher")))
    model = build_graph(inputs, texts, booster, platt, {"threshold": repr(threshold), "label": LABEL})

    difference = float(np.abs(graph_scores(model, table, inputs) - expected).max())
    if difference > MAX_DIFFERENCE:
        sys.exit(f"train.py: the graph's probability differs from LightGBM's by {difference:g}, more than {MAX_DIFFERENCE:g}")
    with open("model.onnx", "wb") as file:
        file.write(model.SerializeToString(deterministic=True))
    log_run(params, {"threshold": threshold, "platt_scale": platt[0], "platt_shift": platt[1], "onnx_max_difference": difference},
            curve, table, model)
    print(f"{booster.num_trees()} trees, {len(inputs)} inputs, threshold {threshold:.4f}, graph within {difference:.1e} of LightGBM")


if __name__ == "__main__":
    main()
