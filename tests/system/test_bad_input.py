"""Bad input through the real program: what is said (value, place, way out), the exit status, and that nothing is left behind."""
import json
import os

import pyarrow
import pyarrow.parquet
import pytest

from server import ROOT, run
from shop import CONTRACT, Shop, visits

MODELS = ROOT / "src/serve/testdata"
PERIOD = ("--from", "2024-01-01", "--to", "2024-01-02")


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A project with one batch, for commands that change nothing."""
    shop = Shop(tmp_path_factory.mktemp("kept"))
    shop.add_visits()
    return shop


def refused(words, status, *said, **options):
    """The command fails with this status and says all of `said`, in words and as one JSON document."""
    done = run(*words, **options)
    assert done.returncode == status, f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}"
    for text in said:
        assert text in done.stderr, f"{text!r} is not in {done.stderr!r}"
    assert done.stderr.count("\nmillrace: ") + done.stderr.startswith("millrace: ") == 1, done.stderr
    again = run(*words, "--json", **options)
    assert again.returncode == status
    problem = json.loads(again.stdout)
    assert problem["code"] and problem["detail"] and problem["detail"].split("\n")[0] in done.stderr
    assert "terminate" not in done.stderr + again.stderr
    return problem


def leaves_nothing(shop, lines=0, versions=()):
    """No half-written file, no dataset version and no audit line more than expected."""
    assert not list((shop.state / "tmp").iterdir()) and not list((shop.state / "work").iterdir())
    assert not [f for f in (shop.state / "blobs").rglob("*") if f.is_file() and len(f.name) != 64], "a blob that was never finished"
    assert [v["node"] for v in shop.good("data", "list")["items"]] == list(versions)
    verdict = shop.good("audit", "verify")
    assert verdict["intact"] and verdict["lines"] == lines


def refused_in(shop, words, status, *said, **options):
    return refused(words, status, *said, project=shop.folder, state=shop.state, cwd=shop.folder, **options)


# --- the project file

@pytest.mark.parametrize("old, new, status, said", [
    ("sources:", "sources: [", 2, ["millrace.yaml:5:3", "not valid YAML"]),
    ("  stages:", "\tstages:", 2, ["millrace.yaml:8", "not valid YAML"]),
    ("sources:", "sorces:", 2, ["millrace.yaml:4", "unknown key 'sorces'", "did you mean 'sources'"]),
    ("kind: append", "kin: append", 2, ["sources.visits.kin", "did you mean 'kind'"]),
    ("cmd: cp", "cmdd: cp", 2, ["pipeline.stages.train.cmdd", "did you mean 'cmd'"]),
    ("project: shop", "project: shop\nproject: two", 2, ["millrace.yaml:3:1", "'project' stands twice"]),
    ("project: shop", "project: ../shop", 2, ["'../shop' is not a name"]),
    ("outs: [scored.parquet]", "outs: [../scored.parquet]", 2, ["outs[0]", "'../scored.parquet'", "relative path"]),
    ("outs: [scored.parquet]", "outs: [/etc/scored.parquet]", 2, ["outs[0]", "is absolute"]),
    ("deps: [columns.onnx]", "deps: [../columns.onnx]", 2, ["deps[0]", "'..' part"]),
    ("deps: [columns.onnx]", "deps: [colums.onnx]", 3, ["deps[0]", "'colums.onnx' does not exist", "check the path"]),
    ("contract: visits.odcs.yaml", "contract: ../../etc/passwd", 2, ["sources.visits.contract", "'..' part"]),
    ("threads: 1", "threads: 99999999999999999999", 2, ["environment.threads", "'99999999999999999999'"]),
    ("threads: 1", "threads: 0", 2, ["environment.threads"]),
    ("{dataset: visits}", "{dataset: visit}", 2, ["'visit'"]),
    ("{dataset: visits}", "{stage: scores}", 2, ["circle", "scores -> table"]),
    ("{stage: table}", "{stage: tabel}", 2, ["deps[0].stage", "no stage 'tabel'"]),
    ("project: shop", "project: shop\nx: &a [1]\ny: *a", 2, ["aliases (*name) are not allowed"]),
    ("cmd: cp columns.onnx model.onnx", "cmd: nosuchprogram", 3, ["'nosuchprogram' is not on PATH"]),
])
def test_a_wrong_project_is_named_with_its_place(shop, old, new, status, said):
    shop.change("millrace.yaml", old, new)
    refused_in(shop, ("run", "train"), status, *said)
    shop.change("millrace.yaml", new, old)
    leaves_nothing(shop, lines=len(shop.events()))
    assert not [e for e in shop.events() if e["kind"] == "stage.ran"]


@pytest.mark.parametrize("content, said", [
    (b"", "millrace: 1"),
    (b"- a\n", "keys and values"),
    (b"millrace: 1\nproject: a\0b\n", "zero byte"),
    (b"millrace: 1\nproject: caf\xe9\n", "not UTF-8"),
    ("millrace: 1\nproject: a\n".encode("utf-16"), "not UTF-8"),
    (bytes(range(1, 256)), "millrace.yaml"),
    (b"[" * 5000, "nested deeper"),
    (b"#" + b"x" * (5 << 20), "4194304 bytes"),
], ids=["empty", "list", "nul", "latin1", "utf16", "random", "deep", "large"])
def test_a_project_file_that_is_no_project(shop, content, said):
    text = (shop.folder / "millrace.yaml").read_bytes()
    shop.write("millrace.yaml", content)
    refused_in(shop, ("run", "--why", "table"), 2, "millrace.yaml", said)
    shop.write("millrace.yaml", text)
    leaves_nothing(shop)


def test_a_project_that_is_not_there(shop, tmp_path):
    (shop.folder / "millrace.yaml").unlink()
    refused_in(shop, ("run",), 3, "millrace.yaml", "No such file", "--project DIR")
    (shop.folder / "millrace.yaml").mkdir()
    refused_in(shop, ("run",), 2, "millrace.yaml", "Is a directory")
    refused(("run",), 2, "--project DIR", cwd=tmp_path)


# --- contracts

@pytest.mark.parametrize("change, status, said", [
    (lambda text: text.replace("logicalType: object", "logicaltype: object"), 2, ["visits.odcs.yaml:10", "did you mean 'logicalType'"]),
    (lambda text: text.replace("logicalType: integer", "logicalType: int", 1), 2, ["unknown logicalType 'int'", "integer"]),
    (lambda text: text.replace("^[A-Z]{2}$", "(("), 2, ["'(('", "properties[1]"]),
    (lambda text: text.replace("minimum: 0, maximum: 1439", "minimum: 9, maximum: 1"), 2, ["minimum 9 > maximum 1"]),
    (lambda text: "", 2, ["a contract is a map"]),
    (lambda text: text.encode() + b"\0", 2, ["zero byte"]),
    (lambda text: text.replace("id: visits", "id: caf").encode().replace(b"caf", b"caf\xe9"), 2, ["not UTF-8"]),
    (lambda text: text.encode("utf-16"), 2, ["not UTF-8"]),
    (lambda text: bytes(range(1, 200)), 2, ["visits.odcs.yaml"]),
    (lambda text: "- a\n", 2, ["visits.odcs.yaml:1"]),
], ids=["key", "type", "pattern", "range", "empty", "nul", "latin1", "utf16", "random", "list"])
def test_a_wrong_contract_is_named_with_its_place(shop, change, status, said):
    shop.write("visits.odcs.yaml", change(CONTRACT))
    refused_in(shop, ("data", "add", "visits", "visits.csv", *PERIOD), status, *said)
    shop.write("visits.odcs.yaml", CONTRACT)
    leaves_nothing(shop)


def test_a_contract_that_is_not_there(shop):
    (shop.folder / "visits.odcs.yaml").unlink()
    refused_in(shop, ("data", "add", "visits", "visits.csv", *PERIOD), 3, "visits.odcs.yaml", "No such file")
    (shop.folder / "visits.odcs.yaml").mkdir()
    refused_in(shop, ("data", "add", "visits", "visits.csv", *PERIOD), 2, "visits.odcs.yaml", "Is a directory")


EXPRESSIONS = [
    ("(SELECT count(*) FROM read_csv('/etc/passwd')) > 0", "it holds a query"),
    ("minutes IN (FROM '/etc/passwd')", "it holds a query"),
    ("visit = 1) OR EXISTS (SELECT 1", "it holds a query"),
    ("1); ATTACH 'other.db'; SELECT (1", "cannot be read"),
    ("1); COPY (SELECT 1) TO 'out.csv'; SELECT (1", "cannot be read"),
    ("1); INSTALL httpfs; SELECT (1", "cannot be read"),
    ("1); LOAD httpfs; SELECT (1", "cannot be read"),
    ("1); SET enable_external_access = true; SELECT (1", "cannot be read"),
    ("read_text('/etc/passwd') IS NOT NULL", "'read_text' is not known"),
    ("getenv('HOME') = 'x'", "'getenv' is not known"),
    ("1) FROM read_csv('/etc/passwd') WHERE (1 = 1", "not one condition"),
]


@pytest.mark.parametrize("expression, said", EXPRESSIONS)
def test_an_expression_cannot_leave_its_row(tmp_path, expression, said):
    implementation = json.dumps({"metric": "expression", "expression": expression})
    (tmp_path / "c.odcs.yaml").write_text(CONTRACT + f"    quality: [{{type: custom, engine: millrace, implementation: {implementation}}}]\n")
    (tmp_path / "v.csv").write_text(visits())
    refused(("check", "--contract", "c.odcs.yaml", "--data", "v.csv", "--out", "findings.json"), 2, "c.odcs.yaml:16", "quality[0]", said, cwd=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["c.odcs.yaml", "v.csv"]


@pytest.mark.parametrize("sql, status, said", [
    ("SELECT * FROM read_csv('/etc/passwd')", 4, "declared inputs"),
    ("SELECT * FROM visits, glob('/*')", 4, "declared inputs"),
    ("SELECT * FROM '/etc/passwd'", 2, "/etc/passwd"),
    ("ATTACH 'other.db'; SELECT 1", 2, "one SELECT"),
    ("COPY visits TO 'out.csv'", 2, "one SELECT"),
    ("INSTALL httpfs; SELECT 1", 2, "one SELECT"),
    ("LOAD httpfs; SELECT 1", 2, "one SELECT"),
    ("SET enable_external_access = true; SELECT 1", 2, "one SELECT"),
    ("SELECT getenv('HOME') AS home", 2, "getenv"),
    ("SELEC 1", 2, "SELEC"),
    ("", 2, "one SELECT"),
    ("SELECT nosuch FROM visits", 2, "nosuch"),
])
def test_sql_of_a_stage_reads_what_is_declared_and_no_more(shop, sql, status, said):
    shop.add_visits()
    shop.write("table.sql", sql)
    refused_in(shop, ("run", "table"), status, "the stage 'table'", "table.sql", said)
    assert not [e for e in shop.events() if e["kind"] == "stage.ran"]
    assert not (shop.folder / "out.csv").exists() and not list((shop.state / "work").iterdir())


# --- batches

def parquet(shop):
    table = pyarrow.table({"visit": [1, 2], "shop": ["AB", "CD"], "at": pyarrow.array([0, 1], pyarrow.timestamp("us")), "minutes": [1, 2]})
    pyarrow.parquet.write_table(table, shop.folder / "made.parquet")
    return (shop.folder / "made.parquet").read_bytes()


BATCHES = [
    ("empty.csv", lambda good, pq: b"", 2, ["empty.csv: the file is empty", "its header"]),
    ("ragged.csv", lambda good, pq: good + b"1,2\n3,4,5,6,7\n", 2, ["ragged.csv:202", "2 fields, the header 4", "'1,2'"]),
    ("latin1.csv", lambda good, pq: good + b"999,caf\xe9,2024-01-01,3\n", 2, ["latin1.csv:202", "not UTF-8", "save the file as UTF-8"]),
    ("utf16.csv", lambda good, pq: good.decode().encode("utf-16")[:-1], 7, ["utf16.csv", "whole character in utf-16"]),
    ("nul.csv", lambda good, pq: good + b"9\x009,AB,2024-01-01,3\n", 2, ["nul.csv:202", "zero byte"]),
    ("random.csv", lambda good, pq: bytes(range(256)) * 9, 2, ["random.csv", "CSV (UTF-8) or Parquet"]),
    ("quote.csv", lambda good, pq: good + b'9999,"AB,2024-01-01,3\n', 2, ["quote.csv:202", "quoted field"]),
    ("twice.csv", lambda good, pq: b"visit,shop,at,minutes,minutes\n1,AB,2024-01-01,1,1\n", 2, ["twice.csv:1", "two columns are named 'minutes'"]),
    ("wide.csv", lambda good, pq: b"visit,shop,at,minutes\n1," + b"A" * (3 << 20) + b",2024-01-01,1\n", 2, ["wide.csv:2"]),
    ("cut.parquet", lambda good, pq: pq[:len(pq) // 2], 7, ["cut.parquet", "cut off or damaged"]),
    ("damaged.parquet", lambda good, pq: pq[:20] + b"\xff" * 40 + pq[60:], 7, ["damaged.parquet", "cannot be read"]),
    ("footer.parquet", lambda good, pq: b"PAR1" + b"\x7f" * 500 + b"PAR1", 7, ["footer.parquet", "cannot be read"]),
    ("text.parquet", lambda good, pq: good, 7, ["text.parquet", "does not begin with PAR1", "name it .csv"]),
]


@pytest.mark.parametrize("name, make, status, said", BATCHES, ids=[case[0] for case in BATCHES])
def test_a_batch_that_cannot_be_read_leaves_no_version(shop, name, make, status, said):
    shop.write(name, make(visits().encode(), parquet(shop)))
    refused_in(shop, ("data", "add", "visits", name, *PERIOD), status, *said)
    leaves_nothing(shop)
    shop.add_visits()  # the period is still free
    leaves_nothing(shop, lines=1, versions=["dataset:visits@1"])


def test_parquet_is_known_by_its_bytes_and_not_by_its_name(shop):
    shop.write("named.csv", parquet(shop))
    added = shop.good("data", "add", "visits", "named.csv", *PERIOD)
    assert (added["verdict"], added["rows"]) == ("accepted", 2)


@pytest.mark.parametrize("header, row, note", [
    ("a,b", "1,2", "'visit' is missing"),
    ("visit,shop,at", "1,AB,2024-01-01", "'minutes' is missing"),
    ("visit,shop,at,minuts", "1,AB,2024-01-01,1", "is it 'minutes'?"),
    ("visit,shop,at,minutes,extra", "1,AB,2024-01-01,1,1", "'extra' is not in the contract"),
])
def test_wrong_columns_reject_the_batch_and_say_which(shop, header, row, note):
    shop.write("batch.csv", f"{header}\n{row}\n")
    words = ("data", "add", "visits", "batch.csv", *PERIOD)
    done = shop.run(*words)
    assert done.returncode == 1 and "rejected" in done.stdout and note in done.stdout, done.stdout
    answer = shop.run(*words, "--json")
    assert answer.returncode == 1 and json.loads(answer.stdout)["verdict"] == "rejected"
    shop.add_visits()  # a rejected batch does not take the period


def test_bad_rows_are_set_aside_with_reasons_and_huge_numbers_are_no_crash(shop):
    shop.write("rows.csv", "visit,shop,at,minutes\n99999999999999999999999999,AB,2024-01-01,1\n2,AB,2024-01-01,1e400\n3,ab,2024-01-01,1\n4,AB,,1\n5,AB,2024-01-01,7\n")
    added = shop.good("data", "add", "visits", "rows.csv", *PERIOD)
    assert (added["verdict"], added["accepted"], added["quarantined"]) == ("quarantined", 1, 4)
    broken = {rule for rule, check in added["findings"]["checks"].items() if check["ok"] is False}
    assert broken == {"visit.type", "minutes.type", "shop.pattern", "at.required"}


@pytest.mark.parametrize("words, status, said", [
    (["visit", "visits.csv", *PERIOD], 3, ["no source 'visit'", "did you mean 'visits'"]),
    (["visits", "none.csv", *PERIOD], 3, ["none.csv", "No such file", "check the path"]),
    (["visits", ".", *PERIOD], 2, ["is not data by its name", "a folder is read whole"]),
    (["visits", "/dev/zero", *PERIOD], 2, ["'/dev/zero' is not a file"]),
    (["visits", "pipe.csv", *PERIOD], 2, ["is not a file"]),
    (["visits", "visits.csv"], 2, ["needs its period", "--from"]),
    (["visits", "visits.csv", "--from", "yesterday", "--to", "2024-01-02"], 2, ["'yesterday' is not a time"]),
    (["visits", "visits.csv", "--from", "99999999-01-01", "--to", "2024-01-02"], 2, ["'99999999-01-01' is not a time"]),
    (["visits", "visits.csv", "--from", "2024-01-02", "--to", "2024-01-01"], 2, ["the period is empty", "--to"]),
    (["visits", "visits.csv", "--from", "2024-01-01T12:00:00Z", "--to", "2024-01-03"], 5, ["dataset:visits@1 covers", "overlaps"]),
])
def test_a_batch_that_cannot_be_added_changes_nothing(shop, words, status, said):
    shop.add_visits()
    os.mkfifo(shop.folder / "pipe.csv")
    shop.write("visits.csv", visits(first=5000))
    refused_in(shop, ("data", "add", *words), status, *said)
    leaves_nothing(shop, lines=1, versions=["dataset:visits@1"])


# --- stages

@pytest.mark.parametrize("command, said", [
    ("sh -c 'echo oops >&2; exit 3'", ["ended with status 3", "oops"]),
    ("sh -c 'kill -9 $$'", ["killed by SIGKILL"]),
    ("true", ["did not make its out 'model.onnx'", "take it from outs"]),
    ("ln -s /etc/passwd model.onnx", ["goes through a link", "write a plain file"]),
    ("mkdir model.onnx", ["not a plain file"]),
])
def test_a_stage_that_fails_keeps_no_result(shop, command, said):
    shop.change("millrace.yaml", "cmd: cp columns.onnx model.onnx", f"cmd: {command}")
    refused_in(shop, ("run", "train"), 1, "the stage 'train'", *said)
    assert not list((shop.state / "work").iterdir())
    refused_in(shop, ("model", "register", "long"), 1, "'train'", "has not run", "millrace run train")
    assert shop.good("audit", "verify")["intact"]


# --- models and releases

def test_no_step_of_a_release_can_be_left_out(shop):
    refused_in(shop, ("model", "register", "long"), 1, "the stage 'train'", "has not run", "millrace run train")
    refused_in(shop, ("model", "approve", "long", "1", "--why", "x"), 3, "no version 1 of the model 'long'", "millrace model register long")
    shop.add_visits()
    shop.good("run")
    shop.good("model", "register", "long")
    refused_in(shop, ("model", "approve", "long", "1", "--why", "x"), 1, "gates", "millrace model gates long 1")
    refused_in(shop, ("release", "create", "long", "--version", "1", "--why", "x"), 1, "gates were not evaluated", "millrace model gates long 1")
    shop.good("model", "gates", "long", "1")
    refused_in(shop, ("release", "create", "long", "--version", "1", "--why", "x"), 1, "approv", "millrace model approve long 1")
    shop.change("millrace.yaml", "auc: {min: 0.6}", "calibration: {max: 0.0001}")
    failed = shop.run("model", "gates", "long", "1", "--json")
    assert failed.returncode == 1 and json.loads(failed.stdout)["state"] == "gates_failed"
    refused_in(shop, ("model", "approve", "long", "1", "--why", "x"), 1, "calibration")
    refused_in(shop, ("release", "create", "long", "--version", "1", "--why", "x"), 1, "long")
    assert not [e for e in shop.events() if e["kind"] in ("model.approved", "release.created")]
    assert shop.good("audit", "verify")["intact"] and shop.good("release", "list", "long")["items"] == []


@pytest.mark.parametrize("words, status, said", [
    (["model", "register", "lng"], 3, ["no model 'lng'"]),
    (["model", "show", "long", "7"], 3, ["no version 7"]),
    (["model", "show", "long", "x"], 2, ["version", "'x'"]),
    (["model", "show", "long", "99999999999999999999"], 2, ["'99999999999999999999'"]),
    (["release", "create", "lnog", "--version", "1", "--why", "x"], 3, ["no deployment 'lnog'"]),
    (["release", "create", "long", "--version", "99999999999999999999", "--why", "x"], 2, ["--version", "'99999999999999999999'"]),
    (["release", "create", "long", "--version", "-1", "--why", "x"], 3, ["no version -1"]),
    (["release", "rollback", "long", "--why", "x"], 3, ["'long' has no release"]),
    (["release", "list", "lnog"], 3, ["no deployment 'lnog'"]),
    (["prediction", "seal", "lnog"], 3, ["'lnog'"]),
    (["prediction", "show", "nope"], 3, ["no prediction 'nope'"]),
    (["replay", "long", "none.parquet"], 3, ["none.parquet"]),
    (["replay", "lnog", "made.parquet"], 3, ["no model 'lnog'"]),
    (["replay", "long", "stage:train/model.onnx"], 3, ["'train' has not run", "millrace run train"]),
    (["data", "show", "visits", "7"], 3, ["no dataset:visits@7", "has versions 1 to 1"]),
    (["data", "show", "visits", "99999999999999999999"], 2, ["'99999999999999999999'"]),
    (["data", "show", "vists", "1"], 3, ["vists"]),
    (["run", "tabel"], 3, ["no stage 'tabel'", "table"]),
    (["run", "--why", "a&b c"], 3, ["no stage 'a&b c'"]),
    (["job", "show", "nope"], 3, ["no job 'nope'"]),
    (["job", "follow", "00000000-0000-7000-8000-000000000000"], 3, ["no job '00000000-0000-7000-8000-000000000000'"]),
    (["job", "cancel", "../../lock"], 2, [".."]),
    (["lineage", "prediction:nope"], 3, ["no prediction 'nope'", "millrace_prediction_id"]),
    (["lineage", "junk"], 3, ["no node 'junk'", "model:late@1"]),
    (["token", "revoke", "nope"], 3, ["no live token 'nope'", "millrace token list"]),
    (["token", "create", "--subject", "a", "--role", "king"], 2, ["no role 'king'", "reader"]),
    (["token", "create", "--subject", "a", "--role", "reader", "--expires", "never"], 2, ["'never' is not a time"]),
    (["audit", "list", "--after", "x"], 2, ["--after", "'x'"]),
])
def test_names_that_do_not_exist(kept, words, status, said):
    parquet(kept)
    refused_in(kept, words, status, *said)
    leaves_nothing(kept, lines=1, versions=["dataset:visits@1"])


def test_a_stage_that_never_ran_cannot_be_verified(shop):
    shop.add_visits()
    refused_in(shop, ("run", "--verify", "table"), 1, "'table' has never run", "millrace run table")
    assert not [e for e in shop.events() if e["kind"].startswith("stage.")]


@pytest.mark.parametrize("words, said", [
    (["bogus"], ["'bogus'", "millrace --help"]),
    (["data", "lst"], ["'data lst'", "did you mean 'millrace data list'"]),
    (["data", "add"], ["WHAT is required", "millrace data add --help"]),
    (["run", "--nosuch"], ["--nosuch", "millrace run --help"]),
    (["model", "approve", "long", "1"], ["--why is required"]),
    (["serve"], ["--model is required"]),
])
def test_words_that_are_no_command(tmp_path, words, said):
    refused(words, 2, *said, cwd=tmp_path)
    assert not os.listdir(tmp_path)


# --- one file against a contract

@pytest.fixture
def files(tmp_path):
    (tmp_path / "c.odcs.yaml").write_text(CONTRACT)
    (tmp_path / "good.csv").write_text(visits())
    (tmp_path / "bad.csv").write_text(visits() + "1,ab,2024-01-01 00:00:00,5000\n")
    return tmp_path


def test_check_says_what_holds_with_status_0(files):
    done = run("check", "--contract", "c.odcs.yaml", "--data", "good.csv", "--out", "findings.json", "--json", cwd=files)
    assert done.returncode == 0, done.stderr
    findings = json.loads((files / "findings.json").read_text())
    assert json.loads(done.stdout) == findings
    assert findings["verdict"] == "accepted" and findings["rows"] == 200 and not findings["alerts"]


def test_check_says_what_breaks_with_status_1(files):
    done = run("check", "--contract", "c.odcs.yaml", "--data", "bad.csv", "--out", "findings.json", cwd=files)
    assert done.returncode == 1 and "NO" in done.stdout
    findings = json.loads((files / "findings.json").read_text())
    assert {a["rule"] for a in findings["alerts"]} == {"visit.unique", "shop.pattern", "minutes.range"}
    example = next(a for a in findings["alerts"] if a["rule"] == "minutes.range")["examples"][0]
    assert example["row"] == 201 and example["values"] == {"minutes": "5000"} and example["file"].endswith("bad.csv")


def test_a_rule_in_sql_reaches_no_other_file(files):
    (files / "c.odcs.yaml").write_text(CONTRACT + "    quality: [{type: sql, query: \"SELECT * FROM read_csv('/etc/passwd')\", mustBe: 0}]\n")
    done = run("check", "--contract", "c.odcs.yaml", "--data", "good.csv", cwd=files)
    assert done.returncode == 4 and "c.odcs.yaml:" in done.stderr and "root:" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert "root:" not in done.stdout + done.stderr


@pytest.mark.parametrize("words, status, said", [
    (["--data", "none.csv"], 3, ["none.csv", "No such file"]),
    (["--data", "good.csv", "--contract", "none.yaml"], 3, ["none.yaml", "No such file"]),
    (["--data", "."], 2, ["c.odcs.yaml", "is not data by its name", "say which files are meant"]),
    (["--data", "folder"], 3, ["holds no data", ".parquet"]),
    (["--data", "good.csv", "--out", "no/where.json"], 3, ["no/where.json"]),
    (["--data", "good.csv", "--out", "folder"], 2, ["folder", "Is a directory"]),
    (["--data", "good.csv", "--ref", "x"], 2, ["NAME=FILE", "'x'"]),
    (["--data", "good.csv", "--object", "nope"], 3, ["no object 'nope'", "it has visits"]),
])
def test_a_check_that_cannot_be_made(files, words, status, said):
    (files / "folder").mkdir()
    before = sorted(os.listdir(files))
    contract = [] if "--contract" in words else ["--contract", "c.odcs.yaml"]
    refused(["check", *contract, *words], status, *said, cwd=files)
    assert sorted(os.listdir(files)) == before and not os.listdir(files / "folder")


# --- models to serve

@pytest.mark.parametrize("name, content, status, said", [
    ("random.onnx", bytes(range(256)) * 8, 7, ["random.onnx", "not an ONNX model", "export the model again"]),
    ("empty.onnx", b"", 7, ["empty.onnx", "not an ONNX model"]),
    ("cut.onnx", (MODELS / "columns.onnx").read_bytes()[:200], 7, ["cut.onnx", "cut short"]),
    ("text.onnx", b"hello", 7, ["text.onnx"]),
    ("outside.onnx", (MODELS / "external.onnx").read_bytes(), 2, ["'w'", "another file", "save_as_external_data=False"]),
    ("hidden.onnx", (MODELS / "external_inside.onnx").read_bytes(), 2, ["'w'", "another file"]),
    ("unknown.onnx", (MODELS / "unknown_op.onnx").read_bytes(), 2, ["NoSuchOperator"]),
], ids=["random", "empty", "cut", "text", "external", "external-inside", "unknown-op"])
def test_a_file_that_is_no_model_is_not_served(tmp_path, name, content, status, said):
    (tmp_path / name).write_bytes(content)
    refused(["serve", "--model", f"m={name}", "--http", "127.0.0.1:0"], status, *said, cwd=tmp_path)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("words, status, said", [
    (["--model", "m=none.onnx"], 3, ["none.onnx", "check the path"]),
    (["--model", "m=."], 3, ["the folder has no model file", ".onnx"]),
    (["--model", str(MODELS / "columns.onnx")], 2, ["NAME=FILE"]),
    (["--model", f"../m={MODELS / 'columns.onnx'}"], 2, ["'../m' cannot be a model's name"]),
    (["--model", f"m={MODELS / 'columns.onnx'}", "--model", f"m={MODELS / 'linear.onnx'}"], 2, ["'m' is given twice"]),
    (["--model", f"m={MODELS / 'columns.onnx'}", "--contract", "none.yaml"], 3, ["none.yaml"]),
    (["--model", f"m={MODELS / 'columns.onnx'}", "--log-sync", "often"], 2, ["'often'", "strict"]),
    (["--model", f"m={MODELS / 'columns.onnx'}", "--http", "127.0.0.1:99999"], 2, ["'127.0.0.1:99999'", "HOST:PORT"]),
    (["--model", f"m={MODELS / 'columns.onnx'}", "--http", "0.0.0.0:0"], 4, ["0.0.0.0:0", "tokens"]),
])
def test_serving_that_cannot_start(tmp_path, words, status, said):
    http = [] if "--http" in words else ["--http", "127.0.0.1:0"]
    refused(["serve", *words, *http], status, *said, cwd=tmp_path)
    assert not os.listdir(tmp_path)


# --- state folders

def test_a_state_folder_that_cannot_be_one(tmp_path):
    (tmp_path / "file").write_text("x")
    refused(["audit", "verify"], 2, "file", "Not a directory", state=tmp_path / "file", cwd=tmp_path)
    assert (tmp_path / "file").read_text() == "x"


def test_a_damaged_store_is_corrupt_and_is_not_written_over(shop):
    shop.add_visits()
    (shop.state / "meta.db").write_bytes(b"this is no database" * 500)
    done = shop.run("data", "list")
    assert done.returncode == 7, done.stderr
    assert "meta.db" in done.stderr
    assert (shop.state / "meta.db").read_bytes() == b"this is no database" * 500


def test_a_changed_audit_line_is_found_and_named(shop):
    import sqlite3
    shop.add_visits()
    shop.good("run", "table")
    with sqlite3.connect(shop.state / "meta.db") as database:
        tables = [t for (t,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        audit = next(t for t in tables if "audit" in t or "journal" in t)
        columns = [c[1] for c in database.execute(f"PRAGMA table_info({audit})")]
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        column = next(c for c in columns if c in ("subject", "body", "line"))
        database.execute(f"UPDATE {audit} SET {column} = replace({column}, 'local:', 'other:') WHERE rowid = 2")
    broken = shop.run("audit", "verify", "--json")
    assert broken.returncode == 7, broken.stdout + broken.stderr
    verdict = json.loads(broken.stdout)
    assert verdict["intact"] is False and verdict["first_bad"] == 2
