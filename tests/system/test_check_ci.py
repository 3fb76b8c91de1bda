"""What `millrace check` leaves for build servers: JUnit XML, SARIF, a summary, annotations, exit statuses; the GitHub action's and the pre-commit
hook's own shell steps. Names and values that would break out of a form are shown as they are."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import xml.etree.ElementTree as xml

import jsonschema
import pytest
import yaml

from server import BINARY, ROOT, run

SCHEMA = ROOT / "build/deps/npm/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
EVIL = 'a|b <i>`x` "q" & \x07\n::error::owned %0A \u2028 é'
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: people
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: name, logicalType: string, logicalTypeOptions: {maxLength: 5}}
      - {name: card, logicalType: string, classification: secret, logicalTypeOptions: {pattern: '^[0-9]+$'}}
    quality:
      - {id: enough, description: "enough | rows, 100 % of them", metric: rowCount, mustBeGreaterThan: 1, severity: error}
"""


class Place:
    def __init__(self, folder):
        self.folder = folder
        (folder / "people.odcs.yaml").write_text(CONTRACT)
        self.write("good.jsonl", [{"id": 1, "name": "Ann", "card": "4"}, {"id": 2, "name": None, "card": "5"}])
        self.write("bad.jsonl", [{"id": 1, "name": EVIL, "card": "hush-hush"}, {"id": 1, "name": "Bo", "card": "5"}])

    def write(self, name, rows):
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def check(self, data, *words, env=None, contract="people.odcs.yaml"):
        clean = {name: "" for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE")}
        return run("check", "--contract", contract, "--data", data, *words, cwd=self.folder, env={**clean, **(env or {})})


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_statuses(place):
    (place.folder / "ragged.csv").write_text("id,name,card\n1,2\n")
    (place.folder / "no-contract.yaml").write_text("hello: 1\n")
    assert place.check("good.jsonl").returncode == 0
    assert place.check("bad.jsonl").returncode == 1
    assert place.check("good.jsonl", contract="no-contract.yaml").returncode == 2
    assert place.check("good.jsonl", "--nonsense").returncode == 2
    assert place.check("nowhere.csv").returncode == 3
    assert place.check("good.jsonl", contract="nowhere.yaml").returncode == 3
    assert place.check("ragged.csv").returncode == 7


def suites(path):
    root = xml.parse(path).getroot()
    assert root.tag == "testsuites"
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for kind, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(count)) == sum(case.find(kind) is not None for case in cases)
    return root


def test_junit(place):
    assert place.check("bad.jsonl", "--junit", "junit.xml").returncode == 1
    cases = {case.get("name"): case for case in suites(place.folder / "junit.xml").iter("testcase")}
    assert {name for name, case in cases.items() if case.find("failure") is not None} == {"id.unique", "name.length", "card.pattern"}
    failure = cases["name.length"].find("failure")
    assert "row 1" in failure.text and "::error::owned" in failure.text and "\\u0007" in failure.text
    assert cases["name.length"].get("file") == "people.odcs.yaml" and cases["name.length"].get("line") == "10"
    assert "hush" not in (place.folder / "junit.xml").read_text()
    assert place.check("nowhere.csv", "--junit", "junit.xml").returncode == 3
    [error] = suites(place.folder / "junit.xml").iter("error")
    assert error.get("type") == "not_found" and "nowhere.csv" in error.text


def sarif(place):
    log = json.loads((place.folder / "out.sarif").read_text())
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    return log["runs"][0]


def test_sarif_fits_its_published_schema(place):
    assert place.check("bad.jsonl", "--sarif", "out.sarif").returncode == 1
    found = sarif(place)
    results = {result["ruleId"]: result for result in found["results"]}
    assert set(results) == {"people.id.unique", "people.name.length", "people.card.pattern"}
    for result in results.values():
        assert found["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    where = results["people.name.length"]["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "people.odcs.yaml" and where["region"]["startLine"] == 10
    row = results["people.name.length"]["relatedLocations"][0]
    assert row["physicalLocation"]["artifactLocation"]["uri"] == "bad.jsonl" and row["physicalLocation"]["region"]["startLine"] == 1
    assert "owned" in row["message"]["text"] and "hush" not in json.dumps(found)
    assert found["invocations"][0]["executionSuccessful"]

    assert place.check("good.jsonl", "--sarif", "out.sarif").returncode == 0
    assert sarif(place)["results"] == []
    (place.folder / "bad 1%.csv").write_text("id,name,card\n1,2\n")
    assert place.check("bad 1%.csv", "--sarif", "out.sarif").returncode == 7
    [invocation] = sarif(place)["invocations"]
    [said] = invocation["toolExecutionNotifications"]
    assert not invocation["executionSuccessful"] and said["descriptor"]["id"] == "corrupt"
    assert said["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bad%201%25.csv"
    assert said["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


def test_summary(place):
    assert place.check("bad.jsonl", "--summary", "summary.md").returncode == 1
    text = (place.folder / "summary.md").read_text()
    table = [line for line in text.split("\n") if line.startswith("| name.length")]
    assert len(table) == 2 and all(len(re.findall(r"(?<!\\)\|", line)) in (3, 5) for line in table)
    assert "<i>" not in text and "hush" not in text and "the contract is broken" in text
    assert place.check("good.jsonl", "--summary", "summary.md").returncode == 0
    assert "the contract holds" in (place.folder / "summary.md").read_text()


def test_on_github(place):
    summary = place.folder / "step.md"
    summary.write_text("before\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(place.folder.parent)}
    done = place.check("bad.jsonl", env=env)
    assert done.returncode == 1
    text = summary.read_text()
    assert text.startswith("before\n## millrace check") and "id.unique" in text
    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    token = commands.pop(-2).removeprefix("::stop-commands::")
    assert commands.pop() == f"::{token}::"
    assert len(commands) == 3 and all(line.startswith(f"::error file={place.folder.name}/people.odcs.yaml,line=") for line in commands), commands
    assert not any(line.startswith("::error::owned") for line in done.stdout.splitlines()) and "hush" not in done.stdout
    missing = place.check("nowhere.csv", env=env)
    assert missing.returncode == 3 and "::error file=" in missing.stdout
    quiet = place.check("bad.jsonl", "--json", env=env)
    assert json.loads(quiet.stdout)["rows"] == 2 and "::error" in quiet.stderr
    assert place.check("bad.jsonl").stdout.count("::") == 0


def test_the_actions_step(place):
    """Its inputs go to the script as the action's file says, and nothing of them is run."""
    action = yaml.safe_load((ROOT / "integrations/github/action.yml").read_text())
    [step] = action["runs"]["steps"]
    given = {name: str(entry.get("default", "")) for name, entry in action["inputs"].items()}
    given.update(contract="people.odcs.yaml", data="bad.jsonl\n", options="--json", sarif="out.sarif", junit="j.xml", millrace=BINARY)

    def act(**more):
        inputs = {f"inputs.{name}": value for name, value in {**given, **more}.items()}
        inputs["github.action_path"] = str(ROOT / "integrations/github")
        env = {name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: inputs[found[1]], value) for name, value in step["env"].items()}
        assert "${{" not in step["run"]
        output = place.folder / "output"
        output.unlink(missing_ok=True)
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=place.folder, text=True, capture_output=True,
                              env={**os.environ, **env, "GITHUB_OUTPUT": str(output), "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": ""}, timeout=120)
        assert output.read_text() == f"status={done.returncode}\n", done.stderr
        return done

    done = act()
    assert done.returncode == 1 and json.loads(done.stdout)["rows"] == 2, done.stderr
    assert (place.folder / "findings.json").exists() and (place.folder / "out.sarif").exists() and (place.folder / "j.xml").exists()
    assert act(data="good.jsonl\ngood.jsonl").returncode == 1, "every id stands twice"
    assert act(data="good.jsonl").returncode == 0
    assert act(data="$(touch owned); `touch owned`").returncode == 3
    assert not (place.folder / "owned").exists()


def test_the_pre_commit_hook(place):
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["language"] == "system" and re.search(hook["files"], "data/x.csv.gz") and not re.search(hook["files"], "x.py")
    env = {**os.environ, "PATH": f"{pathlib.Path(BINARY).parent}:{os.environ['PATH']}"}

    def hooked(*files):
        words = [*shlex.split(hook["entry"]), "--contract", "people.odcs.yaml", *files]
        return subprocess.run(words, cwd=place.folder, env=env, capture_output=True, text=True, timeout=120)

    assert hooked("good.jsonl").returncode == 0
    assert hooked("bad.jsonl").returncode == 1
    assert hooked().returncode == 2
