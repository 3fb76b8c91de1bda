"""Several servers on one PostgreSQL: what one writes the other knows, and neither loses or doubles anything when a server is
killed or the database stops in the middle of a write."""
import os
import pathlib
import itertools
import socket
import threading

import pytest
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric

from postgres import Cluster
from server import run, up

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def cluster():
    made = Cluster(durable=True)
    yield made
    made.remove()


@pytest.fixture
def database(cluster):
    return cluster.make_database(f"t{next(NUMBERS)}")


def name_in(url):
    return url.removeprefix("postgresql:///").split("?")[0]


def post(url, path, body, **more):
    return requests.post(f"{url}/api/2.0/mlflow/{path}", json=body, timeout=90, **more)


def names(url):
    """Of every experiment, page by page."""
    found, token = [], None
    while True:
        page = requests.get(f"{url}/api/2.0/mlflow/experiments/search", timeout=90,
                            params={"max_results": 1000, "order_by": "name", **({"page_token": token} if token else {})}).json()
        found += [e["name"] for e in page.get("experiments", [])]
        token = page.get("next_page_token")
        if not token:
            return found


def verify(state, url):
    """The audit chain of all writers, by a command that owns the state folder for its own run."""
    done = run("audit", "verify", "--json", state=state, env={"MILLRACE_STORE": url})
    assert done.returncode == 0, done.stdout + done.stderr
    return done


class Writers:
    """Threads that make experiments with names of their own, each once, and note what was acknowledged."""

    def __init__(self, servers, prefix="", each=2):
        self.prefix = prefix
        self.sent, self.acknowledged, self.answers = set(), set(), []
        self.changed = threading.Condition()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(url, f"{prefix}{s}-{n}")) for s, url in enumerate(servers) for n in range(each)]
        for thread in self.threads:
            thread.start()

    def work(self, url, writer):
        number = 0
        while not self.over.is_set():
            number += 1
            name = f"{writer}-{number}"
            with self.changed:
                self.sent.add(name)
            try:
                answer = post(url, "experiments/create", {"name": name})
            except requests.RequestException:
                return  # the server was killed
            with self.changed:
                self.answers.append((answer.status_code, answer.text))
                if answer.status_code == 200:
                    self.acknowledged.add(name)
                self.changed.notify_all()

    def wait_for(self, condition):
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), timeout=90), self.answers[-5:]

    def wait_for_more(self, count):
        with self.changed:
            aim = len(self.acknowledged) + count
        self.wait_for(lambda w: len(w.acknowledged) >= aim)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def compare(self, url):
        found = [name for name in names(url) if name != "Default" and name.startswith(self.prefix)]
        assert len(found) == len(set(found)), "something is there twice"
        assert self.acknowledged <= set(found), f"lost: {sorted(self.acknowledged - set(found))[:5]}"
        assert set(found) <= self.sent
        return set(found)


def test_two_servers_are_one_to_the_genuine_client(tmp_path, database):
    first, second = up(tmp_path / "a", "--store", database), up(tmp_path / "b", env={"MILLRACE_STORE": database})
    one, two = MlflowClient(first.url), MlflowClient(second.url)
    numbers = [client.create_experiment(f"e{i}") for i, client in enumerate([one, two, one, two])]
    assert numbers == ["1", "2", "3", "4"]
    made = one.create_run(numbers[0]).info.run_id
    failures = []

    def log(client, name):
        try:
            for step in range(40):
                client.log_metric(made, name, step, step=step)
                client.log_batch(made, metrics=[Metric("shared", step, 1_000 + step, step)])
        except Exception as problem:  # noqa: BLE001 -- told below, in the test's own thread
            failures.append(problem)

    threads = [threading.Thread(target=log, args=pair) for pair in ((one, "of_one"), (two, "of_two"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for client in (one, two):
        assert [m.step for m in client.get_metric_history(made, "of_one")] == list(range(40))
        assert [m.step for m in client.get_metric_history(made, "of_two")] == list(range(40))
        assert sorted(m.step for m in client.get_metric_history(made, "shared")) == list(range(40))
    two.set_terminated(made)
    assert one.get_run(made).info.status == "FINISHED"
    assert (first.stop(), second.stop()) == (0, 0)
    assert not (tmp_path / "a" / "meta.db").exists()
    verify(tmp_path / "a", database)
    verify(tmp_path / "b", database)


def test_a_server_that_is_killed_takes_nothing_acknowledged_with_it(tmp_path, database):
    servers = [up(tmp_path / name, "--store", database) for name in ("a", "b")]
    for round_ in range(3):
        writers = Writers([s.url for s in servers], f"{round_}-")
        writers.wait_for_more(60)
        servers[0].kill()
        writers.wait_for_more(40)  # the other goes on
        writers.stop()
        servers[0] = up(tmp_path / "a", "--store", database)
        writers.compare(servers[0].url)
    for server in servers:
        assert server.stop() == 0
    verify(tmp_path / "a", database)


def test_a_database_that_stops_in_mid_write_loses_and_doubles_nothing(tmp_path, cluster, database):
    servers = [up(tmp_path / name, "--store", database) for name in ("a", "b")]
    writers = Writers([s.url for s in servers])
    for _ in range(3):
        writers.wait_for_more(60)
        cluster.stop("immediate")
        refusals = len([a for a in writers.answers if a[0] == 503])
        writers.wait_for(lambda w: len([a for a in w.answers if a[0] == 503]) > refusals)  # noqa: B023 -- waited for at once
        cluster.start()
    writers.wait_for_more(60)
    writers.stop()
    assert {status for status, _ in writers.answers} == {200, 503}
    refused = next(text for status, text in writers.answers if status == 503)
    assert "TEMPORARILY_UNAVAILABLE" in refused and "database" in refused, refused
    found = writers.compare(servers[0].url)
    # What was refused was not kept: nobody needs to look before sending it again.
    assert found == writers.acknowledged
    for server in servers:
        assert server.stop() == 0
    verify(tmp_path / "b", database)


class Wire:
    """A wire to the database that can be cut: right after the answer to a COMMIT was read, and kept from the server."""

    def __init__(self, folder):
        self.target = str(folder / ".s.PGSQL.5432")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cut_after_commit = threading.Event()
        self.was_cut = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            threading.Thread(target=self.forward, args=(client, server), daemon=True).start()

    def forward(self, client, server):
        committing = threading.Event()

        def requests_():
            while data := self.read(client):
                if self.cut_after_commit.is_set() and b"COMMIT\0" in data:
                    committing.set()
                server.sendall(data)
            self.close(server)

        threading.Thread(target=requests_, daemon=True).start()
        while data := self.read(server):
            if committing.is_set():
                self.cut_after_commit.clear()
                self.was_cut.set()
                break
            client.sendall(data)
        self.close(client)
        self.close(server)

    @staticmethod
    def read(end):
        try:
            return end.recv(1 << 16)
        except OSError:
            return b""

    @staticmethod
    def close(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def url(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?sslmode=disable&gssencmode=disable"


def test_a_commit_whose_answer_was_lost_is_acknowledged_all_the_same(tmp_path, cluster, database):
    wire = Wire(cluster.folder)
    server = up(tmp_path / "a", "--store", wire.url(name_in(database)))
    assert post(server.url, "experiments/create", {"name": "before"}).status_code == 200
    for number in range(5):
        wire.was_cut.clear()
        wire.cut_after_commit.set()
        answer = post(server.url, "experiments/create", {"name": f"cut {number}"})
        assert wire.was_cut.wait(timeout=60), "the wire was never cut: the test tried nothing"
        assert answer.status_code == 200, answer.text
    assert sorted(names(server.url)) == ["Default", "before", *(f"cut {n}" for n in range(5))]
    assert server.stop() == 0
    wire.listener.close()
    verify(tmp_path / "a", database)


def test_a_key_means_one_change_on_whichever_server_it_arrives(tmp_path, database):
    servers = [up(tmp_path / name, "--store", database) for name in ("a", "b")]
    tokens = "/api/millrace/v1/tokens"
    made = requests.post(servers[0].url + tokens, json={"subject": "ada", "roles": ["reader"]}, timeout=90).json()["id"]
    key = {"Idempotency-Key": "the-one"}
    first, again = (requests.delete(f"{server.url}{tokens}/{made}", headers=key, timeout=90) for server in servers)
    assert first.status_code == 200, first.text
    assert again.status_code == 200 and again.json() == first.json(), again.text
    assert again.headers["Idempotency-Replayed"] == "true"
    events = requests.get(f"{servers[1].url}/api/millrace/v1/audit", timeout=90).json()["items"]
    assert [event["kind"] for event in events].count("token.revoked") == 1
    for server in servers:
        assert server.stop() == 0


@pytest.mark.parametrize("point", ["store.commit.before", "store.commit.after"])
def test_a_death_at_a_marked_point_of_the_commit_leaves_whole_lines(tmp_path, database, point):
    state = tmp_path / "state"
    assert up(state, "--store", database).stop() == 0
    server = up(state, "--store", database, env={"MILLRACE_FAULT": f"{point}:5"})
    acknowledged = []
    for number in range(50):
        try:
            answer = post(server.url, "experiments/create", {"name": f"e{number}"})
        except requests.RequestException:
            break
        assert answer.status_code == 200, answer.text
        acknowledged.append(f"e{number}")
    else:
        pytest.fail("the fault point was never reached")
    server.kill()
    server = up(state, "--store", database)
    assert set(acknowledged) <= set(names(server.url))
    assert server.stop() == 0
    verify(state, database)


def test_texts_that_a_database_cannot_hold_are_refused(tmp_path, database):
    server = up(tmp_path / "a", "--store", database)
    made = post(server.url, "runs/create", {"experiment_id": "0", "start_time": 1}).json()["run"]["info"]["run_id"]
    for value in ("a\0b", "\0"):
        refused = post(server.url, "runs/log-parameter", {"run_id": made, "key": "p", "value": value})
        assert 400 <= refused.status_code < 500, refused.text
        refused = post(server.url, "runs/search", {"experiment_ids": ["0"], "filter": f"params.p = '{value}'"})
        assert refused.status_code in (200, 400), refused.text
    assert post(server.url, "runs/log-parameter", {"run_id": made, "key": "p", "value": "fine"}).status_code == 200
    assert server.stop() == 0


def test_where_the_store_is_comes_from_the_project_and_stays_there(tmp_path, cluster, database):
    project = tmp_path / "shop"
    project.mkdir()
    (project / "millrace.yaml").write_text("millrace: 1\nproject: shop\nstore: ${env:SHOP_STORE}\n")
    env = {"SHOP_STORE": database}
    assert run("token", "create", "--subject", "ada", "--role", "reader", project=project, env=env).returncode == 0
    assert not (project / ".millrace" / "meta.db").exists()
    assert cluster.sql("SELECT subject FROM tokens", database=name_in(database)) == "ada\n"

    without = run("token", "list", project=project)
    assert without.returncode != 0 and "SHOP_STORE is not set" in without.stderr
    (project / "millrace.yaml").write_text("millrace: 1\nproject: shop\n")
    lost = run("token", "list", project=project)
    assert lost.returncode != 0 and "the metadata of this state folder is in PostgreSQL" in lost.stderr
    other = run("token", "list", project=project, env={"MILLRACE_STORE": cluster.make_database("another")})
    assert other.returncode != 0 and "belongs to another database" in other.stderr
    (project / "millrace.yaml").write_text("millrace: 1\nproject: shop\nstore: postgresql://ada:topsecret@127.0.0.1/db\n")
    written = run("token", "list", project=project)
    assert written.returncode != 0 and "${env:NAME}" in written.stderr
    assert "topsecret" not in written.stdout + written.stderr
    assert run("token", "list", state=tmp_path / "own").returncode == 0
    own = run("token", "list", state=tmp_path / "own", env={"MILLRACE_STORE": database})
    assert own.returncode != 0 and "this state folder holds its metadata itself" in own.stderr
    unreachable = run("up", "--http", "127.0.0.1:0", "--store", "postgresql://ada:topsecret@127.0.0.1:1/db", state=tmp_path / "new")
    assert unreachable.returncode != 0 and "topsecret" not in unreachable.stdout + unreachable.stderr
