"""A repeated request with the same Idempotency-Key has no second effect."""
import threading

import pytest
import requests

from server import up

TOKENS = "/api/millrace/v1/tokens"


@pytest.fixture
def server(tmp_path):
    server = up(tmp_path / "state")
    yield server
    assert server.stop() == 0


def create(server, key, subject="a"):
    return requests.post(server.url + TOKENS, json={"subject": subject, "roles": ["reader"]}, headers={"Idempotency-Key": key}, timeout=60)


def tokens(server):
    return requests.get(server.url + TOKENS, timeout=60).json()["items"]


def test_a_repeat_gets_the_first_answer_and_changes_nothing(server):
    url = server.url + TOKENS + "/" + create(server, "k0").json()["id"]
    first = requests.delete(url, headers={"Idempotency-Key": "k1"}, timeout=60)
    assert first.status_code == 200, first.text
    again = requests.delete(url, headers={"Idempotency-Key": "k1"}, timeout=60)
    assert again.status_code == 200 and again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert requests.delete(url, timeout=60).status_code == 404, "without the key it is a new request, and there is nothing left to end"
    events = requests.get(server.url + "/api/millrace/v1/audit", timeout=60).json()["items"]
    assert [event["kind"] for event in events].count("token.revoked") == 1


def test_many_at_once_make_one_change(server):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(create(server, "k2").status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [409] * 7
    assert len(tokens(server)) == 1


def test_a_key_belongs_to_one_request(server):
    assert create(server, "k3").status_code == 201
    other = create(server, "k3", subject="b")
    assert other.status_code == 409 and "another request" in other.json()["detail"]


def test_a_secret_is_not_kept_for_a_repeat(server):
    assert create(server, "k4").status_code == 201
    again = create(server, "k4")
    assert again.status_code == 409 and "token" not in again.json()
    assert len(tokens(server)) == 1


@pytest.mark.parametrize("key", ["a b", "x" * 256])
def test_a_bad_key_is_refused(server, key):
    assert create(server, key).status_code == 400
