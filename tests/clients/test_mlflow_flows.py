"""What people do with the genuine mlflow package beyond single calls: autologging, evaluation, nested searches, its command line."""
import json
import os
import pathlib
import subprocess
import sys

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import pytest
import xgboost
from mlflow import MlflowClient
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RNG = np.random.default_rng(7)
X = pd.DataFrame(RNG.normal(size=(300, 3)), columns=["wind", "temp", "rain"])
Y = (X["wind"] + 0.5 * X["temp"] + RNG.normal(scale=0.3, size=300) > 0).astype(int)


@pytest.fixture(autouse=True)
def tracked(server, request):
    mlflow.set_tracking_uri(server)
    mlflow.set_registry_uri(server)
    mlflow.set_experiment(request.node.name)
    yield
    mlflow.autolog(disable=True)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def client(server):
    return MlflowClient(server)


def last_run(client):
    run = mlflow.last_active_run()
    return client.get_run(run.info.run_id)


def paths(client, run, below=None):
    """Every file of a run's artifacts."""
    out = []
    for item in client.list_artifacts(run.info.run_id, below):
        out += paths(client, run, item.path) if item.is_dir else [item.path]
    return out


def models_of(client, run):
    return client.search_logged_models([run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'")


def test_sklearn_logs_itself(client):
    mlflow.sklearn.autolog()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(X, Y)
    run = last_run(client)
    assert run.info.status == "FINISHED"
    assert run.data.params["logisticregression__C"] == "0.5" and run.data.tags["estimator_name"] == "Pipeline"
    assert run.data.metrics["training_score"] == pytest.approx(model.score(X, Y))
    assert {"estimator.html"} <= set(paths(client, run))
    [logged] = models_of(client, run)
    again = mlflow.sklearn.load_model(f"models:/{logged.model_id}")
    assert (again.predict(X) == model.predict(X)).all()
    [entry] = run.inputs.dataset_inputs
    assert entry.tags[0].value == "train" and json.loads(entry.dataset.profile)["num_rows"] == 300


def test_metrics_after_the_fit_are_logged_too(client):
    mlflow.sklearn.autolog(log_models=False)
    held, truth = X[:50], Y[:50]
    with mlflow.start_run() as active:
        model = LinearRegression().fit(X, Y)
        score = model.score(held, truth)
    metrics = client.get_run(active.info.run_id).data.metrics
    assert metrics["LinearRegression_score_held"] == pytest.approx(score)
    assert "training_r2_score" in metrics


def test_a_grid_search_has_a_child_run_for_each_candidate(client):
    mlflow.sklearn.autolog(max_tuning_runs=3, log_models=False)
    GridSearchCV(RandomForestClassifier(n_estimators=5, random_state=1), {"max_depth": [1, 2, 3]}, cv=2).fit(X, Y)
    parent = last_run(client)
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'",
                                  order_by=["params.max_depth ASC"])
    assert [child.data.params["max_depth"] for child in children] == ["1", "2", "3"]
    assert all("mean_test_score" in child.data.metrics for child in children)
    assert parent.data.metrics["best_cv_score"] == max(child.data.metrics["mean_test_score"] for child in children)
    assert "cv_results.csv" in paths(client, parent)


def test_xgboost_logs_itself(client):
    mlflow.xgboost.autolog()
    data = xgboost.DMatrix(X, label=Y)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1}, data, num_boost_round=12,
                            evals=[(data, "train")], verbose_eval=False)
    run = last_run(client)
    assert run.data.params["max_depth"] == "2" and run.data.params["num_boost_round"] == "12"
    history = client.get_metric_history(run.info.run_id, "train-logloss")
    assert [point.step for point in history] == list(range(12)) and history[-1].value < history[0].value
    assert "feature_importance_weight.json" in paths(client, run)
    [logged] = models_of(client, run)
    again = mlflow.xgboost.load_model(f"models:/{logged.model_id}")
    assert np.allclose(again.predict(data), booster.predict(data))


def test_lightgbm_logs_itself(client):
    mlflow.lightgbm.autolog()
    data = lightgbm.Dataset(X, label=Y)
    booster = lightgbm.train({"objective": "binary", "num_leaves": 4, "num_threads": 1, "verbose": -1}, data, num_boost_round=15,
                             valid_sets=[data], valid_names=["seen"])
    run = last_run(client)
    assert run.data.params["num_leaves"] == "4"
    history = client.get_metric_history(run.info.run_id, "seen-binary_logloss")
    assert len(history) == 15 and run.data.metrics["seen-binary_logloss"] == history[-1].value
    assert "feature_importance_gain.json" in paths(client, run)
    [logged] = models_of(client, run)
    again = mlflow.lightgbm.load_model(f"models:/{logged.model_id}")
    assert np.allclose(again.predict(X), booster.predict(X))


def test_a_model_is_evaluated(client):
    model = LogisticRegression().fit(X, Y)
    with mlflow.start_run() as active:
        logged = mlflow.sklearn.log_model(model, name="late", input_example=X[:2], pip_requirements=[])
        result = mlflow.models.evaluate(logged.model_uri, X.assign(late=Y), targets="late", model_type="classifier",
                                        evaluator_config={"log_explainer": False})
    run = client.get_run(active.info.run_id)
    assert result.metrics["accuracy_score"] == pytest.approx(model.score(X, Y))
    assert run.data.metrics["roc_auc"] == pytest.approx(result.metrics["roc_auc"])
    assert {"confusion_matrix.png", "roc_curve_plot.png", "per_class_metrics.csv"} & set(paths(client, run))
    linked = client.get_logged_model(logged.model_id)
    assert {metric.key: metric.value for metric in linked.metrics}["accuracy_score"] == pytest.approx(result.metrics["accuracy_score"])
    assert linked.metrics[0].dataset_name


def test_a_dataset_is_evaluated(client):
    """Predictions that are there already, beside their truth."""
    table = pd.DataFrame({"truth": [1.0, 2.0, 3.0], "predicted": [1.0, 2.0, 4.0]})
    with mlflow.start_run() as active:
        result = mlflow.models.evaluate(data=mlflow.data.from_pandas(table, targets="truth", predictions="predicted", name="three"),
                                        model_type="regressor")
    assert result.metrics["mean_absolute_error"] == pytest.approx(1 / 3)
    assert client.get_run(active.info.run_id).data.metrics["mean_absolute_error"] == pytest.approx(1 / 3)


def test_figures_tables_texts_and_dicts_are_logged(client):
    import matplotlib.pyplot as plt
    with mlflow.start_run() as active:
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        mlflow.log_figure(figure, "plots/line.png")
        plt.close(figure)
        mlflow.log_text("wind\n", "notes/n.txt")
        mlflow.log_dict({"rows": 2}, "notes/d.json")
        mlflow.log_table(pd.DataFrame({"a": [1]}), "t.json")
        mlflow.log_table(pd.DataFrame({"a": [2]}), "t.json")
    run = client.get_run(active.info.run_id)
    assert set(paths(client, run)) == {"plots/line.png", "notes/n.txt", "notes/d.json", "t.json"}
    assert mlflow.load_table("t.json", run_ids=[run.info.run_id])["a"].tolist() == [1, 2]
    assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/notes/d.json") == {"rows": 2}


def command(server, *words, folder=None):
    env = {**os.environ, "MLFLOW_TRACKING_URI": server, "MLFLOW_REGISTRY_URI": server}
    return subprocess.run([sys.executable, "-m", "mlflow", *words], capture_output=True, text=True, env=env, cwd=folder, timeout=300)


def test_the_command_line_lists_describes_and_deletes_runs(server, client, tmp_path):
    number = client.create_experiment("from the command line")
    run = client.create_run(number, run_name="typed").info.run_id
    client.log_metric(run, "auc", 0.5)
    client.log_text(run, "hello", "notes/a.txt")
    listed = command(server, "runs", "list", "--experiment-id", number)
    assert listed.returncode == 0 and run in listed.stdout and "typed" in listed.stdout
    described = command(server, "runs", "describe", "--run-id", run)
    assert json.loads(described.stdout)["data"]["metrics"] == {"auc": 0.5}
    assert command(server, "runs", "delete", "--run-id", run).returncode == 0
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert command(server, "runs", "restore", "--run-id", run).returncode == 0
    csv = tmp_path / "runs.csv"
    assert command(server, "experiments", "csv", "--experiment-id", number, "--filename", str(csv)).returncode == 0
    assert pd.read_csv(csv)["run_id"].tolist() == [run]
    got = command(server, "artifacts", "download", "--run-id", run, "--artifact-path", "notes", "--dst-path", str(tmp_path))
    assert got.returncode == 0 and (tmp_path / "notes" / "a.txt").read_text() == "hello"


def test_the_command_line_predicts_with_a_model(server, tmp_path):
    model = LogisticRegression().fit(X, Y)
    logged = mlflow.sklearn.log_model(model, name="typed", pip_requirements=[])
    X[:5].to_csv(tmp_path / "in.csv", index=False)
    done = command(server, "models", "predict", "--model-uri", logged.model_uri, "--input-path", "in.csv", "--content-type", "csv",
                   "--output-path", "out.json", "--env-manager", "local", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(pathlib.Path(tmp_path / "out.json").read_text())["predictions"] == model.predict(X[:5]).tolist()


def test_a_project_runs_and_is_tracked(server, client, tmp_path):
    (tmp_path / "MLproject").write_text("name: small\nentry_points:\n  main:\n    parameters: {rate: {type: float, default: 0.1}}\n"
                                        "    command: \"python main.py {rate}\"\n")
    (tmp_path / "main.py").write_text("import sys, mlflow\nmlflow.log_metric('rate', float(sys.argv[1]))\n")
    number = client.create_experiment("projects")
    done = command(server, "run", str(tmp_path), "--env-manager", "local", "--experiment-id", number, "-P", "rate=0.25")
    assert done.returncode == 0, done.stderr
    [run] = client.search_runs([number])
    assert (run.data.metrics, run.data.params, run.info.status) == ({"rate": 0.25}, {"rate": "0.25"}, "FINISHED")


def test_parents_and_children_are_searched_into_pandas(client):
    with mlflow.start_run(run_name="sweep") as parent:
        for depth in (1, 2, 3):
            with mlflow.start_run(run_name=f"depth {depth}", nested=True):
                mlflow.log_param("depth", depth)
                mlflow.log_metric("auc", depth / 10)
    frame = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.auc DESC"])
    assert frame["params.depth"].tolist() == ["3", "2", "1"]
    assert frame["tags.mlflow.runName"].tolist() == ["depth 3", "depth 2", "depth 1"]
    assert set(frame["status"]) == {"FINISHED"}
