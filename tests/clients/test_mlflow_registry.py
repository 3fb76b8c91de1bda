"""The registry through the genuine mlflow client: every call of its model registry, files frozen behind versions, protected aliases and stages."""
import json

import mlflow
import numpy as np
import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from server import run, up

PROJECT = """\
millrace: 1
project: plain
registry: {protected: [champion, Production], approvals: {count: 1, role: approver}}
"""


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input * 2


def told(function, code, match=""):
    with pytest.raises(MlflowException, match=match or None) as refused:
        function()
    assert refused.value.error_code == code, refused.value
    return str(refused.value)


def token(state, subject, role):
    made = run("token", "create", "--subject", subject, "--role", role, "--json", state=state)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["token"]


@pytest.fixture
def client(server):
    mlflow.set_tracking_uri(server)
    mlflow.set_registry_uri(server)
    return MlflowClient(server, server)


def logged(name="model", **more):
    """A run with a parameter, a metric and a model."""
    with mlflow.start_run() as started:
        mlflow.log_param("depth", 3)
        mlflow.log_metric("auc", 0.9)
        info = mlflow.pyfunc.log_model(name=name, python_model=Doubler(), pip_requirements=[], **more)
    return started.info.run_id, info


def test_models_are_made_described_tagged_renamed_and_deleted(client):
    made = client.create_registered_model("planes", tags={"team": "ops"}, description="all of them")
    assert (made.name, made.description, made.tags) == ("planes", "all of them", {"team": "ops"})
    told(lambda: client.create_registered_model("planes"), "RESOURCE_ALREADY_EXISTS", r"Registered Model \(name=planes\) already exists.")
    for bad in ("", "  ", "a/b", "a:b", ".."):
        told(lambda bad=bad: client.create_registered_model(bad), "INVALID_PARAMETER_VALUE")
    assert client.update_registered_model("planes", "some of them").description == "some of them"
    client.set_registered_model_tag("planes", "wings", "2")
    client.set_registered_model_tag("planes", "wings", "4")
    client.delete_registered_model_tag("planes", "team")
    client.delete_registered_model_tag("planes", "team")
    assert client.get_registered_model("planes").tags == {"wings": "4"}
    told(lambda: client.set_registered_model_tag("planes", "millrace.state", "approved"), "INVALID_PARAMETER_VALUE")
    told(lambda: client.set_registered_model_tag("none", "a", "b"), "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=none not found")
    client.rename_registered_model("planes", "jets")
    told(lambda: client.get_registered_model("planes"), "RESOURCE_DOES_NOT_EXIST")
    assert client.get_registered_model("jets").tags == {"wings": "4"}
    client.create_registered_model("kites")
    told(lambda: client.rename_registered_model("jets", "kites"), "RESOURCE_ALREADY_EXISTS")
    client.delete_registered_model("jets")
    told(lambda: client.delete_registered_model("jets"), "RESOURCE_DOES_NOT_EXIST")
    client.delete_registered_model("kites")


def test_a_model_logged_and_registered_in_one_call_is_loaded_again(client):
    run_id, info = logged(registered_model_name="doubler")
    assert info.registered_model_version in (1, "1")
    version = client.get_model_version("doubler", "1")
    assert (version.run_id, version.status, version.current_stage, version.source) == (run_id, "READY", "None", f"models:/{info.model_id}")
    assert client.get_model_version_download_uri("doubler", "1").startswith("mlflow-artifacts:/")
    client.set_registered_model_alias("doubler", "best", "1")
    for uri in ("models:/doubler/1", "models:/doubler@best", "models:/doubler/latest"):
        assert mlflow.pyfunc.load_model(uri).predict(np.array([1, 2])).tolist() == [2, 4]
    client.transition_model_version_stage("doubler", "1", "production")
    assert mlflow.pyfunc.load_model("models:/doubler/Production").predict(np.array([3])).tolist() == [6]


def test_versions_by_every_way_and_what_they_carry(client):
    run_id, info = logged("other")
    by_run = mlflow.register_model(f"runs:/{run_id}/other", "ways", tags={"from": "run"})
    by_model = mlflow.register_model(info.model_uri, "ways")
    assert [by_run.version, by_model.version] in (["1", "2"], [1, 2])
    copied = client.copy_model_version("models:/ways/1", "copies")
    assert (copied.version, copied.source, copied.run_id) == ("1", "models:/ways/1", run_id)
    assert mlflow.pyfunc.load_model("models:/copies/1").predict(np.array([1])).tolist() == [2]
    third = client.create_model_version("ways", f"runs:/{run_id}/other", run_id, tags={"a": "b"}, run_link="http://x/", description="by hand")
    assert (third.version, third.tags, third.description, third.run_link) == ("3", {"a": "b"}, "by hand", "http://x/")
    assert client.update_model_version("ways", "3", "changed").description == "changed"
    client.set_model_version_tag("ways", "3", "a", "c")
    client.set_model_version_tag("ways", "3", "d", "e")
    client.delete_model_version_tag("ways", "3", "d")
    assert client.get_model_version("ways", "3").tags == {"a": "c"}
    client.set_registered_model_alias("ways", "tried", "3")
    client.delete_model_version("ways", "3")
    told(lambda: client.get_model_version("ways", "3"), "RESOURCE_DOES_NOT_EXIST", r"Model Version \(name=ways, version=3\) not found")
    assert client.get_registered_model("ways").aliases == {}, "a version takes its labels with it"
    assert client.create_model_version("ways", f"runs:/{run_id}/other", run_id).version == "4", "numbers are never used again"
    client.delete_registered_model("copies")
    client.create_registered_model("copies")
    assert client.copy_model_version("models:/ways/1", "copies").version == "2", "not even after the model was deleted"


def test_stages_move_and_archive(client):
    run_id, _ = logged("staged")
    for _ in range(3):
        mlflow.register_model(f"runs:/{run_id}/staged", "stages")

    def stages():
        return [client.get_model_version("stages", str(n)).current_stage for n in (1, 2, 3)]
    client.transition_model_version_stage("stages", "1", "Production")
    client.transition_model_version_stage("stages", "2", "Staging")
    assert stages() == ["Production", "Staging", "None"]
    assert {v.current_stage: v.version for v in client.get_latest_versions("stages")} == {"Production": "1", "Staging": "2", "None": "3"}
    assert [v.version for v in client.get_latest_versions("stages", ["production"])] == ["1"]
    client.transition_model_version_stage("stages", "2", "Production", archive_existing_versions=True)
    assert stages() == ["Archived", "Production", "None"]
    told(lambda: client.transition_model_version_stage("stages", "3", "Live"), "INVALID_PARAMETER_VALUE", "Value must be one of None, Staging, Production, Archived")
    with pytest.raises(MlflowException, match="is not an Active stage"):
        client.transition_model_version_stage("stages", "3", "Archived", archive_existing_versions=True)
    with pytest.raises(MlflowException):
        client.get_latest_versions("stages", ["Live"])


def test_searches(client):
    run_id, _ = logged("found")
    client.create_registered_model("search-a", tags={"team": "red"})
    client.create_registered_model("search-b", tags={"team": "blue"})
    for _ in range(3):
        client.create_model_version("search-a", f"runs:/{run_id}/found", run_id, tags={"n": "1"})
    client.create_model_version("search-b", f"runs:/{run_id}/found", run_id)

    def models(text, **more):
        return [m.name for m in client.search_registered_models(text, **more)]

    def versions(text, **more):
        return [f"{v.name}/{v.version}" for v in client.search_model_versions(text, **more)]
    assert models("name LIKE 'search-%'") == ["search-a", "search-b"]
    assert models("name ILIKE 'SEARCH-%' AND tags.team = 'blue'") == ["search-b"]
    assert models("name LIKE 'search-%'", order_by=["name DESC"]) == ["search-b", "search-a"]
    assert models("tags.team != 'blue' AND name LIKE 'search-%'") == ["search-a"]
    assert versions("name = 'search-a'") == ["search-a/3", "search-a/2", "search-a/1"]
    assert versions("name = 'search-a' AND version_number < 3", order_by=["version_number ASC"]) == ["search-a/1", "search-a/2"]
    assert versions(f"run_id IN ('{run_id}') AND tags.n = '1' AND name = 'search-a'", max_results=1) == ["search-a/3"]
    assert versions(f"source_path LIKE 'runs:/{run_id}%' AND name = 'search-b'") == ["search-b/1"]
    first = client.search_registered_models("name LIKE 'search-%'", max_results=1)
    client.create_registered_model("search-0")
    rest = client.search_registered_models("name LIKE 'search-%'", max_results=1, page_token=first.token)
    assert [first[0].name, rest[0].name] == ["search-a", "search-b"], "pages stay right while models come"
    for bad in ("name > 'a'", "owner = 'a'", "name = 'a' OR name = 'b'", "tags.team ="):
        told(lambda bad=bad: client.search_registered_models(bad), "INVALID_PARAMETER_VALUE")
    told(lambda: client.search_registered_models(max_results=1001), "INVALID_PARAMETER_VALUE")
    told(lambda: client.search_model_versions("name = 'a'", max_results=200001), "INVALID_PARAMETER_VALUE")
    told(lambda: client.search_model_versions("name = 'a'", order_by=["source ASC"]), "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("shape", [
    "/etc/passwd", "file:///etc/passwd", "file:/etc/passwd", "./model", "../../etc", "C:\\windows", "{root}/../../..", "{root}/%2e%2e/x",
    "{root}/%252e%252e%252fx", "{root}/..%2f..%2fx", "{root}/x#/../../..", "{root}/x?a=../..", "{root}/x%23y", "{root}/x%3Fy", "{root}/a%00b", "{root}\\..\\x",
    "mlflow-artifacts://host:80/{tail}", "mlflow-artifacts://{tail}", "mlflow-artifacts:/", "mlflow-artifacts:/0", "mlflow-artifacts:/registered/x/1",
    "http://localhost/api/2.0/mlflow-artifacts/artifacts/{tail}", "runs:/", "runs://profile@host/{run}/model", "runs:/{other}/model", "runs:/{run}/../../x",
    "models:/m-0123456789abcdef0123456789abcdef", "models://host/m-1", "models:/a/b/c", "models:/{run}/1/..", "s3://bucket/a/../../b", "ftp://host/a%2f..%2fb", "%66ile:///etc/passwd",
])
def test_sources_that_leave_their_run_are_refused(client, server, shape):
    with mlflow.start_run() as one:
        mlflow.log_text("x", "model/MLmodel")
    with mlflow.start_run() as two:
        pass
    root = one.info.artifact_uri
    source = shape.format(root=root, tail=root.removeprefix("mlflow-artifacts:/"), run=one.info.run_id, other=two.info.run_id)
    requests.post(f"{server}/api/2.0/mlflow/registered-models/create", json={"name": "refused"}, timeout=60)
    answer = requests.post(f"{server}/api/2.0/mlflow/model-versions/create", timeout=60,
                           json={"name": "refused", "source": source, "run_id": one.info.run_id})
    assert answer.status_code in (400, 404), (source, answer.text)
    assert answer.json()["error_code"] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"), answer.text
    assert client.search_model_versions("name = 'refused'") == []


def test_what_a_version_stands_on_is_read_only(client, server):
    run_id, info = logged(registered_model_name="frozen")
    for change in (lambda: client.log_metric(run_id, "auc", 1.0), lambda: client.log_param(run_id, "more", 1), lambda: client.set_tag(run_id, "verdict", "good"),
                   lambda: client.delete_run(run_id), lambda: client.update_run(run_id, status="RUNNING"), lambda: client.delete_logged_model(info.model_id),
                   lambda: client.delete_tag(run_id, "mlflow.user")):
        message = told(change, "RESOURCE_CONFLICT", "model:frozen@1 stands on it")
        assert "delete version 1 of the model 'frozen' first" in message
    client.set_tag(run_id, "mlflow.note.content", "a note says nothing of what the run did")
    uri = client.get_model_version_download_uri("frozen", "1").removeprefix("mlflow-artifacts:/")
    for call in (requests.put, requests.delete):
        answer = call(f"{server}/api/2.0/mlflow-artifacts/artifacts/{uri}/MLmodel", data=b"evil", timeout=60)
        assert (answer.status_code, answer.json()["error_code"]) == (409, "RESOURCE_CONFLICT"), answer.text
    above = uri.rsplit("/", 2)[0]
    assert requests.delete(f"{server}/api/2.0/mlflow-artifacts/artifacts/{above}", timeout=60).status_code == 409
    client.delete_model_version("frozen", "1")
    client.log_metric(run_id, "auc", 1.0)
    client.delete_run(run_id)


def test_a_run_that_goes_on_after_registering_is_frozen_when_it_ends(client):
    with mlflow.start_run() as started:
        mlflow.pyfunc.log_model(name="early", python_model=Doubler(), pip_requirements=[], registered_model_name="early")
        mlflow.log_metric("late", 1)
        mlflow.log_text("more", "notes.txt")
        mlflow.set_tag("still", "open")
    assert client.get_run(started.info.run_id).info.status == "FINISHED"
    told(lambda: client.log_metric(started.info.run_id, "late", 2), "RESOURCE_CONFLICT", "read-only")
    with mlflow.start_run(run_name="another"):
        mlflow.log_metric("on", 1, model_id=client.get_model_version("early", "1").model_id)


def test_prompts_are_kept_apart(client):
    mlflow.genai.register_prompt("greeting", "Hello {{name}}")
    mlflow.genai.register_prompt("greeting", "Good day, {{name}}")
    assert mlflow.genai.load_prompt("prompts:/greeting/2").template == "Good day, {{name}}"
    assert "greeting" not in [m.name for m in client.search_registered_models()]
    told(lambda: client.create_registered_model("greeting"), "RESOURCE_ALREADY_EXISTS", "already taken by a prompt")


@pytest.fixture(scope="module")
def governed(tmp_path_factory):
    """A server with tokens, whose project protects @champion and Production of every model."""
    folder = tmp_path_factory.mktemp("governed")
    (folder / "millrace.yaml").write_text(PROJECT)
    state = folder / "state"
    tokens = {"ada": token(state, "ada", "writer"), "bob": token(state, "bob", "approver"), "eve": token(state, "eve", "approver"), "rob": token(state, "rob", "reader")}
    server = up(state, "--project", folder)
    yield server, state, tokens
    assert server.stop() == 0, "".join(server.errors)[-2000:]


@pytest.fixture
def as_(governed, monkeypatch):
    """as_("ada") is the client with ada's token."""
    server, _, tokens = governed
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)

    def become(name):
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", tokens[name])
        return MlflowClient(server.url, server.url)
    return become


def native(governed, method, path, who, body=None):
    server, _, tokens = governed
    return requests.request(method, f"{server.url}/api/millrace/v1/{path}", json=body, headers={"Authorization": f"Bearer {tokens[who]}"}, timeout=60)


def two_versions(as_, name):
    client = as_("ada")
    for _ in range(2):
        logged(registered_model_name=name)
    return client


def request_in(message):
    return message.split("request ")[1].split(" ")[0]


def test_a_protected_alias_moves_by_request(governed, as_):
    client = two_versions(as_, "guarded")
    message = told(lambda: client.set_registered_model_alias("guarded", "champion", "1"), "PERMISSION_DENIED", "0 of 1 approval by the role 'approver'")
    request = request_in(message)
    assert request_in(told(lambda: client.set_registered_model_alias("guarded", "champion", "1"), "PERMISSION_DENIED")) == request, "one request for one wish"
    shown = native(governed, "GET", f"requests/{request}", "rob").json()
    assert (shown["state"], shown["author"], shown["place"], shown["version"]) == ("open", "ada", "champion", 1)
    assert shown["digests"]["model"].startswith("sha256:") and shown["digests"]["report"].startswith("sha256:")
    assert native(governed, "POST", f"requests/{request}/approvals", "ada", {"why": "mine"}).status_code == 403
    assert native(governed, "POST", f"requests/{request}/approvals", "rob", {"why": "me"}).status_code == 403
    done = native(governed, "POST", f"requests/{request}/approvals", "bob", {"why": "it holds up"})
    assert (done.status_code, done.json()["state"]) == (200, "done"), done.text
    assert as_("ada").get_model_version_by_alias("guarded", "champion").version == "1"
    assert mlflow.pyfunc.load_model("models:/guarded@champion").predict(np.array([2])).tolist() == [4]
    told(lambda: client.delete_model_version("guarded", "1"), "RESOURCE_CONFLICT", "is 'champion' of the model 'guarded', which is protected")
    told(lambda: client.delete_registered_model("guarded"), "RESOURCE_CONFLICT", "protected")
    told(lambda: client.delete_registered_model_alias("guarded", "champion"), "PERMISSION_DENIED", "to take it away")
    told(lambda: as_("rob").set_registered_model_alias("guarded", "champion", "2"), "PERMISSION_DENIED", "takes the role 'writer'")
    as_("ada").set_registered_model_alias("guarded", "tried", "2")


def test_of_two_requests_one_wins_and_the_other_hears_who_and_when(governed, as_):
    client = two_versions(as_, "raced")
    one = request_in(told(lambda: client.set_registered_model_alias("raced", "champion", "1"), "PERMISSION_DENIED"))
    two = request_in(told(lambda: client.set_registered_model_alias("raced", "champion", "2"), "PERMISSION_DENIED"))
    assert native(governed, "POST", f"requests/{two}/approvals", "bob", {"why": "newer"}).json()["state"] == "done"
    late = native(governed, "POST", f"requests/{one}/approvals", "eve", {"why": "older"})
    assert late.status_code == 409 and "version 2 since 20" in late.text and "by bob" in late.text, late.text
    assert native(governed, "GET", f"requests/{one}", "rob").json()["state"] == "overtaken"
    assert client.get_model_version_by_alias("raced", "champion").version == "2"


def test_a_protected_stage_moves_by_request_in_and_out(governed, as_):
    client = two_versions(as_, "steps")
    request = request_in(told(lambda: client.transition_model_version_stage("steps", "1", "Production"), "PERMISSION_DENIED"))
    client.transition_model_version_stage("steps", "2", "Staging")
    assert native(governed, "POST", f"requests/{request}/approvals", "eve", {"why": "yes"}).json()["state"] == "done"
    assert client.get_model_version("steps", "1").current_stage == "Production"
    out = request_in(told(lambda: client.transition_model_version_stage("steps", "1", "Archived"), "PERMISSION_DENIED"))
    assert native(governed, "POST", f"requests/{out}/rejection", "bob", {"why": "it is needed"}).json()["state"] == "rejected"
    mine = request_in(told(lambda: client.transition_model_version_stage("steps", "1", "Archived"), "PERMISSION_DENIED"))
    assert mine != out
    assert native(governed, "POST", f"requests/{mine}/withdrawal", "bob", {"why": "no"}).status_code == 403
    assert native(governed, "POST", f"requests/{mine}/withdrawal", "ada", {"why": "no"}).json()["state"] == "withdrawn"
    assert client.get_model_version("steps", "1").current_stage == "Production"


def test_who_was_champion_when(governed, as_):
    server, state, _ = governed
    client = two_versions(as_, "past")
    times = []
    for version in ("1", "2"):
        request = request_in(told(lambda version=version: client.set_registered_model_alias("past", "champion", version), "PERMISSION_DENIED"))
        assert native(governed, "POST", f"requests/{request}/approvals", "bob", {"why": f"take {version}"}).status_code == 200
        times.append(native(governed, "GET", "models/past/aliases/champion", "rob").json()["at"])
    first = json.loads(run("model", "alias", "past", "champion", "--as-of", times[0], "--json", state=state).stdout)
    assert (first["version"], first["subject"], first["request"]) == (1, "bob", "cr-" + first["request"][3:])
    assert native(governed, "GET", "models/past/aliases/champion?as_of=2020-01-01T00:00:00Z", "rob").status_code == 404
    back = native(governed, "POST", "models/past/aliases/champion/rollback", "bob", {"why": "worse"})
    assert back.json()["version"] == 1, back.text
    moves = native(governed, "GET", "models/past/aliases/champion/moves", "rob").json()["items"]
    assert [m["version"] for m in moves] == [1, 2, 1] and moves[0]["restores"] == 1 and moves[0]["why"] == "worse"
    assert native(governed, "POST", "models/past/aliases/champion/rollback", "bob", {"why": "further"}).status_code == 422
    listed = run("model", "requests", "past", state=state)
    assert listed.returncode == 0 and listed.stdout.count("done") == 2, listed.stdout
    assert run("audit", "verify", state=state).returncode == 0
