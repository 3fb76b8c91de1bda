"""Fixtures that every test may use: a state folder of its own, and a Millrace server on it."""
import os
import pathlib
import sys

import pytest

# Clients under test stay on this machine and say nothing to anybody else.
os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"})
sys.path.insert(0, str(pathlib.Path(__file__).parent / "system"))

from server import up  # noqa: E402  (the path comes first)


# The longest files begin, so that no process is left alone with one at the end.
LONG = ("test_demo.py", "test_tutorial.py", "test_training.py", "test_rootcause.py", "test_executors.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="module", autouse=True)
def own_environment():
    """mlflow's client sets variables of the process (MLFLOW_EXPERIMENT_ID ...) and remembers servers: both end with the module that caused them."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)
    for module, name in (("_tracking_service", "_tracking_uri"), ("_model_registry", "_registry_uri")):
        if client := sys.modules.get(f"mlflow.tracking.{module}.utils"):
            setattr(client, name, None)
    if client := sys.modules.get("mlflow.tracking.fluent"):
        client._active_experiment_id = None  # the client has no call that forgets the experiment it was set to


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("state") / "state"


@pytest.fixture(scope="module")
def server(state_dir):
    """The address of a server that a module's tests share; a clean end is part of the test."""
    running = up(state_dir)
    yield running.url
    assert running.stop() == 0, "".join(running.errors)[-2000:]
