"""A rich MLflow store, made by the genuine package, and how two stores are compared through its client."""
import math
import pathlib

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, Metric, Param, RunTag, ViewType

MOST = 1.7976931348623157e308


def make_dataset(name, digest, source="https://example.org/x.parquet"):
    return DatasetInput(Dataset(name=name, digest=digest, source_type="http", source=source, schema='{"a": "b"}', profile='{"rows": 3}'),
                        [InputTag("mlflow.data.context", "training"), InputTag("fold", "1")])


def make_store(uri, artifacts, runs=3, points=1500):
    """Experiments (one deleted, one whose name is taken elsewhere), runs in every state, long histories, odd values."""
    client = MlflowClient(uri)
    kinds = {"flights": client.create_experiment("flights", tags={"team": "ops", "empty": ""}), "Default": "0",
             "gone": client.create_experiment("gone")}
    for kind, experiment in kinds.items():
        for number in range(runs):
            run = client.create_run(experiment, start_time=1_700_000_000_000 + number, run_name=f"{kind}-{number}", tags={"mlflow.user": "ada", "ünï": "x\ny"})
            fill(client, run, number, points, artifacts)
    broken = client.create_run(kinds["flights"], run_name="killed")
    client.set_terminated(broken.info.run_id, "KILLED", end_time=1_700_000_999_000)
    removed = client.create_run(kinds["flights"], run_name="deleted")
    client.log_metric(removed.info.run_id, "loss", 0.5, timestamp=7, step=1)
    client.set_terminated(removed.info.run_id)
    client.delete_run(removed.info.run_id)
    client.create_run(kinds["flights"], run_name="still running")
    client.delete_experiment(kinds["gone"])
    return client


def fill(client, run, number, points, artifacts):
    run_id = run.info.run_id
    model = client.create_logged_model(run.info.experiment_id, name=f"model-{number}", source_run_id=run_id, tags={"kind": "tree"}, params={"depth": "3"},
                                       model_type="classifier")
    for start in range(0, points, 1000):
        client.log_batch(run_id, metrics=[Metric("loss", 1 / (1 + step), 1_700_000_000_000 + step, step) for step in range(start, min(start + 1000, points))])
    odd = [Metric("odd", value, 5, step) for step, value in enumerate([math.nan, math.inf, -math.inf, 0.0, -1e-300, 1e300])]
    client.log_batch(run_id, metrics=odd + [Metric("deep/er.key-1 x", 2.5, 9, -3)], params=[Param("trees", "200"), Param("long", "v" * 6000), Param("p/q", "é")],
                     tags=[RunTag("note", "z" * 5000)])
    client.log_metric(run_id, "auc", 0.9, timestamp=11, step=2, model_id=model.model_id, dataset_name="days", dataset_digest="d1")
    client.log_metric(run_id, "auc", 0.91, timestamp=12, step=3, model_id=model.model_id)
    client.log_inputs(run_id, datasets=[make_dataset("days", "d1"), make_dataset("weeks", f"w{number}")], models=[LoggedModelInput(model.model_id)])
    client.log_outputs(run_id, models=[LoggedModelOutput(model.model_id, 4)])
    client.finalize_logged_model(model.model_id, "READY" if number % 2 == 0 else "FAILED")
    folder = pathlib.Path(artifacts)
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text(f"run {number}")
    (folder / "b.bin").write_bytes(bytes(range(256)) * 64)
    client.log_artifact(run_id, folder / "a.txt")
    client.log_artifact(run_id, folder / "b.bin", "deep/er")
    client.log_model_artifacts(model.model_id, str(folder))
    client.set_terminated(run_id, ["FINISHED", "FAILED", "FINISHED"][number % 3], end_time=1_700_000_100_000 + number)


def number(value):
    if math.isnan(value):
        return "nan"
    return max(-MOST, min(MOST, value))


def metrics_of(client, run):
    return {key: sorted((m.timestamp, m.step, str(number(m.value))) for m in client.get_metric_history(run.info.run_id, key)) for key in run.data.metrics}


def describe_run(client, run, ids):
    info, inputs, outputs = run.info, run.inputs, run.outputs
    return {"name": info.run_name, "experiment": ids[info.experiment_id], "user": info.user_id, "status": info.status, "start": info.start_time,
            "end": info.end_time, "stage": info.lifecycle_stage, "params": run.data.params, "tags": run.data.tags,
            "latest": {key: str(number(value)) for key, value in run.data.metrics.items()}, "metrics": metrics_of(client, run),
            "datasets": sorted((d.dataset.name, d.dataset.digest, d.dataset.source_type, d.dataset.source, d.dataset.schema, d.dataset.profile,
                                tuple(sorted((t.key, t.value) for t in d.tags))) for d in inputs.dataset_inputs),
            "models in": sorted(m.model_id for m in inputs.model_inputs), "models out": sorted((m.model_id, m.step) for m in outputs.model_outputs)}


def describe_model(model, ids):
    return {"name": model.name, "experiment": ids[model.experiment_id], "status": str(model.status), "type": model.model_type, "run": model.source_run_id,
            "created": model.creation_timestamp, "updated": model.last_updated_timestamp, "tags": model.tags, "params": model.params,
            "metrics": sorted((m.key, m.timestamp, m.step, str(number(m.value)), m.run_id, m.dataset_name or "", m.dataset_digest or "") for m in model.metrics or [])}


def files_of(client, run_id, folder=None):
    out = {}
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            out |= files_of(client, run_id, entry.path)
        else:
            out[entry.path] = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=entry.path, tracking_uri=client.tracking_uri)).read_bytes()
    return out


def describe(client, files=True):
    """All that a client can see of a store, without what differs by nature (places, numbers of experiments)."""
    experiments = client.search_experiments(view_type=ViewType.ALL)
    ids = {each.experiment_id: each.name for each in experiments}
    out = {"experiments": {e.name: (e.lifecycle_stage, e.tags, e.creation_time if e.name != "Default" else 0) for e in experiments}, "runs": {}, "models": {}}
    for experiment in experiments:
        for found in client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL):
            run = client.get_run(found.info.run_id)  # a search leaves models out
            out["runs"][run.info.run_id] = describe_run(client, run, ids)
            if files:
                out["runs"][run.info.run_id]["files"] = files_of(client, run.info.run_id)
        for model in client.search_logged_models([experiment.experiment_id]):
            out["models"][model.model_id] = describe_model(model, ids)
    return out
