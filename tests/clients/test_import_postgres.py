"""`millrace import mlflow postgresql://...`: the genuine package's tables and rows, in a real PostgreSQL."""
import json
import os
import pathlib
import sqlite3
import subprocess

import mlflow
import pytest
import sqlalchemy
from mlflow import MlflowClient
from mlflow.store.model_registry.dbmodels import models as _registry_tables  # noqa: F401 -- they join the same metadata
from mlflow.store.tracking.dbmodels.models import Base
from mlflow_registered import describe_registered, make_registered
from mlflow_store import describe, make_store
from postgres import Cluster
from server import run, until, up
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

PASSWORD = "s3cret/with:odd@letters"
ESCAPED = "s3cret%2Fwith%3Aodd%40letters"


def reload(cluster):
    """The server reads its files again by and by: what connects from here on meets what they say now."""
    def read_at():
        return cluster.sql("SELECT pg_conf_load_time()")
    before = read_at()
    cluster.sql("SELECT pg_reload_conf()")
    until(lambda: read_at() != before)


def psql(cluster, text, database):
    done = subprocess.run([*cluster.as_user, str(cluster.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h", str(cluster.folder), "-d", database],
                          input=text, capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, done.stderr


def literal(value, kind):
    if value is None:
        return "NULL"
    if isinstance(kind, sqlalchemy.Boolean):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, str):
        return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return repr(value)


def copy_into(cluster, name, file):
    """The tables as SQLAlchemy makes them for PostgreSQL from the package's own models, with the rows of its SQLite database."""
    cluster.make_database(name)
    tables = Base.metadata.sorted_tables
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as old:
        there = {each for (each,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        script = []
        for table in tables:
            if table.name not in there:
                continue
            bare = table.to_metadata(sqlalchemy.MetaData())  # names of checks are not unique in the models
            bare.constraints -= {each for each in bare.constraints if isinstance(each, sqlalchemy.CheckConstraint)}
            script.append(f"{CreateTable(bare, include_foreign_key_constraints=[]).compile(dialect=postgresql.dialect())};")
            columns = list(table.columns)
            names = ", ".join(f'"{column.name}"' for column in columns)
            for row in old.execute(f"SELECT {names} FROM {table.name}"):
                script.append(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join(literal(value, column.type) for value, column in zip(row, columns))});")
    psql(cluster, "\n".join(["SET session_replication_role = replica;", *script]), name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    uri = f"sqlite:///{folder}/mlflow.db"
    before = os.getcwd()
    os.chdir(folder)
    cluster = Cluster()
    try:
        mlflow.set_tracking_uri(uri)
        make_store(uri, folder / "artifacts", runs=1, points=2500)
        make_registered(uri)
        copy_into(cluster, "source", folder / "mlflow.db")
        yield cluster, folder, uri
    finally:
        os.chdir(before)
        cluster.remove()


def report_of(done):
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def imported(source, state, *more, **options):
    return run("import", "mlflow", source, "--json", *more, state=state, **options)


def test_it_is_taken_as_the_same_store_in_sqlite_is(made, tmp_path):
    cluster, folder, uri = made
    roots = ("--artifact-root", folder / "mlruns")
    state = tmp_path / "state"
    report = report_of(imported(cluster.url("source").replace("postgresql:", "postgresql+psycopg2:"), state, *roots))
    assert report["ok"], report
    assert report["source"].startswith("postgresql://") and report["source"].endswith("/source/public")
    same = report_of(imported(uri, tmp_path / "other", *roots))
    assert report["digest"] == same["digest"] and report["items"] == same["items"]
    again = report_of(imported(cluster.url("source"), state, *roots))
    assert again["ok"] and again["unchanged"] == 6 and again["digest"] == report["digest"]
    server = up(state)
    try:
        mlflow.set_tracking_uri(server.url)
        here, registered = describe(MlflowClient(server.url)), describe_registered(MlflowClient(server.url))
    finally:
        assert server.stop() == 0
    mlflow.set_tracking_uri(uri)
    there = describe(MlflowClient(uri))
    assert here == there and registered == describe_registered(MlflowClient(uri))


@pytest.mark.parametrize("fault", ["exchange.run.points:3", "exchange.version.taken:2"])
def test_after_a_kill_it_goes_on(made, tmp_path, fault):
    cluster, folder, _ = made
    options = ("--artifact-root", folder / "mlruns")
    assert imported(cluster.url("source"), tmp_path / "state", *options, env={"MILLRACE_FAULT": fault}).returncode not in (0, 1)
    report = report_of(imported(cluster.url("source"), tmp_path / "state", *options))
    assert report["ok"], report


def test_it_is_only_read(made, tmp_path):
    """A user that may only read is enough; what others write meanwhile waits for the next import."""
    cluster, _, _ = made
    cluster.sql("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", "source")
    before = cluster.sql("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables", "source")
    url = cluster.url("source").replace("user=postgres", "user=reader")
    assert report_of(imported(url, tmp_path / "state", "--artifacts", "none"))["ok"]
    assert cluster.sql("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables", "source") == before
    cluster.sql("REVOKE SELECT ON metrics FROM reader", "source")
    denied = imported(url, tmp_path / "denied", "--artifacts", "none")
    assert denied.returncode == 4 and "may not read the table 'metrics'" in denied.stdout


def test_the_password_is_nowhere(made, tmp_path):
    cluster, _, _ = made
    state = tmp_path / "state"
    cluster.sql(f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO keeper", "source")
    hba = cluster.data / "pg_hba.conf"
    kept = hba.read_text()
    try:
        hba.write_text("local all keeper scram-sha-256\n" + kept)
        reload(cluster)
        url = f"postgresql://keeper@/source?host={cluster.folder}"
        given = f"postgresql://keeper:{ESCAPED}@/source?host={cluster.folder}"
        without = imported(url, state, "--artifacts", "none", env={"PGPASSWORD": ""})
        assert without.returncode == 4 and "PGPASSWORD" in without.stdout, without.stdout
        wrong = imported(given.replace("s3cret", "wr0ng"), state, "--artifacts", "none")
        assert wrong.returncode == 4 and "wr0ng" not in wrong.stdout + wrong.stderr
        outputs = [without, wrong]
        for source, env in ((given, {}), (url, {"PGPASSWORD": PASSWORD}), (f"{url}&password={ESCAPED}", {})):
            done = imported(source, state, "--artifacts", "none", env=env)
            assert report_of(done)["ok"], done.stdout
            outputs.append(done)
        assert report_of(outputs[-1])["unchanged"] == 6  # the same source, however the password came
        twice = imported(f"postgresql://keeper:{ESCAPED}@{ESCAPED}@/source", state)
        assert twice.returncode == 2, twice.stderr
        outputs.append(twice)
    finally:
        hba.write_text(kept)
        reload(cluster)
    for secret in ("s3cret", "wr0ng"):
        assert all(secret not in done.stdout + done.stderr for done in outputs)
        for path in pathlib.Path(state).rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


def test_what_is_no_database_of_mlflows_is_refused(made, tmp_path):
    cluster, _, _ = made
    cluster.make_database("empty")
    nothing = imported(cluster.url("empty"), tmp_path / "state")
    assert nothing.returncode != 0 and "there is no table 'experiments'" in nothing.stdout
    absent = imported(cluster.url("absent"), tmp_path / "state")
    assert absent.returncode == 3 and "no such database" in absent.stdout
    unreachable = imported("postgresql://nobody@127.0.0.1:1/x", tmp_path / "state")
    assert unreachable.returncode == 6 and "no connection to the source" in unreachable.stdout
