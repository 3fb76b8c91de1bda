import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import support


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The batches of January to June and of July's first day."""
    return support.prepare(tmp_path_factory.mktemp("data"))
