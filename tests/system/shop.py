"""A small whole project for tests: two sources, three stages, a model that is served, a deployment."""
import json
import pathlib
import shutil

from server import ROOT, run

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: visits
version: 1.0.0
status: active
customProperties:
  - {property: onFail, value: quarantine}
schema:
  - name: visits
    logicalType: object
    properties:
      - {name: visit, logicalType: integer, required: true, unique: true, logicalTypeOptions: {minimum: 1}}
      - {name: shop, logicalType: string, required: true, logicalTypeOptions: {pattern: '^[A-Z]{2}$'}}
      - {name: at, logicalType: timestamp, required: true}
      - {name: minutes, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 1439}}
"""
SHOPS = """\
apiVersion: v3.1.0
kind: DataContract
id: shops
version: 1.0.0
status: active
schema:
  - name: shops
    logicalType: object
    properties:
      - {name: shop, logicalType: string, required: true, unique: true}
      - {name: town, logicalType: string}
"""
PROJECT = """\
millrace: 1
project: shop
sources:
  visits: {contract: visits.odcs.yaml, kind: append, event_time: at, path: visits.csv}
  shops: {contract: shops.odcs.yaml, kind: snapshot, path: shops.csv}
pipeline:
  environment: {threads: 1}
  stages:
    table:
      sql: table.sql
      deps: [{dataset: visits}]
      outs: [table.parquet]
    train:
      cmd: cp columns.onnx model.onnx
      deps: [columns.onnx]
      outs: [model.onnx]
    scores:
      cmd: cp table/table.parquet scored.parquet
      deps: [{stage: table}, {stage: train}]
      outs: [scored.parquet]
models:
  long:
    stage: train
    file: model.onnx
    contract: columns.odcs.yaml
    label: long
    scored: {stage: scores, file: scored.parquet}
    gates: [{auc: {min: 0.6}}]
    card: {intended_use: to be tried, limitations: made up, ethical: none, owner: ada}
deployments:
  long: {model: long, unit: shop}
"""
TABLE = "SELECT CAST(minutes AS DOUBLE) / 1440 AS score, CASE WHEN minutes > 60 THEN 1 ELSE 0 END AS long, visit FROM visits ORDER BY visit\n"


def visits(count=200, first=1, day=1):
    rows = ["visit,shop,at,minutes"]
    rows += [f"{first + i},{'AB' if i % 2 else 'CD'},2024-01-{day:02d} {i % 24:02d}:00:00,{i % 120}" for i in range(count)]
    return "\n".join(rows) + "\n"


class Shop:
    """The project's folder and its state folder; commands run as a user would."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "shop"
        self.state = pathlib.Path(folder) / "state"
        self.folder.mkdir()
        for name, text in {"millrace.yaml": PROJECT, "visits.odcs.yaml": CONTRACT, "shops.odcs.yaml": SHOPS, "table.sql": TABLE,
                           "visits.csv": visits(), "shops.csv": "shop,town\nAB,Aba\nCD,Cuda\n"}.items():
            self.write(name, text)
        for name in ("columns.onnx", "columns.odcs.yaml"):
            shutil.copy(ROOT / "src/serve/testdata" / name, self.folder / name)

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def change(self, name, old, new):
        text = (self.folder / name).read_text()
        assert old in text, f"{name} does not hold {old!r}"
        self.write(name, text.replace(old, new, 1))

    def run(self, *words, **options):
        return run(*words, project=self.folder, state=self.state, cwd=self.folder, **options)

    def good(self, *words):
        """A command that must work; its JSON answer."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def add_visits(self):
        return self.good("data", "add", "visits", self.folder / "visits.csv", "--from", "2024-01-01", "--to", "2024-01-02")

    def release(self):
        """The whole way from data to a live deployment."""
        self.add_visits()
        self.good("run")
        self.good("model", "register", "long")
        self.good("model", "gates", "long", "1")
        self.good("model", "approve", "long", "1", "--why", "it holds")
        self.good("release", "create", "long", "--version", "1", "--why", "first")

    def second(self):
        """Version 2: another model for the same requests (twice the minutes), approved, on no traffic."""
        shutil.copy(ROOT / "src/serve/testdata/columns_later.onnx", self.folder / "columns.onnx")
        self.good("run")
        assert self.good("model", "register", "long")["version"] == 2
        self.good("model", "gates", "long", "2")
        self.good("model", "approve", "long", "2", "--why", "it holds too")

    def events(self):
        """Every line of the audit chain."""
        lines, after = [], 0
        while True:
            page = self.good("audit", "list", "--after", after)["items"]
            if not page:
                return lines
            lines += page
            after = page[-1]["sequence"]


REQUEST = {"inputs": [{"name": "carrier", "datatype": "BYTES", "shape": [1, 1], "data": ["AA"]},
                      {"name": "minutes", "datatype": "INT64", "shape": [1, 1], "data": [600]},
                      {"name": "distance", "datatype": "FP32", "shape": [1, 1], "data": [100.5]}]}
