"""Our reader of contracts and the standard's published JSON Schema say the same.

The schema is the one that the standard's own package carries. Every document that it refuses is refused; what it
accepts is accepted, except for what NARROWER lists by the words of the refusal.
"""
import copy
import importlib.metadata
import json
import re

import jsonschema
import pytest

from server import run

BASE = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "name": "n", "version": "1.0.0", "status": "active",
    "tenant": "t", "tags": ["a"], "domain": "d", "dataProduct": "p", "slaDefaultElement": "t.a",
    "contractCreatedTs": "2025-01-01T00:00:00Z",
    "authoritativeDefinitions": [{"id": "x", "url": "https://example.org", "type": "definition", "description": "d"}],
    "description": {"purpose": "p", "limitations": "l", "usage": "u", "authoritativeDefinitions": [],
                    "customProperties": [{"id": "i", "property": "p", "value": {"any": [1, None]}, "description": "d"}]},
    "schema": [{
        "id": "o", "name": "t", "logicalType": "object", "physicalName": "t", "physicalType": "table", "description": "d",
        "businessName": "b", "dataGranularityDescription": "g", "tags": ["x"], "authoritativeDefinitions": [],
        "customProperties": [],
        "relationships": [{"type": "foreignKey", "from": "t.a", "to": "u.b", "customProperties": []},
                          {"from": ["t.a", "t.s"], "to": ["u.a", "u.s"]}],
        "quality": [{"metric": "rowCount", "mustBeGreaterThan": 1},
                    {"type": "library", "metric": "duplicateValues", "arguments": {"properties": ["a", "s"]}, "mustBe": 0, "rule": "r"},
                    {"type": "sql", "query": "SELECT 1", "mustBeBetween": [0, 2]},
                    {"type": "text", "description": "words", "id": "t-1"},
                    {"type": "custom", "engine": "soda", "implementation": "checks: []"},
                    {"type": "custom", "engine": "millrace", "implementation": {"metric": "row_count", "between": [1, 9]},
                     "id": "q_1", "name": "n", "description": "d", "dimension": "coverage", "method": "m", "severity": "info",
                     "businessImpact": "b", "tags": ["a"], "authoritativeDefinitions": [], "scheduler": "cron",
                     "schedule": "0 0 * * *", "customProperties": [{"property": "onFail", "value": "warn"}]}],
        "properties": [
            {"id": "a-1", "name": "a", "logicalType": "integer", "physicalType": "BIGINT", "physicalName": "a", "description": "d",
             "businessName": "b", "primaryKey": True, "primaryKeyPosition": 1, "required": True, "unique": False,
             "partitioned": False, "partitionKeyPosition": -1, "classification": "public", "encryptedName": "e",
             "transformSourceObjects": ["s"], "transformLogic": "l", "transformDescription": "d", "examples": [1, "x", None],
             "criticalDataElement": True, "tags": [], "authoritativeDefinitions": [], "customProperties": [],
             "logicalTypeOptions": {"format": "i32", "minimum": 0, "maximum": 10, "multipleOf": 1},
             "relationships": [{"type": "foreignKey", "to": "u.b"}, {"to": "/schema/u/properties/b"}],
             "quality": [{"metric": "nullValues", "mustBeLessThan": 5, "unit": "percent"},
                         {"metric": "missingValues", "arguments": {"missingValues": ["", "NA", None]}, "mustBeLessOrEqualTo": 5}]},
            {"name": "n", "logicalType": "number", "logicalTypeOptions": {"format": "f64", "exclusiveMinimum": 0, "exclusiveMaximum": 1}},
            {"name": "s", "logicalType": "string", "logicalTypeOptions": {"format": "email", "minLength": 1, "maxLength": 9, "pattern": "^x"},
             "quality": [{"metric": "invalidValues", "arguments": {"validValues": ["x"]}, "mustBe": 0},
                         {"metric": "invalidValues", "arguments": {"pattern": "^x"}, "mustNotBeBetween": [3, 4]}]},
            {"name": "d", "logicalType": "date", "logicalTypeOptions": {"format": "yyyy-MM-dd", "minimum": "2013-01-01", "maximum": "2014-01-01"}},
            {"name": "ts", "logicalType": "timestamp", "logicalTypeOptions": {"timezone": True, "defaultTimezone": "Etc/UTC", "exclusiveMinimum": "2013-01-01T00:00:00Z"}},
            {"name": "ti", "logicalType": "time", "logicalTypeOptions": {"minimum": "00:00:00"}},
            {"name": "b", "logicalType": "boolean"},
            {"name": "o", "logicalType": "object", "logicalTypeOptions": {"minProperties": 0, "maxProperties": 3, "required": ["x"]},
             "properties": [{"name": "x", "logicalType": "string"}]},
            {"name": "l", "logicalType": "array", "logicalTypeOptions": {"minItems": 0, "maxItems": 3, "uniqueItems": True},
             "items": {"logicalType": "string"}},
            {"name": "plain"}]},
        {"name": "u", "properties": [{"name": "b"}, {"name": "a"}, {"name": "s"}]}],
    "servers": [{"id": "s", "server": "one", "type": "local", "path": "p", "format": "csv", "description": "d", "environment": "e",
                 "roles": [], "customProperties": []},
                {"server": "two", "type": "s3", "location": "s3://b/k", "endpointUrl": "https://example.org", "format": "parquet", "delimiter": "x"},
                {"server": "three", "type": "postgres", "host": "h", "port": 5432, "database": "d", "schema": "s"},
                {"server": "four", "type": "custom", "stream": "s", "port": 1}],
    "slaProperties": [{"id": "i", "property": "latency", "value": 4, "valueExt": None, "unit": "d", "element": "t.a", "driver": "regulatory",
                       "description": "d", "scheduler": "cron", "schedule": "s"}],
    "roles": [{"id": "r", "role": "reader", "description": "d", "access": "read", "firstLevelApprovers": "a",
               "secondLevelApprovers": "b", "customProperties": []}],
    "team": {"id": "t", "name": "n", "description": "d", "tags": [], "customProperties": [], "authoritativeDefinitions": [],
             "members": [{"id": "m", "username": "u", "name": "n", "description": "d", "role": "r", "dateIn": "2020-01-01",
                          "dateOut": "2020-01-02", "replacedByUsername": "v", "tags": [], "customProperties": [], "authoritativeDefinitions": []}]},
    "support": [{"id": "s", "channel": "c", "url": "https://example.org", "description": "d", "tool": "t", "scope": "s",
                 "invitationUrl": "https://example.org", "customProperties": []}],
    "price": {"id": "p", "priceAmount": 1.5, "priceCurrency": "EUR", "priceUnit": "u"},
    "customProperties": [{"property": "p", "value": 1}],
}

# What the schema lets through and Millrace does not, by what it says: rules that could not be run as they stand.
NARROWER = [
    r"apiVersion '.*' is not known",              # versions before 3.1 are other documents
    r"'schema' is missing", "describes no object",  # the standard's text requires it, its schema does not
    r"expected (a number|text)|'metric' is missing",  # an operator's value, a pattern, our own implementation
    r"needs 'metric'|needs an operator|needs 'arguments|needs 'query'",
    r"needs 'logicalType'|need a 'logicalType'", r"unknown (unit|severity|metric|onFail|parameter|logicalType)",
    r"two (objects|properties|rules)", r"has no property", r"must not be|is empty|needs a name",
    r"is not a (finite number|date|column)", r"range is empty|beside its inclusive form|whole 'multipleOf'",
    r"no text has a length", r"cannot be read", r"must be a (list|map|number|text)", r"does not belong to a rule of type",
    r"is not a text|is not a number|needs two numbers|begins above",
    r"unknown key '\w+'",                          # of a rule's arguments
    r"stands below", r"columns lead to|leads to one table|both one column",
    r"the name '.*' is taken", r"names no column", r"is not TABLE\.COLUMN", r"a list of names", r"needs '\w+'",
    r"a (text|custom) rule has no operator", "exactly one operator", "is not a contract", "one plain value",
]

WRONG = ["text", "", 7, -1, 1.5, True, None, [], ["a"], {}, {"a": 1}]


def schema():
    package = importlib.metadata.distribution("open-data-contract-standard")
    assert package.version.startswith("3.1.")
    return json.loads(package.locate_file("open_data_contract_standard/schema.json").read_text())


def parts():
    """BASE in pieces that are quick to validate: one top-level key each, of `schema` one property or rule each."""
    least = {key: BASE[key] for key in ("apiVersion", "kind", "id", "version", "status")}
    table = BASE["schema"][0]
    for key in BASE:
        if key != "schema":
            yield {**least, "schema": [{"name": "t"}], key: BASE[key]}
    others = [{"name": p["name"]} for p in table["properties"]]
    for number, column in enumerate(table["properties"]):
        yield {**least, "schema": [{"name": "t", "properties": [column, *others[:number], *others[number + 1:]]}]}
    plain = {key: value for key, value in table.items() if key not in ("properties", "quality")}
    yield {**least, "schema": [{**plain, "properties": others}]}
    for rule in table["quality"]:
        yield {**least, "schema": [{"name": "t", "properties": others, "quality": [rule]}]}


def places(node, path=()):
    yield path
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, below in pairs:
        yield from places(below, (*path, key))


def changed(base, path, change):
    document = copy.deepcopy(base)
    at = document
    for key in path[:-1]:
        at = at[key]
    change(at, path[-1])
    return document


def corpus():
    """Every key left out, every value of every wrong kind, an unknown key in every map."""
    yield "all", BASE
    seen = set()
    for base in parts():
        yield "a part", base
        for path in places(base):
            inside = base
            for key in path:
                inside = inside[key]
            where = (path, json.dumps(inside, sort_keys=True))
            if not path or where in seen:
                continue
            seen.add(where)
            name = "/".join(map(str, path))
            yield f"without {name}", changed(base, path, lambda at, key: at.pop(key))
            for wrong in WRONG:
                yield f"{name} = {json.dumps(wrong)}", changed(base, path, lambda at, key: at.__setitem__(key, wrong))
            if isinstance(inside, dict):
                yield f"unknown key in {name}", changed(base, path, lambda at, key: at[key].__setitem__("nonsense", "x"))


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contracts")
    names, documents = zip(*corpus())
    files = []
    for number, document in enumerate(documents):
        files.append(folder / f"{number}.odcs.yaml")
        files[-1].write_text(json.dumps(document))
    answers = []
    for at in range(0, len(files), 500):
        answers += json.loads(run("contract", "validate", "--json", *files[at:at + 500]).stdout)["files"]
    assert len(answers) == len(names) > 3000
    validator = jsonschema.validators.validator_for(schema())(schema())
    return [(name, validator.is_valid(document), answer) for name, document, answer in zip(names, documents, answers)]


def test_the_contract_with_every_documented_key_is_accepted_by_both(verdicts):
    name, published, ours = verdicts[0]
    assert published and ours["ok"], ours


def test_what_the_published_schema_refuses_we_refuse(verdicts):
    wrong = [name for name, published, ours in verdicts if not published and ours["ok"]]
    assert wrong == []
    assert sum(not published for _, published, _ in verdicts) > 1000


def test_what_it_accepts_we_accept_or_say_why_not(verdicts):
    narrower = [(name, ours["error"]["message"]) for name, published, ours in verdicts if published and not ours["ok"]]
    unexplained = [each for each in narrower if not any(re.search(reason, each[1]) for reason in NARROWER)]
    assert unexplained == []
    assert sum(published and ours["ok"] for _, published, ours in verdicts) > 500
