"""Tree ensembles of LightGBM, XGBoost and scikit-learn, as files and converted to ONNX, by every runtime: the answers are those of
the libraries themselves, byte by byte."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import urllib.request

import lightgbm
import numpy as np
import onnxruntime
import pytest
import tritonclient.http as triton
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.ensemble import (GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier,
                              RandomForestRegressor)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MILLRACE_BIN", str(ROOT / "build/millrace"))
FEATURES, TREES = 6, 12


def data():
    random = np.random.default_rng(4)
    rows = random.normal(size=(600, FEATURES)).astype(np.float32)
    rows[:, 4] = random.integers(0, 12, len(rows))  # categories, for whoever takes them for that
    full = rows.copy()
    rows[random.random(rows.shape) < 0.1] = np.nan
    rows[random.random(rows.shape) < 0.05] = 0
    rows[:, 4] = np.nan_to_num(rows[:, 4])
    base = full[:, 0] + full[:, 1] * full[:, 2] + (full[:, 4] % 3)
    return rows, full, {"binary": (base > 0.5).astype(int), "classes": (base > 0).astype(int) + (base > 1), "number": base}


ROWS, FULL, LABELS = data()
PROBE = np.concatenate([ROWS[:120], np.array([[np.nan] * FEATURES, [0] * FEATURES, [1e30] * FEATURES, [-1e30] * FEATURES], np.float32)])


def lightgbm_files(folder):
    kinds = {"binary": ("binary", {}), "classes": ("classes", {"objective": "multiclass", "num_class": 3}), "number": ("number", {"objective": "regression"}),
             "zeros": ("binary", {"zero_as_missing": True}), "categories": ("binary", {"min_data_per_group": 5, "cat_smooth": 1}),
             "poisson": ("number", {"objective": "poisson"}), "forest": ("binary", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}),
             "linear": ("number", {"objective": "regression", "linear_tree": True})}
    out = {}
    for name, (label, more) in kinds.items():
        target = LABELS[label] - LABELS[label].min() if name == "poisson" else LABELS[label]
        columns = [4] if name == "categories" else "auto"
        booster = lightgbm.train({"objective": "binary", "num_leaves": 8, "verbosity": -1, "seed": 1, "num_threads": 1, **more},
                                 lightgbm.Dataset(ROWS.astype(np.float64), target, categorical_feature=columns), TREES)
        path = folder / f"{name}.txt"
        booster.save_model(path)
        out[name] = (path, booster.predict(PROBE.astype(np.float64), num_threads=1))
    return out


def xgboost_files(folder):
    kinds = {"binary": ("binary", {}), "classes": ("classes", {"objective": "multi:softprob", "num_class": 3}),
             "class": ("classes", {"objective": "multi:softmax", "num_class": 3}), "number": ("number", {"objective": "reg:squarederror"}),
             "poisson": ("number", {"objective": "count:poisson"}), "dart": ("binary", {"booster": "dart", "rate_drop": 0.4}),
             "categories": ("binary", {"max_cat_to_onehot": 2}), "vectors": ("classes", {"objective": "multi:softprob", "num_class": 3, "multi_strategy": "multi_output_tree"})}
    out = {}
    for name, (label, more) in kinds.items():
        target = LABELS[label] - LABELS[label].min() if name == "poisson" else LABELS[label]
        types = ["c" if name == "categories" and i == 4 else "q" for i in range(FEATURES)]
        matrix = xgboost.DMatrix(ROWS, target, feature_types=types, enable_categorical=True)
        booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "seed": 1, "nthread": 1, **more}, matrix, TREES)
        probe = PROBE if name != "categories" else PROBE[:120]
        answers = booster.predict(xgboost.DMatrix(probe, feature_types=types, enable_categorical=True))
        for kind in ("json", "ubj"):
            path = folder / f"{name}.{kind}"
            booster.save_model(path)
            out[f"{name}-{kind}"] = (path, answers)
    return out


def onnx_files(folder):
    types = [("x", FloatTensorType([None, FEATURES]))]
    settings = {"n_estimators": TREES, "random_state": 1}
    texts = np.array(["low", "middle", "high"])[LABELS["classes"]]
    converted = {}
    for label in ("binary", "classes", "number"):
        kind = lightgbm.LGBMRegressor if label == "number" else lightgbm.LGBMClassifier
        converted[f"lightgbm-{label}"] = convert_lightgbm(kind(num_leaves=8, verbosity=-1, **settings).fit(ROWS, LABELS[label]), initial_types=types,
                                                          target_opset=15, **({} if label == "number" else {"zipmap": False}))
        kind = xgboost.XGBRegressor if label == "number" else xgboost.XGBClassifier
        converted[f"xgboost-{label}"] = convert_xgboost(kind(max_depth=4, **settings).fit(ROWS, LABELS[label]), initial_types=types, target_opset=15)
    for name, model, label in [("gbdt-binary", GradientBoostingClassifier(**settings), LABELS["binary"]), ("gbdt-classes", GradientBoostingClassifier(**settings), texts),
                               ("gbdt-number", GradientBoostingRegressor(**settings), LABELS["number"]), ("forest-binary", RandomForestClassifier(**settings), LABELS["binary"]),
                               ("forest-classes", RandomForestClassifier(**settings), texts), ("forest-number", RandomForestRegressor(**settings), LABELS["number"]),
                               ("hist-classes", HistGradientBoostingClassifier(max_iter=TREES, random_state=1), LABELS["classes"])]:
        model.fit(FULL, label)
        converted[name] = to_onnx(model, FULL[:1], options={"zipmap": False} if hasattr(model, "classes_") else None, target_opset=15)
    out = {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    for name, model in converted.items():
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        session = onnxruntime.InferenceSession(str(path), options)
        feed = {session.get_inputs()[0].name: PROBE}
        out[name] = (path, {each.name: answer for each, answer in zip(session.get_outputs(), session.run(None, feed))})
    return out


class Served:
    """`millrace serve` of some models, and what its log says of who runs them."""

    def __init__(self, files, choice, environment=None):
        command = [BINARY, "serve", "--http", "127.0.0.1:0", "--runtime", choice]
        for name, (path, _) in files.items():
            command += ["--model", f"{name}={path}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.reader.start()
        ready = self.process.stdout.readline()
        if not ready.startswith("ready http="):
            self.process.wait()
            self.reader.join()
            raise AssertionError("".join(self.lines))
        self.address = ready.split()[1].removeprefix("http=").removeprefix("http://")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        facts = [json.loads(line) for line in self.lines if '"model_runtime"' in line]
        return {pathlib.Path(each["file"]).name: each for each in facts}


def ask(address, name, rows):
    with urllib.request.urlopen(f"http://{address}/v2/models/{name}") as answer:
        facts = json.load(answer)
    given = facts["inputs"][0]
    client = triton.InferenceServerClient(address)
    tensor = triton.InferInput(given["name"], list(rows.shape), given["datatype"])
    tensor.set_data_from_numpy(rows.astype({"FP32": np.float32, "FP64": np.float64}[given["datatype"]]))
    answer = client.infer(name, [tensor])
    out = {each["name"]: answer.as_numpy(each["name"]) for each in facts["outputs"]}
    client.close()
    return facts, out


def assert_same(got, expected, name):
    got = np.array([each.decode() for each in got.ravel()]).reshape(got.shape) if got.dtype == object else got
    assert got.shape == expected.shape, name
    assert (got.tobytes() == expected.tobytes() if expected.dtype != object and expected.dtype.kind != "U" else (got == expected).all()), name


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = {}
    for kind, make in (("lightgbm", lightgbm_files), ("xgboost", xgboost_files), ("onnxruntime", onnx_files)):
        folder = tmp_path_factory.mktemp(kind)
        made[kind] = make(folder)
    return made


NOT_OURS = {"linear", "vectors-json", "vectors-ubj"}


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "onnxruntime"])
@pytest.mark.parametrize("choice", ["auto", "native", "library"])
def test_answers_are_the_librarys_own(files, library, choice):
    chosen = {name: file for name, file in files[library].items() if choice != "native" or name not in NOT_OURS}
    served = Served(chosen, library if choice == "library" else choice)
    for name, (_, expected) in chosen.items():
        for rows in (PROBE, PROBE[:1], PROBE[1:8]):
            facts, got = ask(served.address, name, rows)
            for output, answers in (expected if isinstance(expected, dict) else {"predict": expected}).items():
                first = 1 if len(rows) == 7 else 0
                assert_same(got[output][:len(answers)], answers[first:first + len(rows)], f"{name} {output} {len(rows)}")
    facts = served.close()
    assert len(facts) == len(chosen)
    for file, each in facts.items():
        stem = file.replace(".", "-") if library == "xgboost" else file.rsplit(".", 1)[0]
        if choice == "library":
            assert each["runtime"].startswith(library) and each["why"] == "asked for", each
        elif stem in NOT_OURS:
            assert each["runtime"].startswith(library) and each["why"].startswith("our evaluator does not run it"), each
        else:
            assert each["compared_rows"] > 1000, each  # the trial found no difference
            assert choice == "auto" or each["runtime"] == "native", each


def test_metadata_names_the_format(files):
    chosen = {"l": files["lightgbm"]["classes"], "j": files["xgboost"]["binary-json"], "u": files["xgboost"]["classes-ubj"]}
    served = Served(chosen, "auto")
    told = {name: ask(served.address, name, PROBE[:2])[0] for name in chosen}
    served.close()
    assert [told[name]["platform"] for name in "lju"] == ["lightgbm_text", "xgboost_json", "xgboost_ubj"]
    assert told["l"]["inputs"] == [{"name": "input", "datatype": "FP64", "shape": [-1, FEATURES]}]
    assert told["l"]["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [-1, 3]}]
    assert told["j"]["outputs"] == [{"name": "predict", "datatype": "FP32", "shape": [-1]}]


def test_without_libraries_ours_serves_and_says_that_nothing_was_compared(files, tmp_path):
    # DuckDB is needed by the server itself.
    here = pathlib.Path(os.environ.get("MILLRACE_LIB_DIR", ROOT / "build/deps/lib"))
    for name in os.listdir(here):
        if not name.startswith(("lib_lightgbm", "libxgboost", "libonnxruntime")):
            (tmp_path / name).symlink_to((here / name).resolve())
    chosen = {"l": files["lightgbm"]["binary"], "u": files["xgboost"]["binary-ubj"], "o": files["onnxruntime"]["lightgbm-binary"]}
    served = Served(chosen, "auto", {"MILLRACE_LIB_DIR": str(tmp_path)})
    for name, (_, expected) in chosen.items():
        _, got = ask(served.address, name, PROBE)
        for output, answers in (expected if isinstance(expected, dict) else {"predict": expected}).items():
            assert_same(got[output], answers, f"{name} {output}")
    facts = served.close()
    assert {each["why"] for each in facts.values()} == {f"{name} cannot be had, so nothing was compared" for name in ("lightgbm", "xgboost", "onnxruntime")}


@pytest.mark.parametrize("choice, file, complaint", [("fast", "binary-ubj", "there is no runtime 'fast'"), ("lightgbm", "binary-ubj", "does not run XGBoost models"),
                                                     ("native", "vectors-ubj", "its leaves hold vectors")])
def test_a_choice_that_cannot_be_is_refused_at_the_start(files, choice, file, complaint):
    path = files["xgboost"][file][0]
    done = subprocess.run([BINARY, "serve", "--http", "127.0.0.1:0", "--runtime", choice, "--model", f"m={path}"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and complaint in done.stderr, done.stderr
