"""Every test of the genuine client once more, against a server whose metadata is in PostgreSQL."""
import pytest

from postgres import Cluster
from server import up
from test_mlflow import *  # noqa: F401,F403 -- the tests themselves


@pytest.fixture(scope="module")
def server(state_dir):
    cluster = Cluster()
    running = up(state_dir, "--store", cluster.url())
    yield running.url
    code = running.stop()
    cluster.remove()
    assert code == 0, "".join(running.errors)[-2000:]
