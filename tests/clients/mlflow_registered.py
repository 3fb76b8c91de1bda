"""Registered models, versions and prompts of a store that the genuine package made, and how two such stores are compared."""
import pathlib

import mlflow
from mlflow import MlflowClient


def make_registered(uri):
    """Every kind of source, a gap in the numbers, stages, aliases, tags, a prompt. Artifacts must be reachable from here."""
    client = MlflowClient(uri)
    flights = client.get_experiment_by_name("flights").experiment_id
    run = client.search_runs([flights], "attributes.run_name = 'flights-0'")[0]
    logged = client.search_logged_models([flights])[0]
    client.create_registered_model("late", tags={"team": "ops", "ünï": "x\ny"}, description="first: 'quoted'\nsecond # line\n")
    client.create_model_version("late", f"{run.info.artifact_uri}/deep", run.info.run_id, tags={"t": "1"}, description="of a place", run_link="https://example.org/run")
    client.create_model_version("late", f"models:/{logged.model_id}", model_id=logged.model_id)
    client.create_model_version("late", "s3://bucket/gone")
    client.create_model_version("late", f"runs:/{run.info.run_id}/deep", run.info.run_id)
    client.delete_model_version("late", "3")
    client.create_registered_model("empty")
    client.create_registered_model("copied")
    client.create_model_version("copied", "models:/late/1", run.info.run_id)
    client.create_model_version("copied", "s3://bucket/elsewhere/model", tags={"where": "far"})
    client.set_registered_model_alias("late", "champion", "2")
    client.set_registered_model_alias("late", "challenger", "4")
    for version, stage in {"1": "Archived", "2": "Production"}.items():
        client.transition_model_version_stage("late", version, stage)
    client.register_prompt("hello", "Say {{x}}\nand: more", tags={"mood": "fine"})
    client.register_prompt("hello", "Sing {{x}}")
    client.set_prompt_alias("hello", "live", 1)
    return run.info.run_id, logged.model_id


def place(version):
    """What a source means, without where the store keeps files: the last folder, or the source itself."""
    return "deep" if version.source.endswith("/deep") else version.source


def describe_version(version):
    return {"stage": version.current_stage, "description": version.description or "", "run": version.run_id or "", "link": version.run_link or "",
            "created": version.creation_timestamp, "tags": version.tags, "source": place(version), "status": version.status,
            "aliases": sorted(version.aliases)}


def describe_registered(client):
    out = {}
    for model in client.search_registered_models(max_results=100):
        versions = client.search_model_versions(f"name = '{model.name}'")
        out[model.name] = {"description": model.description or "", "created": model.creation_timestamp, "tags": model.tags,
                           "aliases": {alias: str(number) for alias, number in model.aliases.items()},
                           "versions": {int(each.version): describe_version(client.get_model_version(model.name, each.version)) for each in versions}}
    for prompt in client.search_prompts():
        texts = [client.get_prompt_version(prompt.name, str(number)) for number in (1, 2)]
        out[f"prompt {prompt.name}"] = {"tags": prompt.tags, "texts": [each.template for each in texts], "created": [each.creation_timestamp for each in texts],
                                        "live": client.get_prompt_version_by_alias(prompt.name, "live").version}
    return out


def files_of_model(client, uri):
    """Downloaded as anybody would."""
    mlflow.set_tracking_uri(client.tracking_uri)
    folder = pathlib.Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "registered_model_meta"}
