"""The flights example as tests see it: batches, the rows that the contracts' row rules accept, and the stages' SQL.

The row rules are read from the contracts, so that a test's tables are those on which the stages run. Rules about whole
batches are the product's and are not repeated here.
"""
import pathlib
import subprocess
import sys

import duckdb
import yaml

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "flights"
DATASETS = ("flights", "weather", "planes", "airports", "airlines")
TRAINING = {"first_day": "2013-01-01", "landed_only": True, "horizon": "2013-07-01"}
REQUESTS = {"first_day": "2013-07-01", "landed_only": False, "horizon": "2013-07-01"}


def prepare(out, through="2013-07-01"):
    subprocess.run([sys.executable, EXAMPLE / "prepare.py", "--out", out, "--through", through], check=True,
                   stdout=subprocess.DEVNULL)
    return pathlib.Path(out)


def sql(name):
    return (EXAMPLE / "sql" / name).read_text()


def contract(name):
    return yaml.safe_load((EXAMPLE / "contracts" / f"{name}.odcs.yaml").read_text())["schema"][0]


def property_rules(prop):
    """(rule, SQL that is true for a row to set aside) for one property."""
    name, options = prop["name"], prop.get("logicalTypeOptions", {})
    if prop.get("required"):
        yield f"{name} required", f'"{name}" IS NULL'
    if "minimum" in options:
        yield f"{name} minimum", f'"{name}" < {options["minimum"]}'
    if "maximum" in options:
        yield f"{name} maximum", f'"{name}" > {options["maximum"]}'
    if "pattern" in options:
        yield f"{name} pattern", f"""NOT regexp_matches("{name}", '{options["pattern"]}')"""


def row_rules(schema):
    for prop in schema["properties"]:
        yield from property_rules(prop)
    for rule in schema.get("quality", []):
        made = rule.get("implementation", {})
        if made.get("metric") == "expression":
            yield rule["name"], f"NOT ({made['expression']})"


def columns(schema):
    return {p["name"]: p["physicalType"] for p in schema["properties"]}


def load(connection, data, name, pattern):
    """Table `raw_<name>` of the batches, and view `<name>` of the rows that every row rule accepts."""
    schema = contract(name)
    connection.execute(f"CREATE TABLE raw_{name} AS SELECT * FROM read_csv(?, header = true, columns = {columns(schema)!r})",
                       [str(data / name / pattern)])
    broken = " OR ".join(f"coalesce({test}, false)" for _, test in row_rules(schema))
    connection.execute(f"CREATE VIEW {name} AS SELECT * FROM raw_{name} WHERE NOT ({broken})")


def open_tables(data, months="2013-0[1-6]"):
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    connection.execute("SET TimeZone = 'UTC'")
    for name in DATASETS:
        load(connection, data, name, f"{name}-{months}.csv" if name in ("flights", "weather") else f"{name}.csv")
    return connection


def quarantined(connection, name):
    """{rule: rows}; a row that breaks two rules counts under both."""
    found = {}
    for rule, test in row_rules(contract(name)):
        count = connection.execute(f"SELECT count(*) FROM raw_{name} WHERE coalesce({test}, false)").fetchone()[0]
        if count:
            found[rule] = count
    return found
