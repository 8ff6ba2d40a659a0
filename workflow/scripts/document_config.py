"""Write config/README.md: every key of the configuration and of the dataset catalogue, from their schemas.

Usage: python workflow/scripts/document_config.py > config/README.md
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]
SCHEMAS = Path(__file__).parents[1] / "schemas"
INTRODUCTION = """\
# Configuration

Generated from `workflow/schemas/`; `make docs` writes it again.

`config.yaml` is the demo and the default. `paper.yaml`, `test.yaml` and `scale.yaml` are laid over it with
`--configfile`, and so is a file of your own. `--config` changes keys of the first level and lists of names, as in
`snakemake figures --cores all --config seed=2 'datasets={include: [corn_*]}'` (targets come before options; Snakemake
hands numbers inside braces on as text, which the schema refuses).
An unknown key, a wrong type or a dataset that the catalogue does not hold stops the run before its first job.
Cores, memory and partitions are no configuration: they stand in `profiles/`.
"""


def main() -> None:
    names = ("config", "variants", "catalogue")
    config, variants, entry = (yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text()) for name in names)
    print(INTRODUCTION)
    print("## `config.yaml`\n")
    print_table(config, config)
    print("\n## `variants.yaml`, one entry a way to pretrain\n")
    print(f"{variants['description']}\n")
    print_table(variants["additionalProperties"], variants)
    print("\n## `datasets.yaml`, one entry a dataset\n")
    print(f"{entry['description']}\n")
    print_table(entry, entry)
    for name, options in entry["$defs"].items():
        if name.startswith("options_"):
            print(f"\n### `options` of the reader `{name.removeprefix('options_')}`\n")
            if "description" in options:
                print(f"{options['description']}\n")
            if options.get("properties"):
                print_table(options, entry)


def print_table(schema: Schema, root: Schema) -> None:
    print("| key | type | default | meaning |\n|---|---|---|---|")
    for key, field, required in fields(schema, root):
        default = "required" if required else f"`{json.dumps(field['default'])}`" if "default" in field else ""
        meaning = " ".join(field.get("description", "").split()).replace("|", "\\|")
        print(f"| `{key}` | {type_of(field)} | {default} | {meaning} |")


def fields(schema: Schema, root: Schema, prefix: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """Yield dotted key, schema and whether it is required, blocks before what they hold."""
    for name, raw in schema.get("properties", {}).items():
        field = resolve(raw, root)
        # The default of a block of keys that all have defaults says nothing.
        shown = {key: value for key, value in field.items() if (key, value) != ("default", {})}
        yield f"{prefix}{name}", shown, name in schema.get("required", ())
        yield from fields(field, root, f"{prefix}{name}.")
        items = resolve(field.get("items", {}), root)
        yield from fields(items, root, f"{prefix}{name}[].")


def resolve(field: Schema, root: Schema) -> Schema:
    """Return `field` with the definition it refers to; what it states itself wins."""
    if "$ref" not in field:
        return field
    definition: Schema = root
    for part in field["$ref"].removeprefix("#/").split("/"):
        definition = definition[part]
    return resolve(definition, root) | field


def type_of(field: Schema) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    types = field.get("type", "")
    name = " or ".join(types) if isinstance(types, list) else types
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return ", ".join([name, *(f"{sign} {field[key]:g}" for key, sign in limits.items() if key in field)])


if __name__ == "__main__":
    main()
