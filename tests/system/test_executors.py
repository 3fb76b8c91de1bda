"""One contract, one batch, three executors: DuckDB, a real Spark server and rows one by one find the same. Counts are equal exactly, floats to 1e-9."""
import datetime as dt
import gzip
import json
import math
import os
import pathlib
import random
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from server import BINARY, ROOT, run
from spark import Spark, free_port

sys.path.insert(0, str(ROOT / "tests" / "flights"))
import support  # noqa: E402  (the path comes first)

CONTRACTS = ROOT / "examples" / "flights" / "contracts"

NASTY = r"""
apiVersion: v3.1.0
kind: DataContract
id: nasty
version: 1.0.0
status: active
schema:
  - name: nasty
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: big, logicalType: integer, logicalTypeOptions: {minimum: -9223372036854775807, multipleOf: 3}}
      - {name: x, logicalType: number, logicalTypeOptions: {minimum: -1.5, exclusiveMaximum: 1.0e300}}
      - {name: free, logicalType: number}
      - name: s
        logicalType: string
        logicalTypeOptions: {minLength: 1, maxLength: 6, pattern: '^[\wé\s.]+$'}
        quality: [{type: library, metric: nullValues, unit: percent, mustBeLessThan: 50}]
      - {name: kind, logicalType: string, quality: [{type: library, metric: invalidValues, arguments: {validValues: [a, B, "it's", 'c\d']}, mustBe: 0}]}
      - {name: day, logicalType: date}
      - {name: at, logicalType: timestamp}
      - {name: t, logicalType: time}
      - {name: ger, logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}}
      - {name: ok, logicalType: boolean}
    quality:
      - {id: pair, type: custom, engine: millrace, implementation: {metric: unique, columns: [kind, day]}}
      - {id: order, type: custom, engine: millrace, implementation: {metric: expression, expression: "x IS NULL OR free IS NULL OR x <= free * 2 + 1e0"}}
      - {id: words, type: custom, engine: millrace, implementation: {metric: expression, expression: "NOT (length(s) > 3 AND kind IN ('a', 'B')) OR big BETWEEN 0 AND 99 OR CASE WHEN ok THEN day >= DATE '1960-01-01' ELSE abs(id) % 2 = 0 END"}}
      - {id: fresh, type: custom, engine: millrace, implementation: {metric: freshness, column: at, unit: d, between: [0, 100000]}}
      - {id: share, type: custom, engine: millrace, implementation: {metric: conditional_rate, where: "kind = 'a'", condition: "x > 0", between: [0, 0.3], by: [ok]}}
      - {id: together, type: custom, engine: millrace, implementation: {metric: correlation, columns: [free, x], between: [-0.001, 0.001]}}
      - {id: steps, type: custom, engine: millrace, implementation: {metric: sequence, column: day, unit: d, within: [kind]}}
      - {id: rising, type: custom, engine: millrace, implementation: {metric: sequence, column: at, order: strictly increasing, within: [ok]}}
      - {id: middle, type: custom, engine: millrace, implementation: {metric: statistic, column: x, statistic: median, between: [0, 0]}}
      - {id: high, type: custom, engine: millrace, implementation: {metric: statistic, column: free, statistic: quantile, p: 0.9, between: [0, 0]}}
      - {id: wide, type: custom, engine: millrace, implementation: {metric: statistic, column: free, statistic: stddev, between: [0, 0]}}
      - {id: mean, type: custom, engine: millrace, implementation: {metric: statistic, column: free, statistic: mean, between: [0, 0]}}
      - {id: kinds, type: custom, engine: millrace, implementation: {metric: statistic, column: s, statistic: distinct, between: [0, 0]}}
      - {id: sliced, type: custom, engine: millrace, implementation: {metric: null_rate, column: free, between: [0, 0.01], by: [kind, ok]}}
      - {id: many, type: custom, engine: millrace, implementation: {metric: row_count, per: day, column: day, between: [0, 10]}}
"""

VALUES = {
    "id": ["1", "2", "2", "+7", "7.00", "1.9", "x", "", "9223372036854775807", "9223372036854775808", " 3", "1e3", "-0"],
    "big": ["9223372036854775807", "-9223372036854775808", "9223372036854775806", "0", "3", "-3", "4", "", "1e400"],
    "x": ["nan", "-NaN", "+inf", "-Infinity", "-0.0", "0", "1e400", "-1e400", "1e-400", ".5", "7.", "1,5", "", "-1.5", "-1.5000000001", "1e300", "0x10", "1d"],
    "free": ["1", "-2.5e-3", "nan", "inf", "", "3.25", "-0.0", "1e-5"],
    "s": ["", "a", "é", "e\u0301", "\U0001F600", "tab\t", "a b", "zwei\nZeilen", "\u00a0", "Straße", "sieben.", "ünder", "quote\"d", "back\\s"],
    "kind": ["a", "B", "b", "it's", "c\\d", "cd", ""],
    "day": ["2013-01-31", "1969-12-31", "1900-02-28", "2012-02-29", "2013-02-29", "2013-2-1", "0001-01-01", "9999-12-31", "", "20130101"],
    "at": ["2013-01-01T05:00:00Z", "2013-01-01 05:00", "1969-12-31T23:59:59.999999", "2016-12-31T23:59:60Z", "2013-01-01T24:00:00", "2013-01-01T05:00:00+05:30",
           "2013-01-01T05:00+0530", "2013-01-01T05:00-08", "2013-01-01T05:00:00+20:00", "2013-01-01", "2013-01-01T05:00:00.123456789", "", "now"],
    "t": ["05:00", "23:59:59.999999", "24:00", "23:59:60", "5:00", "", "05:00:00.1"],
    "ger": ["31.01.2013", "31.02.2013", "1.1.2013", "2013-01-31", "", "01.01.1900"],
    "ok": ["true", "FALSE", "1", "0", "yes", ""],
}


@pytest.fixture(scope="module")
def spark():
    server = Spark()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    return support.prepare(tmp_path_factory.mktemp("data"), through="2013-02-01")


def check(*words, env=None, status=(0, 1)):
    # Freshness beside the clock would differ from run to run.
    if "--from" not in words:
        words = (*words, "--from", "2013-01-01", "--to", "2014-01-01")
    done = run("check", "--json", *words, env=env)
    assert done.returncode in status, done.stdout + done.stderr
    return json.loads(done.stdout)


def differences(one, other, place=""):
    """Where two findings differ. An estimate may be off by three of its standard errors; the engines name themselves."""
    if isinstance(one, dict) and isinstance(other, dict):
        if "estimate" in one and "estimate" in other:
            slack = 3 * (one["error"] + other["error"]) * max(one["value"], other["value"]) + 1
            return [] if abs(one["value"] - other["value"]) <= slack else [f"{place}: {one} {other}"]
        if "shares" in one and "shares" in other:
            # Where ranks may be off, values of neighbours may stand there.
            return [] if one["error"] or other["error"] or one["values"] == other["values"] else [f"{place}: {one} {other}"]
        keys = (set(one) | set(other)) - {"engine"}
        return [found for key in sorted(keys) for found in differences(one.get(key, "nothing"), other.get(key, "nothing"), f"{place}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for i in range(len(one)) for found in differences(one[i], other[i], f"{place}/{i}")]
    if isinstance(one, float) and isinstance(other, float) and math.isclose(one, other, rel_tol=1e-9):
        return []
    return [] if one == other and type(one) is type(other) else [f"{place}: {one!r} {other!r}"]


def same_on_both(spark, *words):
    duckdb, other = check(*words), check("--engine", "spark", "--spark", spark.url, *words)
    assert other["engine"].startswith("spark 4")
    found = differences(duckdb, other)
    assert not found, "\n".join(found[:10])
    return duckdb


# What a single row, or a running count of them, can answer.
ROWS = "\n".join(line for line in NASTY.split("\n") if not any(word in line for word in ("correlation", "sequence", "median", "quantile", "stddev", "distinct")))


def same_row_by_row(*words, stdin=None):
    """A stream has no histogram where only the whole batch could tell its edges; then quantiles and counts are all there is."""
    words = ["--from", "2013-01-01", "--to", "2013-02-01", *words]
    duckdb = check(*words)
    command = ["check", "--json", "--engine", "row", *words]
    if stdin is not None:
        command[-1] = "-"
        with open(stdin, "rb") as file:
            other = subprocess.run([BINARY, *map(str, command)], stdin=file, capture_output=True, text=True, timeout=60)
        assert other.returncode in (0, 1), other.stderr
        other = json.loads(other.stdout.replace('"standard input"', json.dumps(str(stdin))))
    else:
        other = check("--engine", "row", *words)
    assert other["engine"] == "row"
    for name, column in duckdb["profile"]["columns"].items():
        if "histogram" not in other["profile"]["columns"][name]:
            column.pop("histogram", None)
    assert differences(duckdb, other) == []
    return duckdb


def nasty_rows():
    """Every value at least once, then at random; the same each time."""
    chance = random.Random(7)
    count = 400
    return {name: [values[i] if i < len(values) else chance.choice(values) for i in range(count)] for name, values in VALUES.items()}


def write_csv(path, columns):
    quoted = {name: ['"' + value.replace('"', '""') + '"' if set(value) & set(',"\n') else value for value in values] for name, values in columns.items()}
    lines = [",".join(columns), *map(",".join, zip(*quoted.values()))]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_dialect_means_the_same_on_spark(spark):
    tests = ROOT / "build" / "release" / "tests" / "test_engine"
    done = subprocess.run([tests, "--gtest_filter=*DialectTest*"], capture_output=True, text=True, timeout=300, env={**os.environ, "MILLRACE_LIB_DIR": str(ROOT / "build" / "deps" / "lib"), "MILLRACE_SPARK": spark.url})
    assert done.returncode == 0 and "/spark" in done.stdout, done.stdout[-4000:]


def test_a_nasty_csv_is_judged_alike(spark, tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(NASTY)
    found = same_on_both(spark, "--contract", tmp_path / "c.odcs.yaml", "--data", write_csv(tmp_path / "nasty.csv", nasty_rows()))
    broken = {name for name, one in found["checks"].items() if not one["ok"]}
    assert {"id.type", "x.range", "s.pattern", "at.type", "t.type", "ger.type", "pair", "order"} <= broken, broken


def test_a_nasty_csv_is_judged_alike_row_by_row(tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(ROWS)
    data = write_csv(tmp_path / "nasty.csv", nasty_rows())
    found = same_row_by_row("--contract", tmp_path / "c.odcs.yaml", "--data", data)
    assert {"id.type", "x.range", "s.pattern", "at.type", "t.type", "ger.type", "order"} <= {name for name, one in found["checks"].items() if not one["ok"]}
    same_row_by_row("--contract", tmp_path / "c.odcs.yaml", "--data", data, stdin=data)
    (tmp_path / "nasty.csv.gz").write_bytes(gzip.compress(data.read_bytes()))
    same_row_by_row("--contract", tmp_path / "c.odcs.yaml", "--data", tmp_path / "nasty.csv.gz")


def test_rows_are_judged_as_they_come(tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(ROWS)
    data = write_csv(tmp_path / "nasty.csv", nasty_rows()).read_bytes()
    process = subprocess.Popen([BINARY, "check", "--json", "--engine", "row", "--contract", tmp_path / "c.odcs.yaml", "--data", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for at in range(0, len(data), 997):
        process.stdin.write(data[at:at + 997])
        process.stdin.flush()
    process.stdin.close()
    found = json.loads(process.stdout.read())
    assert process.wait(timeout=60) == 1 and found["rows"] == 400 and found["checks"]["id.type"]["rows"] > 0


def test_a_nasty_parquet_is_judged_alike_row_by_row(tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(nasty_parquet_contract())
    pq.write_table(nasty_table(), tmp_path / "rows.parquet", row_group_size=3)
    found = same_row_by_row("--contract", tmp_path / "c.odcs.yaml", "--data", tmp_path / "rows.parquet")
    assert found["checks"]["id.type"]["rows"] == 4
    with pa.OSFile(str(tmp_path / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, nasty_table().schema) as writer:
        writer.write_table(nasty_table())
    same_row_by_row("--contract", tmp_path / "c.odcs.yaml", "--data", tmp_path / "rows.arrow")


def test_a_damaged_parquet_is_named_and_never_crashes(tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(nasty_parquet_contract())
    pq.write_table(nasty_table(), tmp_path / "good.parquet", row_group_size=3)
    good = (tmp_path / "good.parquet").read_bytes()
    chance = random.Random(5)
    damaged = [good[:-8] + (len(good) + 1).to_bytes(4, "little") + good[-4:], good[:-8] + (2**31 - 1).to_bytes(4, "little") + good[-4:], good[:len(good) // 2]]
    for _ in range(25):
        bad = bytearray(good)
        for _ in range(3):
            bad[chance.randrange(4, len(bad) - 8)] = chance.randrange(256)
        damaged.append(bytes(bad))
    for number, bad in enumerate(damaged):
        (tmp_path / "bad.parquet").write_bytes(bad)
        for engine in ("row", "duckdb"):
            done = run("check", "--engine", engine, "--contract", tmp_path / "c.odcs.yaml", "--data", tmp_path / "bad.parquet")
            # A changed value is a value: it is judged, or its file is named.
            assert done.returncode in ((7,) if number < 3 else (0, 1, 7)), f"{engine} {number}: {done.returncode} {done.stderr}"
            assert done.returncode != 7 or "bad.parquet" in done.stderr, done.stderr


def test_what_does_not_run_row_by_row_is_said_with_the_way_out(tmp_path):
    data = write_csv(tmp_path / "d.csv", {name: values[:1] for name, values in nasty_rows().items()})
    (tmp_path / "c.odcs.yaml").write_text(NASTY)
    done = run("check", "--engine", "row", "--contract", tmp_path / "c.odcs.yaml", "--data", data)
    assert done.returncode == 2 and "the rule together (correlation) does not run on row" in done.stderr and "it runs on duckdb, spark" in done.stderr and "c.odcs.yaml:" in done.stderr, done.stderr
    (tmp_path / "c.odcs.yaml").write_text(ROWS)
    words = ["check", "--contract", tmp_path / "c.odcs.yaml"]
    done = run(*words, "--data", "-")
    assert done.returncode == 2 and "standard input ('-') is read row by row only" in done.stderr and "--engine row" in done.stderr, done.stderr
    done = run(*words, "--engine", "row", "--data", data, "--data", "-")
    assert done.returncode == 2 and "from standard input or from files" in done.stderr, done.stderr
    data.write_bytes(data.read_bytes() + b"1,2\n")
    done = run(*words, "--engine", "row", "--data", data)
    assert done.returncode == 7 and "the line has 2 fields, the header 11" in done.stderr and "d.csv:3" in done.stderr, done.stderr
    with open(data, "rb") as file:
        done = subprocess.run([BINARY, *map(str, words), "--engine", "row", "--data", "-"], stdin=file, capture_output=True, text=True, timeout=60)
    assert done.returncode == 7 and "the line has 2 fields, the header 11" in done.stderr and "standard input:3" in done.stderr, done.stderr
    done = run(*words, "--engine", "row", "--reference", data, "--data", data)
    assert done.returncode == 2 and "--reference runs on duckdb" in done.stderr, done.stderr


def nasty_parquet_contract():
    return NASTY.split("    quality:\n")[0].split("      - {name: day")[0] + "      - {name: day, logicalType: timestamp}\n      - {name: at, logicalType: timestamp}\n"


def nasty_table():
    numbers = [None, math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7e308, 2.5, 1e16]
    whole = [None, 2**63 - 1, -(2**63), 0, 3, 3, 4, 6, 9, 12]
    times = [None, dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), *[dt.datetime(2013, 1, 1)] * 6]
    return pa.table({"id": pa.array([2.0, 2.5, math.nan, None, 1e300, 2.0**63, -(2.0**63), 1.0, 2.0, 3.0]), "big": pa.array(whole), "x": pa.array(numbers),
                     "free": pa.array(numbers, pa.float32()), "s": pa.array([None, "", "é", "a b", "zwei\n", "sieben.", "x", "y", "z", "ß"]).cast(pa.binary()),
                     "kind": pa.array(["a", "B", "it's", None, "c\\d", "q", "a", "a", "a", "a"]).dictionary_encode(), "day": pa.array(times, pa.timestamp("us")),
                     "at": pa.array(times, pa.timestamp("us", "UTC"))})


def test_a_nasty_parquet_is_judged_alike(spark, tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(nasty_parquet_contract())
    pq.write_table(nasty_table(), tmp_path / "a [1]*{x} %20.parquet", row_group_size=3)
    same_on_both(spark, "--contract", tmp_path / "c.odcs.yaml", "--data", tmp_path / "a [1]*{x} %20.parquet")


@pytest.mark.parametrize("words, change", [
    (["--delimiter", ";", "--quote", "'"], lambda text: text.replace("'", "''").replace('"', "'").replace(",", ";")),
    (["--quote", "none", "--delimiter", "tab", "--header", "no"], lambda text: text.split("\n", 1)[1].replace('"', "").replace(",", "\t")),
])
def test_dialects_of_csv_are_read_alike(spark, tmp_path, words, change):
    (tmp_path / "c.odcs.yaml").write_text(NASTY)
    rows = {name: [value.replace("\n", " ").replace("\t", " ").replace('"', "") for value in values] for name, values in nasty_rows().items()}
    data = write_csv(tmp_path / "rows.csv", rows)
    data.write_text(change(data.read_text().replace('"' + "1,5" + '"', "1")))
    found = same_on_both(spark, "--contract", tmp_path / "c.odcs.yaml", "--data", data, *words)
    assert found["rows"] == 400


def test_a_packed_file_in_another_encoding_is_judged_alike(spark, tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(NASTY)
    rows = {name: [value if value.isascii() else "é" for value in values] for name, values in nasty_rows().items()}
    data = write_csv(tmp_path / "rows.csv", rows)
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(data.read_text().encode("latin1")))
    assert same_on_both(spark, "--contract", tmp_path / "c.odcs.yaml", "--data", tmp_path / "rows.csv.gz", "--encoding", "latin1")["rows"] == 400


def test_flights_with_their_references_are_judged_alike(spark, flights):
    batch = next(iter(sorted(flights.glob("**/flights/*.*")) or sorted(flights.glob("**/flights*.*"))))
    references = []
    for name in ("planes", "airports", "airlines"):
        file = next(iter(sorted(flights.glob(f"**/{name}*.*")) + sorted(flights.glob(f"**/{name}/*.*"))))
        references += ["--ref", f"{name}={file}"]
    found = same_on_both(spark, "--contract", CONTRACTS / "flights.odcs.yaml", "--data", batch, "--from", "2013-01-01", "--to", "2013-02-01", *references)
    assert found["rows"] > 20_000


def test_what_spark_cannot_do_is_said_with_the_way_out(spark, tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(NASTY.replace("x IS NULL OR free IS NULL OR x <= free * 2 + 1e0", "round(x) <= 3"))
    data = write_csv(tmp_path / "d.csv", {name: values[:1] for name, values in nasty_rows().items()})
    done = run("check", "--engine", "spark", "--spark", spark.url, "--contract", tmp_path / "c.odcs.yaml", "--data", data)
    assert done.returncode == 2 and "the function 'round'" in done.stderr and "the rule order" in done.stderr and "duckdb" in done.stderr, done.stderr

    (tmp_path / "c.odcs.yaml").write_text(NASTY)
    data.write_bytes(data.read_bytes() + b"1,2\n")
    done = run("check", "--engine", "spark", "--spark", spark.url, "--contract", tmp_path / "c.odcs.yaml", "--data", data)
    assert done.returncode == 7 and "the line has 2 fields, the header 11" in done.stderr and "d.csv:3" in done.stderr, done.stderr
    data.write_bytes(data.read_bytes().replace(b"1,2\n", b"\xff\n"))
    done = run("check", "--engine", "spark", "--spark", spark.url, "--contract", tmp_path / "c.odcs.yaml", "--data", data)
    assert done.returncode == 7 and "not UTF-8" in done.stderr and "d.csv:3" in done.stderr, done.stderr
    (tmp_path / "d.jsonl").write_text('{"id": 1}\n')
    done = run("check", "--engine", "spark", "--spark", spark.url, "--contract", tmp_path / "c.odcs.yaml", "--data", tmp_path / "d.jsonl")
    assert done.returncode == 7 and "d.jsonl: JSON lines are not read on Spark" in done.stderr and "--engine duckdb" in done.stderr, done.stderr
    done = run("check", "--engine", "spark", "--spark", spark.url, "--reference", data, "--data", data)
    assert done.returncode == 2 and "--reference runs on duckdb" in done.stderr, done.stderr
    (tmp_path / "sql.yaml").write_text(NASTY + "      - {id: own, type: sql, query: SELECT count(*) FROM nasty, mustBe: 0}\n")
    done = run("check", "--engine", "spark", "--spark", spark.url, "--contract", tmp_path / "sql.yaml", "--data", tmp_path / "d.jsonl")
    assert done.returncode == 2 and "the rule own (sql) does not run on spark" in done.stderr and "sql.yaml:" in done.stderr, done.stderr


def test_a_server_that_is_not_there_is_named_unavailable(tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(NASTY)
    data = write_csv(tmp_path / "d.csv", {name: values[:1] for name, values in nasty_rows().items()})
    words = ["check", "--engine", "spark", "--contract", tmp_path / "c.odcs.yaml", "--data", data]
    done = run(*words, "--spark", f"sc://127.0.0.1:{free_port()}", timeout=60)
    assert done.returncode == 6 and "connection refused" in done.stderr and "sc://host:port" in done.stderr, done.stderr
    done = run(*words, "--spark", "http://somewhere")
    assert done.returncode == 2 and "sc://host:port" in done.stderr, done.stderr
    done = run(*words, env={"MILLRACE_SPARK": ""})
    assert done.returncode == 2 and "MILLRACE_SPARK" in done.stderr, done.stderr
