"""A death in the middle of writing the prediction log: what was answered is there, what was not is there at most once, and the next requests go on."""
import pytest
import requests

from server import run, up
from shop import REQUEST, Shop


def infer(server):
    """The id of the prediction."""
    answer = requests.post(f"{server.url}/v2/models/long/infer", json=REQUEST, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["parameters"]["millrace_prediction_id"]


@pytest.mark.parametrize("point,visit", [("after_begin", 1), ("after_write", 1), ("after_write", 3)])
def test_the_log_goes_on_after_a_death(tmp_path, point, visit):
    shop = Shop(tmp_path)
    shop.release()
    dying = up(shop.state, "--project", shop.folder, env={"MILLRACE_FAULT": f"serve.prediction_log.{point}:{visit}"})
    answered = []
    for _ in range(visit - 1):
        answered.append(infer(dying))
    with pytest.raises(requests.ConnectionError):
        infer(dying)
    dying.kill()
    server = up(shop.state, "--project", shop.folder)
    try:
        answered.append(infer(server))
        for prediction in answered:
            record = requests.get(f"{server.url}/api/millrace/v1/predictions/{prediction}", timeout=60)
            assert record.status_code == 200 and record.json()["arm"] == "stable"
        job = requests.post(f"{server.url}/api/millrace/v1/deployments/long/seal", json={}, timeout=60).json()["id"]
        state = ""
        while state not in ("done", "failed"):
            state = requests.get(f"{server.url}/api/millrace/v1/jobs/{job}", params={"wait": 10}, timeout=60).json()["state"]
        assert state == "done"
        for prediction in answered:
            assert requests.get(f"{server.url}/api/millrace/v1/predictions/{prediction}", timeout=60).json()["sealed"]
    finally:
        assert server.stop() == 0
    import duckdb  # in the tests' environment
    files = [str(path) for path in (shop.state / "predictions").rglob("*.parquet")]
    rows = duckdb.sql(f"SELECT count(*), count(DISTINCT prediction_id) FROM read_parquet({files})").fetchall()[0]
    assert rows[0] == rows[1] and len(answered) <= rows[0] <= len(answered) + 1
    assert run("audit", "verify", state=shop.state).returncode == 0
