"""Searches of models and versions beside the genuine store: the same entries, the same filters, the same answers."""
import itertools
import random

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry import sqlalchemy_store

from server import up

PROMPT = "mlflow.prompt.is_prompt"
MODELS = {"Alpha": {"team": "red", "tier": "1"}, "alpha-2": {"team": "Red"}, "beta_x": {"team": "blue", "odd key.x": "a'b"}, "betaXx": {}, "gamma%": {"tier": ""},
          "große": {"team": "größe"}, "hello": {PROMPT: "true", "team": "red"}, "HELLO-2": {PROMPT: "True"}}
MODEL_ATOMS = ["name = 'Alpha'", "name != 'Alpha'", "name LIKE 'a%'", "name LIKE 'beta_x'", "name ILIKE 'ALPHA%'", "name LIKE '%\\%'", "name ILIKE '%SS%'",
               "name IN ('Alpha', 'hello', 'none')", "name NOT IN ('Alpha', 'beta_x')", "attribute.name = 'große'", "name LIKE 'gro%'", 'name = "Alpha"',
               "tags.team = 'red'", "tag.team != 'red'", "tags.team LIKE 'r%'", "tags.team ILIKE 'R%'", "tags.tier = ''", "tags.tier != '1'", "tags.`odd key.x` = \"a'b\"",
               "tags.none = 'x'", f"tags.`{PROMPT}` = 'true'", f"tags.`{PROMPT}` = 'True'", f"tags.`{PROMPT}` != 'true'", f"tags.`{PROMPT}` = 'false'",
               f"tags.`{PROMPT}` != 'false'", f"tags.`{PROMPT}` LIKE 't%'"]
VERSION_ATOMS = ["name = 'Alpha'", "name LIKE 'beta%'", "name ILIKE 'ALPHA%'", "name IN ('Alpha', 'hello')", "name NOT IN ('Alpha')", "name != 'Alpha'", "version_number = 1",
                 "version_number != 1", "version_number > 1", "version_number >= 2", "version_number < 3", "version_number <= 1", "version_number = '2'", "run_id = 'r1'",
                 "run_id != 'r1'", "run_id IN ('r1', 'r2')", "run_id NOT IN ('r1')", "run_id LIKE 'r%'", "source_path = 's3://bucket/Alpha/1'", "source_path LIKE 's3://bucket/%/2'",
                 "source_path ILIKE 'S3://BUCKET/alpha%'", "source_path != 's3://bucket/Alpha/1'", "tags.n = '1'", "tags.n != '1'", "tags.kind LIKE 'o%'", "tags.kind ILIKE 'O%'",
                 f"tags.`{PROMPT}` = 'true'", f"tags.`{PROMPT}` != 'true'", f"tags.`{PROMPT}` != 'false'"]
REFUSED = ["name > 'a'", "name = 'a' OR name = 'b'", "name = a", "name =", "= 'a'", "name IN ()", "tags.team > 'a'", "tags.team IN ('a')", "metrics.m > 1", "owner = 'a'", "(name = 'a')",
           "name LIKE 5", "params.p = 'x'", "name = 'a';", "name BETWEEN 'a' AND 'b'"]
LAX = ["name = 'a' AND", "name = 'a' name = 'b'"]  # the genuine parser passes over these
REFUSED_VERSIONS = ["version_number = 1.5", "version_number = 'x'", "version_number LIKE '1'", "version_number IN (1)", "source_path IN ('a')", "status = 'READY'", "stage = 'None'"]
MODEL_ORDERS = [[], ["name"], ["name DESC"], ["name ASC"], ["timestamp"], ["last_updated_timestamp DESC"], ["timestamp DESC", "name DESC"]]
VERSION_ORDERS = [[], ["name"], ["name DESC"], ["version_number"], ["version_number DESC", "name DESC"], ["creation_timestamp"], ["creation_timestamp DESC"],
                  ["last_updated_timestamp ASC"], ["version_number ASC", "creation_timestamp DESC"]]


def fill(client):
    registry = client._get_registry_client()  # the public one lets prompts be made by their own calls only
    for name, tags in MODELS.items():
        registry.create_registered_model(name, tags=tags)
    number = itertools.count()
    for round_ in range(3):
        for name, tags in MODELS.items():
            at = next(number)
            if at % 5 == 4:
                continue
            prompt = {key: value for key, value in tags.items() if key == PROMPT}
            registry.create_model_version(name, "prompt-template" if prompt.get(PROMPT, "").lower() == "true" else f"s3://bucket/{name}/{round_ + 1}",
                                        run_id=f"r{at % 3}" if at % 3 and not prompt else "", tags={"n": str(at % 2), **({"kind": ["odd", "Odd", "even"][at % 3]} if at % 4 else {}), **prompt})
    client.delete_model_version("Alpha", "2")
    client.set_model_version_tag("alpha-2", "1", "n", "1")
    client.update_model_version("betaXx", "1", "described")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A client of this server and one of the genuine store, over the same entries."""
    folder = tmp_path_factory.mktemp("search")
    server = up(folder / "state")
    ticks = itertools.count(1_700_000_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlalchemy_store, "get_current_time_millis", lambda: next(ticks))  # no two in one millisecond
        genuine = MlflowClient(f"sqlite:///{folder}/genuine.db", f"sqlite:///{folder}/genuine.db")
        ours = MlflowClient(server.url, server.url)
        fill(genuine)
        fill(ours)
        yield ours, genuine
    assert server.stop() == 0


def models(client, text, order_by):
    return [model.name for model in client.search_registered_models(text, order_by=order_by or None)]


def versions(client, text, order_by):
    return [f"{version.name}/{version.version}" for version in client.search_model_versions(text, order_by=order_by or None)]


def said(search, *arguments):
    try:
        return search(*arguments)
    except MlflowException as refused:
        return refused.error_code


@pytest.mark.parametrize("search, atoms, orders", [(models, MODEL_ATOMS, MODEL_ORDERS), (versions, VERSION_ATOMS, VERSION_ORDERS)], ids=["models", "versions"])
def test_the_same_filters_find_the_same(pair, search, atoms, orders):
    ours, genuine = pair
    chance = random.Random(7)
    filters = ["", *atoms, *(" AND ".join(chance.sample(atoms, chance.choice([2, 2, 3]))) for _ in range(120))]
    found = set()
    for text in filters:
        for order_by in (orders if text in atoms or not text else [chance.choice(orders)]):
            theirs = said(search, genuine, text, order_by)
            assert said(search, ours, text, order_by) == theirs, (text, order_by)
            found.add(len(theirs))
    assert len(found) > 5, "the filters tell entries apart"


@pytest.mark.parametrize("text", REFUSED)
def test_the_same_filters_are_refused(pair, text):
    for search, client in itertools.product((models, versions), pair):
        assert said(search, client, text, []) == "INVALID_PARAMETER_VALUE", client


@pytest.mark.parametrize("text", REFUSED_VERSIONS)
def test_the_same_filters_of_versions_are_refused(pair, text):
    for client in pair:
        assert said(versions, client, text, []) == "INVALID_PARAMETER_VALUE", client


@pytest.mark.parametrize("search, order_by", [(models, ["owner"]), (models, ["name SIDEWAYS"]), (models, ["tags.team"]), (versions, ["source_path"]), (versions, ["run_id"]),
                                              (versions, ["last_updated_timestamp UP"])])
def test_the_same_orders_are_refused(pair, search, order_by):
    for client in pair:
        assert said(search, client, "", order_by) == "INVALID_PARAMETER_VALUE", client


def test_what_the_genuine_store_is_lax_about_is_refused(pair):
    ours, _ = pair
    for search, text in itertools.product((models, versions), LAX):
        assert said(search, ours, text, []) == "INVALID_PARAMETER_VALUE", text
        assert said(search, ours, "", ["name", "name DESC"]) == "INVALID_PARAMETER_VALUE"


def test_answers_carry_tags_aliases_and_the_newest_of_each_stage(pair):
    for client in pair:
        client.set_registered_model_alias("Alpha", "best", "1")
        client.set_registered_model_alias("Alpha", "also", "1")
        client.set_registered_model_alias("betaXx", "best", "1")
        client.transition_model_version_stage("betaXx", "1", "Production")

    def shown(client):
        everything = [(m.name, m.tags, {name: str(version) for name, version in m.aliases.items()}, sorted((v.current_stage, str(v.version), tuple(sorted(v.tags.items())))
                                                                                                          for v in m.latest_versions)) for m in client.search_registered_models()]
        return everything, [(v.name, str(v.version), v.tags, v.run_id or None, v.source, v.description or None, v.current_stage)
                            for v in client.search_model_versions("", order_by=["name"])]
    mine, theirs = map(shown, pair)
    for one, other in zip(mine[0] + mine[1], theirs[0] + theirs[1], strict=True):
        assert one == other


@pytest.mark.parametrize("order_by", VERSION_ORDERS)
def test_pages_are_the_whole(pair, order_by):
    ours, _ = pair
    whole, seen, token = versions(ours, "", order_by), [], None
    while True:
        page = ours.search_model_versions("", max_results=3, order_by=order_by or None, page_token=token)
        seen += [f"{version.name}/{version.version}" for version in page]
        token = page.token
        if not token:
            break
    assert seen == whole
