"""The genuine mlflow client's traces: spans through OTLP, assessments, tags, searches and deletions."""
import gzip
import json

import mlflow
import pytest
import requests
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, SpanEvent
from mlflow.exceptions import MlflowException
from mlflow.tracing.utils.otlp import resource_to_otel_proto
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@pytest.fixture(autouse=True)
def traced(server, request, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.set_tracking_uri(server)
    mlflow.set_experiment(request.node.name)
    yield
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def client(server):
    return MlflowClient(server)


@mlflow.trace(name="answer", span_type="CHAIN", attributes={"color": "blue"})
def answer(question):
    with mlflow.start_span("think", span_type="LLM") as span:
        span.set_inputs({"question": question})
        span.set_outputs([1, 2.5, None, True, {"deep": ["x"]}])
        span.add_event(SpanEvent("looked", attributes={"at": 1}))
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
    mlflow.update_current_trace(tags={"team": "ops"}, metadata={"mlflow.trace.session": "s1"}, client_request_id="req-1")
    return question.upper()


def asked(question="why?"):
    answer(question)
    return mlflow.get_last_active_trace_id()


def test_a_traced_function_comes_back_as_it_was():
    id = asked()
    trace = mlflow.get_trace(id)
    info = trace.info
    assert (info.trace_id, info.state.value, info.client_request_id) == (id, "OK", "req-1")
    assert (info.request_preview, info.response_preview) == ('{"question": "why?"}', '"WHY?"')
    assert info.tags["team"] == "ops" and info.tags["mlflow.traceName"] == "answer"
    assert info.tags["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    assert info.trace_metadata["mlflow.trace.session"] == "s1"
    assert info.token_usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    assert info.execution_duration >= 0 and info.request_time > 0
    root, think = trace.data.spans
    assert (root.name, root.span_type, root.parent_id, root.get_attribute("color")) == ("answer", "CHAIN", None, "blue")
    assert (root.inputs, root.outputs) == ({"question": "why?"}, "WHY?")
    assert (think.name, think.span_type, think.parent_id) == ("think", "LLM", root.span_id)
    assert think.outputs == [1, 2.5, None, True, {"deep": ["x"]}]
    assert [(e.name, e.attributes) for e in think.events] == [("looked", {"at": 1})]
    assert think.start_time_ns >= root.start_time_ns and think.end_time_ns <= root.end_time_ns
    assert think.request_id == id


def test_a_failing_function_leaves_an_error():
    @mlflow.trace
    def fails():
        raise ValueError("boo")

    with pytest.raises(ValueError):
        fails()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    assert trace.info.state.value == "ERROR"
    span = trace.data.spans[0]
    assert span.status.status_code.value == "ERROR" and "boo" in span.status.description
    assert span.events[0].name == "exception" and span.events[0].attributes["exception.message"] == "boo"


def test_assessments_are_made_changed_and_removed():
    id = asked()
    human = AssessmentSource("HUMAN", "bob")
    made = mlflow.log_feedback(trace_id=id, name="quality", value={"a": [1, "x"]}, rationale="so", metadata={"m": "1"}, source=human)
    expected = mlflow.log_expectation(trace_id=id, name="facts", value={"z": True})
    plain = mlflow.log_expectation(trace_id=id, name="plain", value="text")
    failed = mlflow.log_feedback(trace_id=id, name="broken", error=ValueError("boo"))
    got = {a.name: a for a in mlflow.get_trace(id).info.assessments}
    assert got["quality"].value == {"a": [1, "x"]} and got["quality"].rationale == "so" and got["quality"].metadata == {"m": "1"}
    assert got["quality"].source.source_id == "bob" and got["quality"].valid
    assert got["facts"].value == {"z": True} and got["plain"].value == "text"
    assert got["broken"].error.error_code == "ValueError" and got["broken"].error.error_message == "boo"

    read = mlflow.get_assessment(id, made.assessment_id)
    assert read.assessment_id == made.assessment_id and read.create_time_ms == made.create_time_ms
    mlflow.update_assessment(id, plain.assessment_id, mlflow.entities.Expectation(name="plain", value="other"))
    assert mlflow.get_assessment(id, plain.assessment_id).value == "other"
    better = mlflow.override_feedback(trace_id=id, assessment_id=made.assessment_id, value=False, rationale="no", source=human)
    assert not mlflow.get_assessment(id, made.assessment_id).valid
    mlflow.delete_assessment(id, better.assessment_id)
    assert mlflow.get_assessment(id, made.assessment_id).valid
    with pytest.raises(MlflowException, match="not found"):
        mlflow.get_assessment(id, better.assessment_id)
    with pytest.raises(MlflowException, match="not found"):
        mlflow.log_feedback(trace_id="tr-" + "0" * 32, name="x", value=1)
    assert expected.name == "facts" and failed.name == "broken"


def test_searches_find_what_they_say():
    first, second = asked("one"), asked("two")
    mlflow.log_feedback(trace_id=first, name="score", value=0.8)
    mlflow.set_trace_tag(second, "kind", "Odd")

    def found(filter, **more):
        return [t.info.trace_id for t in mlflow.search_traces(filter_string=filter, return_type="list", **more)]

    assert found(None) == [second, first]
    assert found("trace.status = 'OK'", order_by=["timestamp_ms ASC"]) == [first, second]
    assert found("feedback.score > 0.5") == [first]
    assert found("tags.kind = 'Odd'") == [second] and found("tags.kind LIKE 'odd'") == [] and found("tags.kind ILIKE 'odd'") == [second]
    assert found("tags.kind RLIKE '^O.d$'") == [second] and found("tags.kind IS NULL") == [first]
    assert found("span.name = 'think' AND span.type = 'LLM'") == [second, first]
    assert found("span.attributes.color = 'blue' AND name = 'answer'") == [second, first]
    assert found("trace.text LIKE '%two%'") == [second]
    assert found("metadata.`mlflow.trace.session` = 's1' AND client_request_id = 'req-1'") == [second, first]
    assert found(f"request_id = '{first}'") == [first]
    assert found("attributes.execution_time_ms > 1000000") == []
    with pytest.raises(MlflowException, match="Invalid clause"):
        found("status = 'OK' OR status = 'ERROR'")
    frame = mlflow.search_traces()
    assert list(frame["trace_id"]) == [second, first] and len(frame["spans"][0]) == 2


def test_searches_come_in_pages(client):
    ids = [asked(str(i)) for i in range(5)]
    experiment = mlflow.get_experiment_by_name("test_searches_come_in_pages").experiment_id
    got, token = [], None
    while True:
        page = client.search_traces(locations=[experiment], max_results=2, page_token=token, include_spans=False)
        got += [t.info.trace_id for t in page]
        if not (token := page.token):
            break
    assert got == ids[::-1]


def test_traces_below_a_run_are_its(client):
    with mlflow.start_run() as run:
        inside = asked()
    outside = asked()
    experiment = run.info.experiment_id
    found = client.search_traces(locations=[experiment], run_id=run.info.run_id)
    assert [t.info.trace_id for t in found] == [inside]
    client.link_traces_to_run([outside], run.info.run_id)
    found = client.search_traces(locations=[experiment], run_id=run.info.run_id)
    assert [t.info.trace_id for t in found] == [outside, inside]
    with pytest.raises(MlflowException, match="not found"):
        client.link_traces_to_run([outside], "0" * 32)


def test_tags_are_set_and_removed(client):
    id = asked()
    client.set_trace_tag(id, "stage", "a/b")
    assert mlflow.get_trace(id).info.tags["stage"] == "a/b"
    client.delete_trace_tag(id, "stage")
    assert "stage" not in mlflow.get_trace(id).info.tags
    with pytest.raises(MlflowException, match="No trace tag with key 'stage'"):
        client.delete_trace_tag(id, "stage")


def test_traces_are_deleted(client):
    ids = [asked(str(i)) for i in range(4)]
    experiment = mlflow.get_experiment_by_name("test_traces_are_deleted").experiment_id
    assert client.delete_traces(experiment, trace_ids=ids[:1]) == 1
    assert client.delete_traces(experiment, max_timestamp_millis=2**40 * 2, max_traces=2) == 2
    assert [t.info.trace_id for t in client.search_traces(locations=[experiment])] == ids[3:]
    with pytest.raises(MlflowException):
        client.delete_traces(experiment)
    assert mlflow.get_trace(ids[0]) is None


def test_asynchronous_logging_arrives(monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "true")
    mlflow.tracing.reset()
    try:
        ids = [asked(str(i)) for i in range(5)]
        mlflow.flush_trace_async_logging()
        assert {t.info.trace_id for t in mlflow.search_traces(return_type="list")} == set(ids)
    finally:
        mlflow.tracing.reset()


def exported(id):
    """A trace's spans as an exporter would send them."""
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    group.resource.CopyFrom(resource_to_otel_proto(None))
    group.scope_spans.add().spans.extend(span.to_otel_proto() for span in mlflow.get_trace(id).data.spans)
    return message


def test_spans_come_packed_and_as_json(server):
    id = asked()
    message = exported(id)
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.trace_id = bytes.fromhex("ab" * 16)
    experiment = mlflow.create_experiment("packed")
    headers = {"x-mlflow-experiment-id": experiment, "Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    answer = requests.post(f"{server}/v1/traces", data=gzip.compress(message.SerializeToString()), headers=headers)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "application/x-protobuf")
    trace = mlflow.get_trace("tr-" + "ab" * 16)
    assert [s.name for s in trace.data.spans] == ["answer", "think"] and trace.info.state.value == "OK"
    assert trace.info.token_usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}

    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "svc"}}]},
                               "scopeSpans": [{"spans": [{"traceId": "cd" * 16, "spanId": "12" * 8, "name": "json", "kind": 1,
                                                          "startTimeUnixNano": "1000000000", "endTimeUnixNano": "2000000000"}]}]}]}
    answer = requests.post(f"{server}/v1/traces", json=body, headers={"x-mlflow-experiment-id": experiment})
    assert (answer.status_code, answer.json()) == (200, {})
    trace = mlflow.get_trace("tr-" + "cd" * 16)
    assert trace.info.tags["service.name"] == "svc" and trace.info.execution_duration == 1000


def test_broken_spans_are_refused_in_words(server):
    good = {"x-mlflow-experiment-id": "0", "Content-Type": "application/x-protobuf"}
    bomb = gzip.compress(bytes(65 << 20))
    for data, headers, status in [(b"\xff\xff", good, 400), (b"", good, 400), (b"{}", {**good, "Content-Type": "text/plain"}, 400),
                                  (b"{}", {**good, "Content-Type": "application/json"}, 400), (b"", {"Content-Type": "application/x-protobuf"}, 400),
                                  (b"no", {**good, "Content-Encoding": "gzip"}, 400), (b"no", {**good, "Content-Encoding": "br"}, 400),
                                  (bomb, {**good, "Content-Encoding": "gzip"}, 413), (bytes(17 << 20), good, 413)]:
        answer = requests.post(f"{server}/v1/traces", data=data, headers=headers)
        assert answer.status_code == status and answer.json()["error_code"] and answer.json()["message"], (data[:9], headers, answer.text)
    answer = requests.post(f"{server}/api/2.0/mlflow/experiments/search", data=b"{}", headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    assert answer.status_code == 415 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_trace_is_downloaded_as_a_file(server):
    id = asked()
    answer = requests.get(f"{server}/ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": id})
    assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
    spans = mlflow.entities.TraceData.from_dict(answer.json()).spans
    assert [s.name for s in spans] == ["answer", "think"] and spans[0].inputs == {"question": "why?"}
    assert json.loads(answer.text)["spans"][0]["parent_span_id"] is None
    answer = requests.get(f"{server}/ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": id, "path": "../../x"})
    assert answer.status_code == 400


def test_clients_before_three_see_the_same_traces(server):
    api = f"{server}/api/2.0/mlflow/traces"
    experiment = mlflow.get_experiment_by_name("test_clients_before_three_see_the_same_traces").experiment_id
    made = requests.post(api, json={"experiment_id": experiment, "timestamp_ms": 1000, "tags": [{"key": "a", "value": "b"}]}).json()["trace_info"]
    assert made["status"] == "IN_PROGRESS"
    done = requests.patch(f"{api}/{made['request_id']}", json={"timestamp_ms": 1500, "status": "OK", "request_metadata": [{"key": "c", "value": "d"}]})
    assert done.json()["trace_info"]["execution_time_ms"] == 500
    read = requests.get(f"{api}/{made['request_id']}/info").json()["trace_info"]
    assert {"key": "a", "value": "b"} in read["tags"] and {"key": "c", "value": "d"} in read["request_metadata"]
    found = requests.get(api, params={"experiment_ids": [experiment], "filter": "status = 'OK'"}).json()["traces"]
    assert [t["request_id"] for t in found] == [made["request_id"]]
