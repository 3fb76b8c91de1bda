"""Evaluation datasets of the genuine mlflow client (mlflow.genai.datasets)."""
import mlflow
import numpy as np
import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.genai import datasets


@pytest.fixture(autouse=True)
def tracked(server):
    mlflow.set_tracking_uri(server)


@pytest.fixture
def experiment(request):
    return mlflow.create_experiment(request.node.name)


def records_of(dataset):
    return MlflowClient().get_dataset(dataset.dataset_id).records


def test_a_dataset_is_made_found_and_deleted(experiment):
    made = datasets.create_dataset(name="questions", experiment_id=[experiment], tags={"team": "ops"})
    assert made.dataset_id.startswith("d-") and made.name == "questions" and made.tags["team"] == "ops"
    got = datasets.get_dataset(dataset_id=made.dataset_id)
    assert (got.name, got.experiment_ids, got.digest) == ("questions", [experiment], made.digest)
    assert [d.dataset_id for d in datasets.search_datasets(filter_string="name = 'questions'")] == [made.dataset_id]
    datasets.delete_dataset(dataset_id=made.dataset_id)
    with pytest.raises(MlflowException, match="not found"):
        datasets.get_dataset(dataset_id=made.dataset_id)


def test_records_are_merged_by_their_inputs(experiment):
    made = datasets.create_dataset(name="merged", experiment_id=[experiment])
    made.merge_records([{"inputs": {"q": "one"}, "expectations": {"a": 1}, "tags": {"t": "x"}},
                        {"inputs": {"q": "two", "n": 2.5, "deep": [{"x": None}]}, "outputs": {"said": "hm"}}])
    made.merge_records([{"inputs": {"q": "one"}, "expectations": {"b": True}}])
    got = datasets.get_dataset(dataset_id=made.dataset_id)
    frame = got.to_df()
    assert len(frame) == 2
    records = {r.inputs["q"]: r for r in records_of(got)}
    assert records["one"].expectations == {"a": 1, "b": True} and records["one"].tags["t"] == "x"
    assert records["two"].inputs["deep"] == [{"x": None}] and records["two"].outputs == {"said": "hm"}
    assert got.digest != made.digest or got.last_update_time >= made.created_time
    assert '"num_records": 2' in got.profile.replace('":2', '": 2') and '"q"' in got.schema


def test_many_records_come_in_pages(experiment):
    made = datasets.create_dataset(name="many", experiment_id=[experiment])
    made.merge_records([{"inputs": {"i": i}} for i in range(2500)])
    got = datasets.get_dataset(dataset_id=made.dataset_id)
    assert sorted(r.inputs["i"] for r in records_of(got)) == list(range(2500))


def test_records_come_from_traces(experiment, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.set_experiment(experiment_id=experiment)

    @mlflow.trace
    def answer(question):
        return question.upper()

    answer("why?")
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    mlflow.log_expectation(trace_id=trace.info.trace_id, name="facts", value="because")
    made = datasets.create_dataset(name="traced", experiment_id=[experiment])
    made.merge_records(mlflow.search_traces(locations=[experiment]))
    record = records_of(made)[0]
    assert record.inputs == {"question": "why?"} and record.expectations == {"facts": "because"}
    assert record.source.source_type == "TRACE" and record.source_id == trace.info.trace_id


def test_records_are_deleted(experiment):
    made = datasets.create_dataset(name="shorter", experiment_id=[experiment])
    made.merge_records([{"inputs": {"i": i}} for i in range(3)])
    ids = [r.dataset_record_id for r in records_of(made)]
    assert MlflowClient()._tracking_client.store.delete_dataset_records(made.dataset_id, ids[:2]) == 2
    assert len(records_of(made)) == 1


def test_tags_and_experiments_change(experiment):
    made = datasets.create_dataset(name="changing", experiment_id=[experiment], tags={"a": "1"})
    datasets.set_dataset_tags(dataset_id=made.dataset_id, tags={"b": "2"})
    datasets.delete_dataset_tag(dataset_id=made.dataset_id, key="a")
    assert {k: v for k, v in datasets.get_dataset(dataset_id=made.dataset_id).tags.items() if k in "ab"} == {"b": "2"}
    other = mlflow.create_experiment("another")
    assert sorted(datasets.add_dataset_to_experiments(made.dataset_id, [other]).experiment_ids) == sorted([experiment, other])
    assert datasets.remove_dataset_from_experiments(made.dataset_id, [experiment]).experiment_ids == [other]
    assert datasets.search_datasets(experiment_ids=[experiment]) == []
    assert [d.name for d in datasets.search_datasets(experiment_ids=[other])] == ["changing"]
    with pytest.raises(MlflowException, match="No Experiment with id"):
        datasets.add_dataset_to_experiments(made.dataset_id, ["987654"])


def test_searches_filter_order_and_page(experiment):
    for i in range(5):
        datasets.create_dataset(name=f"page {i}", experiment_id=[experiment], tags={"odd": str(i % 2)})
    store = MlflowClient()._tracking_client.store
    page = store.search_datasets(experiment_ids=[experiment], order_by=["name ASC"], max_results=2)
    names = [d.name for d in page]
    while page.token:
        page = store.search_datasets(experiment_ids=[experiment], order_by=["name ASC"], max_results=2, page_token=page.token)
        names += [d.name for d in page]
    assert names == [f"page {i}" for i in range(5)]
    assert {d.name for d in store.search_datasets(filter_string="tags.odd = '1' AND name LIKE 'page%'")} == {"page 1", "page 3"}
    assert store.search_datasets(filter_string="name LIKE 'PAGE%'") == []
    with pytest.raises(MlflowException, match="Invalid attribute key"):
        store.search_datasets(filter_string="color = 'x'")


def test_datasets_that_runs_logged_are_summed_up(server, experiment):
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run():
        mlflow.log_input(mlflow.data.from_numpy(np.arange(3), name="logged"), context="training")
    for prefix in ("api", "ajax-api"):
        answer = requests.post(f"{server}/{prefix}/2.0/mlflow/experiments/search-datasets", json={"experiment_ids": [experiment]})
        [summary] = answer.json()["dataset_summaries"]
        assert (summary["experiment_id"], summary["name"], summary["context"]) == (experiment, "logged", "training")
    assert requests.post(f"{server}/api/2.0/mlflow/experiments/search-datasets", json={}).status_code == 400
