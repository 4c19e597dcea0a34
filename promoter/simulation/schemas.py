"""Writes the JSON Schemas of the files that people write; `make schema`."""

import json
from pathlib import Path

from promoter.adapters.json_schema import Schema
from promoter.adapters.policy_schema import policy_schema

FOLDER = Path(__file__).resolve().parent.parent.parent


def schemas() -> dict[str, Schema]:
    """Every schema, by its file's name at the top of the repository."""
    return {"policy.schema.json": policy_schema()}


def text_of(schema: Schema) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text_of(schema), encoding="utf-8")
