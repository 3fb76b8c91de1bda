"""Writes manifest.json out of the one that dbt makes of dbt_schema.yml: in a project with that file, orders.sql and
customers.sql (any SELECT) below models/, with dbt-core==1.10.23 and dbt-duckdb: dbt parse; python make_dbt.py target/manifest.json

Only models and tests are kept, of their configuration only what an importer could read; all else is dbt's own macros."""
import json
import sys

manifest = json.load(open(sys.argv[1]))
kept = {"metadata": {key: manifest["metadata"][key] for key in ("dbt_schema_version", "dbt_version")}, "nodes": {}}
for name, node in manifest["nodes"].items():
    fields = ("resource_type", "name", "unique_id", "columns", "description", "test_metadata", "column_name", "attached_node", "depends_on")
    kept["nodes"][name] = {field: node[field] for field in fields if field in node}
    kept["nodes"][name]["config"] = {field: node["config"].get(field) for field in ("severity", "where", "enabled") if field in node["config"]}
json.dump(kept, open("manifest.json", "w"), indent=1)
