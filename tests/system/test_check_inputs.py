"""Every form in which data comes gives the findings of the Parquet file with the same rows, count by count; what is damaged is named, with the
file and the byte, line or row group, and never counts as a shorter batch."""
import bz2
import csv
import datetime
import gzip
import io
import json
import os
import threading

import pyarrow
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from postgres import Cluster
from s3 import s3  # noqa: F401  (a fixture)
from server import run
from shop import Shop, visits

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: visits
version: 1.0.0
status: active
schema:
  - name: visits
    properties:
      - {name: id, logicalType: integer, required: true, unique: true, logicalTypeOptions: {minimum: 1}}
      - {name: shop, logicalType: string, logicalTypeOptions: {pattern: '^[A-Z]', maxLength: 40}}
      - {name: note, logicalType: string}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 100}}
      - {name: paid, logicalType: boolean, required: true}
      - {name: day, logicalType: date, required: true}
      - {name: at, logicalType: timestamp}
      - {name: card, logicalType: string, classification: restricted, logicalTypeOptions: {pattern: '^[0-9]+$'}}
    quality:
      - {metric: rowCount, mustBeBetween: [100, 10000]}
      - {type: custom, engine: millrace, implementation: {metric: expression, expression: "amount < 90 OR paid", between: [0, 0]}}
"""
NOTES = ["plain", None, "with, comma", 'with "quotes"', "two\nlines", "semi;colon", "tab\there", "naïve café", "a|b", "it's"]


def rows(count=700):
    start = datetime.datetime(2024, 1, 1)
    return [{"id": i if i % 97 else 1,
             "shop": None if i % 50 == 0 else "lower" if i % 61 == 0 else "München" if i % 7 == 0 else "Nord",
             "note": NOTES[i % len(NOTES)],
             "amount": None if i % 41 == 0 else 150.25 if i % 83 == 0 else i % 100 + 0.5,
             "paid": None if i % 101 == 0 else i % 3 == 0,
             "day": (start + datetime.timedelta(days=i % 30)).date(),
             "at": start + datetime.timedelta(minutes=i, microseconds=i),
             "card": "4x-secret" if i % 200 == 1 else str(4000 + i)} for i in range(1, count + 1)]


SCHEMA = pyarrow.schema([("id", pyarrow.int64()), ("shop", pyarrow.string()), ("note", pyarrow.string()), ("amount", pyarrow.float64()),
                         ("paid", pyarrow.bool_()), ("day", pyarrow.date32()), ("at", pyarrow.timestamp("us")), ("card", pyarrow.string())])
TABLE = pyarrow.Table.from_pylist(rows(), SCHEMA)


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else str(value)


def as_csv(encoding="utf-8", header=True, **dialect):
    out = io.StringIO(newline="")
    writer = csv.writer(out, **{"lineterminator": "\n", **dialect})
    if header:
        writer.writerow(TABLE.column_names)
    writer.writerows([as_text(value) for value in row.values()] for row in TABLE.to_pylist())
    return out.getvalue().encode(encoding)


def as_lines():
    return "".join(json.dumps({key: value if isinstance(value, (int, float, str, type(None))) else as_text(value) for key, value in row.items()}) + "\n"
                   for row in TABLE.to_pylist()).encode()


def as_arrow(stream=False, **options):
    sink = pyarrow.BufferOutputStream()
    make = pyarrow.ipc.new_stream if stream else pyarrow.ipc.new_file
    with make(sink, SCHEMA, options=pyarrow.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(TABLE, max_chunksize=100)
    return sink.getvalue().to_pybytes()


def as_parquet(**options):
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(TABLE, sink, **options)
    return sink.getvalue().to_pybytes()


def packed(codec, bytes_):
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, codec) as out:
        out.write(bytes_)
    return sink.getvalue().to_pybytes()


class Place:
    def __init__(self, folder):
        self.folder = folder
        self.contract = folder / "visits.odcs.yaml"
        self.contract.write_text(CONTRACT)
        self.scratch = folder / "scratch"
        self.scratch.mkdir()

    def file(self, name, bytes_):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes_)
        return path

    def check(self, data, *words, status=1, env=None):
        done = run("check", "--contract", self.contract, "--data", data, "--json", *words, cwd=self.folder, env={"TMPDIR": str(self.scratch), **(env or {})})
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
        assert not list(self.scratch.iterdir()), "copies are left behind"
        return json.loads(done.stdout)


def without_names(findings):
    """The findings without what the files are called, to be compared with those of other files. Examples show values as they came: text in CSV."""
    for alert in findings["alerts"]:
        for example in alert["examples"]:
            example.pop("file")
            example["values"] = {name: str(value).lower().removesuffix("z") for name, value in example["values"].items()}
    return findings


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def expected(place):
    found = without_names(place.check(place.file("visits.parquet", as_parquet())))
    assert found["rows"] == 700 and found["checks"]["amount.range"]["rows"] == 8 and found["checks"]["shop.pattern"]["value"] > 0
    assert any(alert["column"] == "card" and alert["examples"][0]["values"]["card"] == "(masked)" for alert in found["alerts"])
    return found


FORMS = {
    "comma.csv": (as_csv(), []),
    "crlf.csv": (as_csv(lineterminator="\r\n"), []),
    "bom.csv": (b"\xef\xbb\xbf" + as_csv(), []),
    "semicolon.csv": (as_csv(delimiter=";"), []),
    "tab.tsv": (as_csv(delimiter="\t"), []),
    "pipe.csv": (as_csv(delimiter="|"), []),
    "quoted.csv": (as_csv(quoting=csv.QUOTE_ALL), []),
    "single.csv": (as_csv(quotechar="'", quoting=csv.QUOTE_ALL), []),
    "backslash.csv": (as_csv(doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL), []),
    "odd.csv": (as_csv(delimiter="~"), ["--delimiter", "~"]),
    "no-header.csv": (as_csv(header=False), ["--header", "no"]),
    "latin1.csv": (as_csv("latin-1"), ["--encoding", "latin1"]),
    "utf16.csv": (as_csv("utf-16"), []),
    "utf16le.csv": (as_csv("utf-16-le"), ["--encoding", "utf-16le"]),
    "packed.csv.gz": (gzip.compress(as_csv()), []),
    "members.csv.gz": (gzip.compress(as_csv()[:5000]) + gzip.compress(as_csv()[5000:]), []),
    "packed.csv.bz2": (bz2.compress(as_csv()), []),
    "packed.csv.zst": (packed("zstd", as_csv()), []),
    "packed.csv.lz4": (packed("lz4", as_csv()), []),
    "latin1.csv.gz": (gzip.compress(as_csv("latin-1")), ["--encoding", "iso-8859-1"]),
    "rows.jsonl": (as_lines(), []),
    "crlf.ndjson": (as_lines().replace(b"\n", b"\r\n"), []),
    "rows.jsonl.gz": (gzip.compress(as_lines()), []),
    "by-its-bytes": (as_lines(), []),
    "file.arrow": (as_arrow(), []),
    "file.feather": (as_arrow(compression="lz4"), []),
    "stream.arrows": (as_arrow(stream=True, compression="zstd"), []),
    "stream.arrow.gz": (gzip.compress(as_arrow(stream=True)), []),
    "zstd.parquet": (as_parquet(compression="zstd", row_group_size=100), []),
    "no-ending": (as_parquet(), []),
    "packed.parquet.gz": (gzip.compress(as_parquet()), []),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_gives_the_findings_of_parquet(place, expected, name):
    bytes_, words = FORMS[name]
    assert without_names(place.check(place.file(name, bytes_), *words)) == expected


def test_folders_and_patterns_are_all_their_files(place, expected):
    for i in range(7):
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(TABLE.slice(i * 100, 100), sink)
        place.file(f"many/part={i % 2}/rows-{i}.parquet", sink.getvalue().to_pybytes())
    place.file("many/_SUCCESS", b"")
    place.file("many/.hidden.csv", b"x")
    for data in ("many", "many/**/*.parquet", "many/part=?/rows-[0-9].parquet"):
        found = place.check(data)
        assert found["rows"] == 700 and found["checks"] == expected["checks"], data
    assert place.check("many/part=0/*")["rows"] == 400
    assert place.check("many/none-*.parquet", status=3)["detail"].startswith("no file matches")
    place.file("many/README.md", b"hello")
    assert "README.md" in place.check("many", status=2)["detail"]
    (place.folder / "empty").mkdir(exist_ok=True)
    assert "holds no data" in place.check("empty", status=3)["detail"]


def test_the_contracts_server_says_the_dialect(place, expected):
    place.file("tilde.csv", as_csv("cp1252", delimiter="~"))
    contract = place.folder / "served.odcs.yaml"
    contract.write_text(CONTRACT + "servers:\n  - {server: files, type: local, path: x, format: csv, "
                        "customProperties: [{property: delimiter, value: '~'}, {property: encoding, value: windows-1252}]}\n")
    done = run("check", "--contract", contract, "--data", place.folder / "tilde.csv", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["checks"] == expected["checks"]
    done = run("check", "--contract", contract, "--data", place.folder / "tilde.csv", "--server", "other")
    assert done.returncode == 3 and "it has files" in done.stderr


def middle(bytes_, size=24, fill=b"\xff"):
    at = len(bytes_) // 2
    return bytes_[:at] + fill * size + bytes_[at + size:]


def not_utf8():
    sink = pyarrow.BufferOutputStream()
    column = pyarrow.array([None if note is None else note.encode() + b"hush\xff" for note in TABLE["note"].to_pylist()], pyarrow.binary())
    pyarrow.parquet.write_table(TABLE.set_column(2, "note", column), sink)
    return sink.getvalue().to_pybytes()


GROUPS = as_parquet(compression="zstd", row_group_size=100, use_dictionary=False)
DAMAGES = {
    "cut.csv.gz": (gzip.compress(as_csv())[:-300], ["gzip file ends too early"]),
    "no-trailer.csv.gz": (gzip.compress(as_csv())[:-8], ["gzip file ends too early"]),
    "wrong-sum.csv.gz": (gzip.compress(as_csv())[:-8] + b"\0" * 8, ["gzip file is damaged"]),
    "bad.csv.gz": (middle(gzip.compress(as_csv())), ["gzip file"]),
    "cut.csv.bz2": (bz2.compress(as_csv())[:-30], ["bzip2 file ends too early"]),
    "cut.csv.zst": (packed("zstd", as_csv())[:-30], ["zstd file ends too early"]),
    "cut.jsonl.gz": (gzip.compress(as_lines())[:-300], ["gzip file ends too early"]),
    "rows.csv.xz": (b"\xfd7zXZ\0" + b"x" * 100, ["xz", "gzip, bzip2, zstd or lz4"]),
    "book.xlsx": (b"PK\x03\x04" + b"x" * 100, ["zip archive"]),
    "rows.orc": (b"ORC" + b"x" * 100, ["ORC"]),
    "latin1.csv": (as_csv("latin-1"), ["latin1.csv:9", "is not UTF-8: byte 469 is 0xfc", "--encoding"]),
    "zero.csv": (as_csv()[:900] + b"\0" + as_csv()[900:], ["zero.csv:", "zero byte", "byte 901"]),
    "half.csv": (as_csv("utf-16")[:-1], ["utf-16"]),
    "ragged.csv": (as_csv() + b"1,2,hush\n", ["ragged.csv:", "3 fields, the header 8"]),
    "open.csv": (as_csv() + b'701,"hush', ["open.csv:"]),
    "mixed-ends.csv": (b"id,shop\r\n1,a\n2,b\r\n", ["end"]),
    "twice.csv": (b"id,shop,ID\n1,a,2\n", ["twice.csv:1", "two columns are named 'ID'"]),
    "empty.csv": (b"", ["is empty"]),
    "empty.csv.gz": (gzip.compress(b""), ["is empty"]),
    "blank.csv": (b"\n\n  \n", ["is empty"]),
    "broken.jsonl": (as_lines() + b'{"id": 1, "shop"\n', ["broken.jsonl:701", "no JSON"]),
    "twice.jsonl": (b'{"id": 1, "id": 2}\n', ["twice.jsonl:1", "'id' stands twice"]),
    "array.json": (b'[{"id": 1}]', ["array.json:1", "array"]),
    "cut.arrow": (as_arrow()[:-10], ["cut.arrow", "its footer"]),
    "cut.arrows": (as_arrow(stream=True)[:-8], ["cut.arrows", "end mark is missing"]),
    "bad.arrow": (middle(as_arrow(), 400), ["bad.arrow", "record batch"]),
    "named.arrow": (as_csv(), ["named Arrow"]),
    "cut.parquet": (GROUPS[:-100], ["cut off or damaged"]),
    "footer.parquet": (GROUPS[:-60] + b"\xff" * 40 + GROUPS[-20:], ["footer.parquet"]),
    "page.parquet": (GROUPS[:4] + middle(GROUPS[4:-3000], 2000) + GROUPS[-3000:], ["page.parquet", "row group"]),
    "named.parquet": (as_csv(), ["does not begin with PAR1"]),
    "bytes.parquet": (not_utf8(), ["bytes.parquet", "not valid UTF8"]),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named_and_never_a_shorter_batch(place, name):
    bytes_, said = DAMAGES[name]
    problem = place.check(place.file(f"damaged/{name}", bytes_), status=7)
    where = problem["where"]
    text = f"{where['file']}:{where['line']}: {json.dumps(problem, ensure_ascii=False)}"
    assert problem["code"] == "corrupt" and name in text
    assert "hush" not in text, "a line of a file with masked columns is shown"
    for words in said:
        assert words in text, text


def test_a_damaged_file_among_good_ones_is_the_one_that_is_named(place):
    place.file("among/a.parquet", as_parquet())
    place.file("among/b.parquet", DAMAGES["page.parquet"][0])
    problem = place.check("among/*.parquet", status=7)
    assert "b.parquet" in json.dumps(problem) and "a.parquet" not in json.dumps(problem)


def test_values_of_a_wrong_kind_are_findings(place):
    lines = [{"id": 1, "amount": 1}, {"id": "2", "amount": "1.5"}, {"id": 3.0, "amount": {"x": 1}}, {"id": True}, {}, {"id": 2.5, "amount": 2 ** 60}]
    full = {"shop": "N", "note": "x", "paid": True, "day": "2024-01-01", "at": None, "card": "1"}
    found = place.check(place.file("mixed.jsonl", "".join(json.dumps({**full, **line}) + "\n" for line in lines).encode()))
    assert found["rows"] == 6
    assert found["checks"]["id.type"]["rows"] == 3 and found["checks"]["amount.type"]["rows"] == 2, found["checks"]
    assert found["checks"]["id.required"]["rows"] == 1
    wrong = next(alert for alert in found["alerts"] if alert["rule"] == "id.type")
    assert [(example["row"], example["values"]["id"]) for example in wrong["examples"]] == [(2, '"2"'), (4, "true"), (6, "2.5")]


def test_a_column_of_nothing_fits_every_type(place):
    table = TABLE.slice(0, 300)
    for name in ("note", "amount", "at"):
        table = table.set_column(table.column_names.index(name), name, pyarrow.nulls(300))
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    found = place.check(place.file("nothing.parquet", sink.getvalue().to_pybytes()))
    assert found["checks"]["schema.type"]["ok"] and found["profile"]["columns"]["amount"]["nulls"] == 300, found["checks"]["schema.type"]


def test_a_file_that_changes_while_it_is_read_is_refused(place):
    path = place.file("growing.csv", as_csv())
    end = threading.Event()

    def grow():
        while not end.is_set():
            os.utime(path)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        problem = place.check(path, status=5)
    finally:
        end.set()
        writer.join()
    assert "changed while it was read" in problem["detail"]


def test_words_that_cannot_be_are_refused(place):
    path = place.file("words.csv", as_csv())
    for words, said in [(["--format", "parqet"], "did you mean 'parquet'"), (["--delimiter", ",,"], "one character"), (["--encoding", "klingon"], "klingon"),
                        (["--header", "maybe"], "'yes' or 'no'"), (["--quote", "ab"], "one character")]:
        problem = place.check(path, *words, status=7 if said == "klingon" else 2)
        assert said in json.dumps(problem), problem
    assert "holds parquet, not csv" in json.dumps(place.check(place.file("words.parquet", as_parquet()), "--format", "csv", status=7))
    assert place.check(place.folder / "nowhere.csv", status=3)["code"] == "not_found"
    assert "not an address" in place.check("https://example.org/x.csv", status=2)["detail"]


def test_objects_of_a_bucket(place, expected, s3):  # noqa: F811
    env = s3.environment
    for i in range(7):
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(TABLE.slice(i * 100, 100), sink)
        at = s3.path(f"visits/part-{i}.parquet")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(sink.getvalue().to_pybytes())
    s3.path("visits/other.csv").write_bytes(as_csv())
    question = s3.uri().split("?")[1]
    found = place.check(f"s3://models/visits/part-*.parquet?{question}", env=env)
    assert found["rows"] == 700 and found["checks"] == expected["checks"]
    assert found["alerts"][0]["examples"][0]["file"].startswith("s3://models/visits/part-")
    assert place.check(f"s3://models/visits/other.csv?{question}", env=env)["checks"] == expected["checks"]
    assert place.check(f"s3://models/visits/?{question}", env=env)["rows"] == 1400
    assert place.check(f"s3://models/visits/none*.parquet?{question}", status=3, env=env)["code"] == "not_found"
    assert place.check(f"s3://models/visits/none.parquet?{question}", status=3, env=env)["code"] == "not_found"
    assert place.check(f"s3://models/visits/other.csv?{question}", status=4, env={**env, "AWS_SECRET_ACCESS_KEY": "wrong"})["code"] == "denied"
    s3.path("visits/cut.csv.gz").write_bytes(gzip.compress(as_csv())[:-300])
    assert "ends too early" in place.check(f"s3://models/visits/cut.csv.gz?{question}", status=7, env=env)["detail"]


@pytest.fixture(scope="module")
def database():
    cluster = Cluster()
    cluster.sql('CREATE SCHEMA raw; CREATE TABLE raw."Visits" (id bigint, shop varchar(40), note text, amount double precision, paid boolean, '
                "day date, at timestamp, card text)")
    values = ["(" + ",".join("NULL" if v is None else str(v).upper() if isinstance(v, bool) else str(v) if isinstance(v, (int, float))
                             else "'" + str(v).replace("'", "''") + "'" for v in row.values()) + ")" for row in TABLE.to_pylist()]
    cluster.sql('INSERT INTO raw."Visits" VALUES ' + ",".join(values))
    yield cluster
    cluster.remove()


def test_a_table_of_postgresql(place, expected, database):
    url = database.url() + "&table=raw.%22Visits%22"
    found = place.check(url)
    assert found["rows"] == 700 and found["checks"] == expected["checks"] and found["profile"] == expected["profile"]
    file = found["alerts"][0]["examples"][0]["file"]
    assert file.endswith('?table=raw."Visits"') and "user=" not in file
    assert place.check(database.url() + "&table=raw.visits", status=3)["code"] == "not_found"
    assert "names no table" in place.check(database.url(), status=2)["detail"]
    assert place.check(database.url("nowhere") + "&table=x", status=6)["code"] == "unavailable"
    database.sql("CREATE ROLE reader LOGIN")
    assert place.check(database.url().replace("user=postgres", "user=reader") + "&table=raw.%22Visits%22", status=4)["code"] == "denied"


def test_types_of_postgresql_that_hold_no_such_value_are_a_schema_finding(place, database):
    database.sql("CREATE VIEW narrow AS SELECT shop AS id, id AS shop, note, amount::numeric(10, 2) AS amount, paid, day, "
                 "at AT TIME ZONE 'UTC' AS at, '' AS card FROM raw.\"Visits\"")
    found = place.check(database.url() + "&table=narrow")
    assert found["verdict"] == "rejected" and "'shop' has the type BIGINT" in found["reason"]


def test_several_objects_in_one_run(place):
    contract = place.folder / "two.odcs.yaml"
    contract.write_text("""\
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
status: active
schema:
  - name: visits
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: shop, logicalType: string, relationships: [{type: foreignKey, to: shops.code}]}
  - name: shops
    properties:
      - {name: code, logicalType: string, required: true, unique: true}
""")
    place.file("two/visits-1.csv", b"id,shop\n1,A\n2,B\n")
    place.file("two/visits-2.csv", b"id,shop\n3,C\n")
    place.file("two/shops.jsonl", b'{"code": "A"}\n{"code": "B"}\n')

    def check(*words):
        return run("check", "--contract", contract, *words, "--json", cwd=place.folder)

    done = check("--data", "visits=two/visits-*.csv", "--data", "shops=two/shops.jsonl")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and found["rows"] == 5 and set(found["objects"]) == {"visits", "shops"}
    assert found["checks"]["visits.shop.fk"]["rows"] == 1 and found["checks"]["shops.code.unique"]["ok"]
    assert [alert["object"] for alert in found["alerts"]] == ["visits"]
    done = check("--data", "visits=two/visits-1.csv", "--data", "shops=two/shops.jsonl")
    assert done.returncode == 0 and json.loads(done.stdout)["checks"]["visits.shop.fk"]["ok"]
    assert json.loads(check("--data", "visits=two/visits-1.csv").stdout)["checks"]["shop.fk"]["skipped"]
    done = check("--data", "two/visits-1.csv")
    assert done.returncode == 2 and "--data NAME=FILE" in done.stdout


def test_versions_are_made_of_every_form(tmp_path, database, s3):  # noqa: F811
    """`data add` takes the same places; the version keeps what came, and equal rows are equal content."""
    shop = Shop(tmp_path)
    table = pyarrow.csv.read_csv(io.BytesIO(visits().encode()))
    lines = "".join(json.dumps(row, default=str) + "\n" for row in table.to_pylist())
    halves = shop.folder / "halves"
    halves.mkdir()
    (halves / "a.csv.gz").write_bytes(gzip.compress(visits(100).encode()))
    pyarrow.feather.write_feather(table.slice(100), halves / "b.arrow")
    shop.write("visits.jsonl", lines)
    database.sql("CREATE TABLE visits (visit int, shop text, at timestamp, minutes int)")
    database.sql("INSERT INTO visits VALUES " + ",".join(str(tuple(str(v) for v in row.values())) for row in table.to_pylist()))
    s3.path("made.csv").write_bytes(visits().encode("utf-16"))
    question = s3.uri().split("?")[1]
    env = {**os.environ, **s3.environment}
    digests = {}
    for day, place in enumerate(["visits.csv", "halves", "visits.jsonl", database.url() + "&table=visits", f"s3://models/made.csv?{question}"], start=1):
        done = shop.run("data", "add", "visits", place, "--from", f"2025-01-{day:02d}", "--to", f"2025-01-{day + 1:02d}", "--json", env=env)
        added = json.loads(done.stdout)
        assert done.returncode == 0 and (added["verdict"], added["rows"]) == ("accepted", 200), done.stdout + done.stderr
        digests[place] = added["digest"]
    assert len(set(digests.values())) == 1, digests
    assert not list((shop.state / "tmp").iterdir())
    cut = shop.write("cut.csv.gz", gzip.compress(visits().encode())[:-20])
    done = shop.run("data", "add", "visits", cut, "--from", "2025-02-01", "--to", "2025-02-02")
    assert done.returncode == 7 and "ends too early" in done.stderr and "cut.csv.gz" in done.stderr, done.stderr
    assert len(shop.good("data", "list")["items"]) == 5 and not list((shop.state / "tmp").iterdir())
