"""Writes the JSON Schemas of the files that people write; `make schema`."""

import json
from pathlib import Path

from promoter.adapters.json_schema import Facts, Schema, schema_of
from promoter.adapters.policy_schema import policy_schema
from promoter.simulation.scenario import KINDS, ImageName, Scenario

_KINDS: Schema = {"items": {"enum": list(KINDS)}}
_SCENARIO: Facts = {("Expect", "for"): _KINDS, ("Expect", "because"): _KINDS}
FOLDER = Path(__file__).resolve().parent.parent.parent


def schemas() -> dict[str, Schema]:
    """Every schema, by its file's name at the top of the repository."""
    return {"policy.schema.json": policy_schema(), "scenario.schema.json": scenario_schema()}


def scenario_schema() -> Schema:
    """The JSON Schema of a scenario file."""
    image = r"[a-z0-9._/-]{1,255}:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
    return schema_of(Scenario, _SCENARIO, {ImageName: image}, settings=False)


def text_of(schema: Schema) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text_of(schema), encoding="utf-8")
