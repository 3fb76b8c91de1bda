"""Faults in batches of the flights example are traced to their dataset version and column; quiet months blame nothing.

A fixed share of bench/rootcause, which draws faults at random and prints rates.
"""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
THROUGH = 8

pytestmark = pytest.mark.slow


def load(name, path):
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


rootcause = load("rootcause", ROOT / "bench" / "rootcause")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return rootcause.make_bench(tmp_path_factory.mktemp("rootcause") / "bench", THROUGH)


def trial(source, month, kind, faults, columns):
    return {"source": source, "month": month, "kind": kind, "faults": faults, "columns": columns, "seed": 1}


@pytest.mark.parametrize("fault", [
    trial("weather", 8, "unit", [("scale", "wind_speed=0.447")], ["wind_speed"]),
    trial("weather", 7, "shuffled", [("shuffle", "humid")], ["humid"]),
    trial("weather", 8, "stale", [("stale", None)], []),
    trial("flights", 8, "recode", [("rename", "carrier:UA=EV")], ["carrier"]),
    trial("flights", 7, "offset", [("offset", "arr_delay=60")], ["arr_delay"]),
], ids=lambda fault: f"{fault['source']}-{fault['kind']}")
def test_a_fault_is_traced_to_its_version_and_column(bench, fault):
    result = rootcause.play(bench, fault)
    assert result["outcome"] == "top-1", result


def test_quiet_summer_months_are_natural_drift_or_too_little_evidence_and_never_a_cause(bench):
    verdicts = {(month, kind, subject): verdict for month, kind, subject, verdict, _ in rootcause.quiet(bench, range(7, THROUGH + 1))}
    assert "cause" not in verdicts.values(), verdicts
    assert verdicts[7, "drift", "temp"] == verdicts[8, "drift", "temp"] == "natural_drift"


def test_faults_are_the_same_for_the_same_seed_and_change_nothing_else(bench, tmp_path):
    batch = bench.batch("weather", 1)
    outs = []
    for name in ("a.csv", "b.csv"):
        subprocess.run([sys.executable, ROOT / "examples/flights/faults.py", batch, "--shuffle", "temp", "--out", tmp_path / name], check=True,
                       stdout=subprocess.DEVNULL)
        outs.append((tmp_path / name).read_text())
    assert outs[0] == outs[1] != batch.read_text()
    rows, broken = rootcause.FAULTS.Rows(batch.read_text()), rootcause.FAULTS.Rows(outs[0])
    at = rows.at("temp")
    assert [r[:at] + r[at + 1:] for r in rows.rows] == [r[:at] + r[at + 1:] for r in broken.rows]
    assert sorted(r[at] for r in rows.rows) == sorted(r[at] for r in broken.rows)


def test_an_unknown_column_is_refused_by_name(bench):
    done = subprocess.run([sys.executable, ROOT / "examples/flights/faults.py", bench.batch("weather", 1), "--round", "tmp=5"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and "there is no column 'tmp'" in done.stderr
