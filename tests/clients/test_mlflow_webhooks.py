"""Webhooks made by the genuine mlflow client and told to a real receiver on this machine."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import queue
import sqlite3
import threading

import mlflow
import pytest
import requests
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent, WebhookStatus
from mlflow.exceptions import MlflowException

from server import until, up
from shop import Shop

SET, DELETED = WebhookEvent.from_str("model_version_alias.created"), WebhookEvent.from_str("model_version_alias.deleted")


class Receiver:
    """Keeps what it is sent; answers with the statuses that a test lays out, then 200."""

    def __init__(self):
        self.got, self.answers = queue.Queue(), queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 200 if receiver.answers.empty() else receiver.answers.get()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.end_headers()
                self.wfile.write(b"thanks")
                receiver.got.put((self.path, dict(self.headers), body))

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.port}/hook?a=b"

    def next(self):
        path, headers, body = self.got.get(timeout=60)
        return path, headers, json.loads(body), body

    def stop(self):
        if not self.thread.is_alive():
            return
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def rows(database, count):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as read:
        return read.execute(count).fetchone()[0]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("webhooks"))
    shop.release()
    return shop


@pytest.fixture(scope="module")
def server(shop):
    server = up(shop.state, "--project", shop.folder, env={"MILLRACE_WEBHOOK_HOSTS": "127.0.0.1"})
    yield server
    assert server.stop() == 0, "".join(server.errors)[-2000:]


@pytest.fixture
def client(server):
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)
    client = MlflowClient(server.url, server.url)
    yield client
    for hook in client.list_webhooks():
        client.delete_webhook(hook.webhook_id)


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


def test_a_webhook_is_made_changed_listed_and_deleted(client, receiver):
    made = client.create_webhook(name="first", url=receiver.url, events=[SET], description="a note", secret="hush")
    assert (made.name, made.url, made.description, made.events, made.status) == ("first", receiver.url, "a note", [SET], WebhookStatus.ACTIVE)
    assert made.secret is None
    changed = client.update_webhook(made.webhook_id, name="second", events=[SET, DELETED], status=WebhookStatus.DISABLED)
    assert (changed.name, changed.events, changed.status) == ("second", [SET, DELETED], WebhookStatus.DISABLED)
    assert client.get_webhook(made.webhook_id).name == "second"
    others = [client.create_webhook(name=f"w{i}", url=receiver.url, events=[SET]).webhook_id for i in range(3)]
    page = client.list_webhooks(max_results=2)
    rest = client.list_webhooks(max_results=2, page_token=page.token)
    assert {w.webhook_id for w in [*page, *rest]} == {made.webhook_id, *others} and not rest.token
    client.delete_webhook(made.webhook_id)
    with pytest.raises(MlflowException, match="not found"):
        client.get_webhook(made.webhook_id)


def test_what_cannot_be_told_is_refused(client, server):
    for url, words in [("http://example.com/x", "Allowed schemes are: https"), ("https://10.0.0.1/x", "non-public"),
                       ("https://[::1]/x", "non-public"), ("https://localhost/x", "non-public"), ("https://169.254.169.254/", "non-public"),
                       ("https://u:p@127.0.0.1/", "user"), ("https://", "hostname"), ("ftp://127.0.0.1/", "scheme"), ("https://127.0.0.1:99999/", "port")]:
        with pytest.raises(MlflowException, match=words):
            client.create_webhook(name="bad", url=url, events=[SET])
    with pytest.raises(MlflowException, match="Webhook name"):
        client.create_webhook(name="-bad-", url="https://127.0.0.1/", events=[SET])
    api = f"{server.url}/api/2.0/mlflow/webhooks"
    for body in [{"name": "a", "url": "https://127.0.0.1/", "events": []}, {"name": "a", "url": "https://127.0.0.1/", "events": [{"entity": "NONE", "action": "SET"}]},
                 {"name": "a", "url": "https://127.0.0.1/", "events": [{"entity": "REGISTERED_MODEL", "action": "EXCEEDED"}]}]:
        answer = requests.post(api, json=body)
        assert answer.status_code == 400 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE", answer.text


def test_a_change_is_told_and_signed(client, receiver, shop):
    hook = client.create_webhook(name="signed", url=receiver.url, events=[SET, DELETED], secret="hush")
    client.set_registered_model_alias("long", "told", "1")
    path, headers, told, body = receiver.next()
    assert path == "/hook?a=b" and headers["Content-Type"] == "application/json"
    assert (told["entity"], told["action"], told["data"]) == ("model_version_alias", "created", {"name": "long", "alias": "told", "version": "1"})
    signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"hush", signed, hashlib.sha256).digest()).decode()
    assert headers["X-MLflow-Signature"] == f"v1,{expected}"
    client.delete_registered_model_alias("long", "told")
    assert receiver.next()[2]["data"] == {"name": "long", "alias": "told"}
    assert b"hush" not in (shop.state / "meta.db").read_bytes() and (shop.state / "webhooks.key").stat().st_mode & 0o777 == 0o600
    client.update_webhook(hook.webhook_id, status=WebhookStatus.DISABLED)


def test_what_fails_is_told_again_under_the_same_id(client, receiver):
    client.create_webhook(name="again", url=receiver.url, events=[SET])
    receiver.answers.put(503)
    client.set_registered_model_alias("long", "again", "1")
    first, second = receiver.next(), receiver.next()
    assert first[3] == second[3] and first[1]["X-MLflow-Delivery-Id"] == second[1]["X-MLflow-Delivery-Id"]
    assert "X-MLflow-Signature" not in first[1]


def test_what_is_refused_or_sent_elsewhere_is_not_told_again(client, receiver):
    client.create_webhook(name="once", url=receiver.url, events=[SET])
    for status in (404, 302):
        receiver.answers.put(status)
        client.set_registered_model_alias("long", f"s{status}", "1")
        assert receiver.next()[0] == "/hook?a=b"
    client.set_registered_model_alias("long", "last", "1")
    assert receiver.next()[2]["data"]["alias"] == "last"


def test_what_waits_is_told_after_a_kill(shop, tmp_path_factory):
    """A server of its own: the receiver is away while it is killed."""
    other = Shop(tmp_path_factory.mktemp("killed"))
    other.release()
    receiver = Receiver()
    running = up(other.state, "--project", other.folder, env={"MILLRACE_WEBHOOK_HOSTS": "127.0.0.1"})
    client = MlflowClient(running.url, running.url)
    client.create_webhook(name="kept", url=receiver.url, events=[SET])
    for _ in range(100):  # as often as it is told before the kill
        receiver.answers.put(503)
    client.set_registered_model_alias("long", "kept", "1")
    first = receiver.next()
    # Who dies in the middle of sending holds it for two minutes: this one dies when it has been put back.
    until(lambda: rows(other.state / "meta.db", "SELECT count(*) FROM webhook_deliveries WHERE attempts >= 1 AND lease_until = 0") == 1)
    running.kill()
    for answers in (receiver.answers, receiver.got):
        while not answers.empty():
            answers.get()
    running = up(other.state, "--project", other.folder, env={"MILLRACE_WEBHOOK_HOSTS": "127.0.0.1"})
    second = receiver.next()
    assert first[1]["X-MLflow-Delivery-Id"] == second[1]["X-MLflow-Delivery-Id"]
    assert running.stop() == 0
    receiver.stop()


def test_a_webhook_is_tried_out(client, receiver):
    hook = client.create_webhook(name="tried", url=receiver.url, events=[SET, DELETED])
    result = client.test_webhook(hook.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (True, 200, "thanks")
    assert receiver.next()[2]["data"] == {"name": "example_model", "alias": "example_alias", "version": "1"}
    receiver.answers.put(500)
    result = client.test_webhook(hook.webhook_id, DELETED)
    assert (result.success, result.response_status) == (False, 500)
    receiver.stop()
    result = client.test_webhook(hook.webhook_id)
    assert not result.success and "cannot be reached" in result.error_message
