"""`millrace check --reference`: what a person sees of it. What it finds on real tables is measured by bench/detect."""
import gzip
import json
import math
import os
import random
import subprocess

BINARY = os.environ.get("MILLRACE_BIN", "build/millrace")


def readings(seed, first, rows=4000):
    """An hour's readings of four sites: (hour, site, code, warm, dew)"""
    chance, weather, out = random.Random(seed), 0.0, []
    for i in range(rows):
        if i % 96 == 0:
            weather = 0.6 * weather + 4 * (chance.random() - 0.5)
        hour, site = first + i // 4, ("north", "south", "east", "west")[i % 4]
        warm = 20 + weather + 5 * math.sin(hour % 24 / 24 * 6.283) + chance.random()
        out.append([f"2023-{6 + hour // 720:02d}-{1 + hour % 720 // 24:02d}T{hour % 24:02d}:00:00Z", site, site[:2].upper(), round(warm, 2), round(warm - 3 - 4 * chance.random(), 2)])
    return out


def write(path, rows):
    text = "at,site,code,warm,dew\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def check(*arguments):
    return subprocess.run([BINARY, "check", *map(str, arguments)], capture_output=True, text=True)


def test_a_good_batch_passes_and_tells_what_was_proposed(tmp_path):
    reference, batch = write(tmp_path / "june.csv", readings(1, 0)), write(tmp_path / "july.csv.gz", readings(2, 1000))
    run = check("--reference", reference, "--data", batch, "--out", tmp_path / "findings.json")
    assert run.returncode == 0, run.stdout + run.stderr
    findings = json.loads((tmp_path / "findings.json").read_text())
    assert findings["alerts"] == [] and findings["verdict"] == "accepted"
    assert findings["rows"] == 4000
    assert findings["profile"]["columns"]["warm"]["count"] == 4000
    assert findings["checks"]["warm.distribution"]["ok"] is True
    assert {"value", "limit", "effect", "p_value"} <= set(findings["checks"]["warm.distribution"])
    assert any(check["kind"] == "range" for check in findings["checks"].values())  # of the proposed contract


def test_a_fault_in_one_slice_is_the_first_alert_with_rows_to_look_at(tmp_path):
    rows = readings(2, 1000)
    for row in rows:
        if row[1] == "east":
            row[3] = round(row[3] * 1.8 + 32, 2)
    reference, batch = write(tmp_path / "june.csv", readings(1, 0)), write(tmp_path / "july.csv", rows)
    run = check("--reference", reference, "--data", batch, "--out", tmp_path / "findings.json", "--sarif", tmp_path / "out.sarif", "--junit", tmp_path / "out.xml")
    assert run.returncode == 1, run.stdout + run.stderr
    alert = json.loads((tmp_path / "findings.json").read_text())["alerts"][0]
    assert alert["column"] == "warm"
    assert alert["slice"] in ({"site": "east"}, {"code": "EA"})
    assert alert["examples"] and alert["examples"][0]["row"] > 0 and "warm" in alert["examples"][0]["values"]
    assert alert["evidence"] and 0 < alert["score"] <= 1
    assert "warm" in (tmp_path / "out.sarif").read_text() and "<failure" in (tmp_path / "out.xml").read_text()
    assert "warm" in run.stdout


CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: readings
version: 1.0.0
status: active
schema:
  - name: readings
    properties:
      - {name: at, logicalType: timestamp}
      - {name: site, logicalType: string}
      - {name: code, logicalType: string, classification: restricted}
      - {name: warm, logicalType: number}
      - {name: dew, logicalType: number}
    quality:
      - {id: alike, type: custom, engine: millrace, implementation: {metric: distribution, column: dew, between: [0, 0.2]}}
"""


def test_a_contract_judges_beside_the_reference_and_hides_what_it_classifies(tmp_path):
    contract = tmp_path / "readings.odcs.yaml"
    contract.write_text(CONTRACT)
    rows = readings(2, 1000)
    for row in rows[::50]:
        row[2] = "SECRET"
    for row in rows:
        row[4] += 15
    reference, batch = write(tmp_path / "june.csv", readings(1, 0)), write(tmp_path / "july.csv", rows)
    run = check("--contract", contract, "--reference", reference, "--data", batch, "--out", tmp_path / "findings.json")
    assert run.returncode == 1, run.stdout + run.stderr
    text = (tmp_path / "findings.json").read_text()
    findings = json.loads(text)
    assert "SECRET" not in text and "SECRET" not in run.stdout
    assert findings["checks"]["alike"]["ok"] is False and findings["checks"]["alike"]["value"] > 0.2
    assert {"code", "dew"} <= {alert["column"] for alert in findings["alerts"]}


def test_without_contract_or_reference_there_is_nothing_to_judge_by(tmp_path):
    run = check("--data", write(tmp_path / "june.csv", readings(1, 0, 100)))
    assert run.returncode == 2 and "--reference" in run.stderr, run.stderr


def test_a_missing_column_and_a_missing_reference_are_named(tmp_path):
    reference = write(tmp_path / "june.csv", readings(1, 0, 200))
    batch = tmp_path / "july.csv"
    batch.write_text("at,site,code,warm\n2023-07-01T00:00:00Z,north,NO,1\n")
    run = check("--reference", reference, "--data", batch, "--out", tmp_path / "findings.json")
    assert run.returncode == 1, run.stdout + run.stderr
    assert json.loads((tmp_path / "findings.json").read_text())["alerts"][0]["column"] == "dew"
    run = check("--reference", tmp_path / "nothing.csv", "--data", batch)
    assert run.returncode == 3 and "nothing.csv" in run.stderr, run.stderr
