"""Writes the small tree ensembles of this folder: trees.onnx, trees_other_labels.onnx, trees.lightgbm, trees.xgboost.json and
trees.xgboost.ubj. Run it with the venv's Python (onnx 1.23, lightgbm 4.7, xgboost 3.2): python make_trees.py

The files are kept in the repository so that the tests need no Python; running it again gives the same bytes.
"""
import os

import lightgbm
import numpy as np
import xgboost
from onnx import TensorProto as T
from onnx import helper

HERE = os.path.dirname(os.path.abspath(__file__))
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def path(name):
    return os.path.join(HERE, name)


def forest(trees, depth, classes):
    """Full trees that use every node mode; a leaf has a weight for each class."""
    random = np.random.default_rng(3)
    inner = 2 ** depth - 1
    rows, weights = [], []
    for tree in range(trees):
        for node in range(2 * inner + 1):
            leaf = node >= inner
            value = 0.0 if leaf else float(random.choice([-1.0, 0.0, 0.5, 2.0]))
            rows.append((tree, node, 0 if leaf else int(random.integers(3)), "LEAF" if leaf else MODES[(tree + node) % 6], value,
                         0 if leaf else 2 * node + 1, 0 if leaf else 2 * node + 2, 0 if leaf else int(random.integers(2))))
            weights += [(tree, node, each, float(np.float32(random.normal()))) for each in range(classes) if leaf]
    names = "treeids nodeids featureids modes values truenodeids falsenodeids missing_value_tracks_true".split()
    out = {f"nodes_{name}": list(column) for name, column in zip(names, zip(*rows))}
    out.update({f"class_{name}": list(column) for name, column in zip("treeids nodeids ids weights".split(), zip(*weights))})
    return out


def save_onnx(name, classes, **more):
    node = helper.make_node("TreeEnsembleClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", **forest(6, 3, classes), **more)
    graph = helper.make_graph([node], name, [helper.make_tensor_value_info("x", T.FLOAT, [None, 3])],
                              [helper.make_tensor_value_info("label", T.STRING if "classlabels_strings" in more else T.INT64, [None]),
                               helper.make_tensor_value_info("scores", T.FLOAT, [None, classes])])
    model = helper.make_model(graph, producer_name="millrace-tests", ir_version=8,
                              opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)])
    with open(path(name), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


save_onnx("trees.onnx", 3, classlabels_strings=["low", "middle", "high"], post_transform="SOFTMAX", base_values=[0.1, 0.2, 0.3])
# ONNX Runtime answers 0 and 1 here, whatever the labels are.
save_onnx("trees_other_labels.onnx", 2, classlabels_int64s=[10, 20], post_transform="NONE")

random = np.random.default_rng(5)
rows = random.normal(size=(400, 4))
rows[:, 3] = random.integers(0, 12, 400)
rows[random.random(rows.shape) < 0.1] = np.nan
label = ((np.nan_to_num(rows[:, 0]) > 0) ^ (np.nan_to_num(rows[:, 3]) % 3 == 1)).astype(int)
settings = {"objective": "binary", "num_leaves": 6, "verbosity": -1, "min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 2, "seed": 1,
            "num_threads": 1, "deterministic": True}
booster = lightgbm.train(settings, lightgbm.Dataset(rows, label, feature_name=["a", "b", "c", "d"], categorical_feature=[3]), 4)
text = booster.model_to_string()
with open(path("trees.lightgbm"), "w") as file:
    file.write(text[:text.index("end of trees")] + "end of trees\n")

matrix = xgboost.DMatrix(rows.astype(np.float32), label, feature_names=["a", "b", "c", "d"], feature_types=["q", "q", "q", "c"], enable_categorical=True)
booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "max_cat_to_onehot": 2, "nthread": 1, "seed": 1}, matrix, 4)
for kind in ("json", "ubj"):
    booster.save_model(path(f"trees.xgboost.{kind}"))
