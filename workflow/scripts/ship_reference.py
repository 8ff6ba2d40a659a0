"""Copy the metrics tables of a run to results/reference/, with a record of what they were computed with.

Usage: python workflow/scripts/ship_reference.py RUN

A run that holds a part of the experiments replaces what was shipped of these; the rest stays as it is.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from etalon.storage import load_json, replacing, save_json


def main(run: str) -> None:
    source, target = Path("results") / run, Path("results/reference") / run
    if not (tables := sorted((source / "metrics").glob("*.parquet"))):
        sys.exit(f"error: {source / 'metrics'}: expected metrics tables of a run, found none")
    for table in tables:
        with replacing(target / "metrics" / table.name) as temporary:
            shutil.copyfile(table, temporary)
    record = target / "provenance.json"
    known = load_json(record) if record.exists() else {}
    found = provenance(source / "scores", [source / "checkpoints", source / "transfer/checkpoints"])
    # Tables of experiments that this folder of results does not hold stay shipped, and so does what is known of them.
    save_json(record, {part: known.get(part, {}) | entries for part, entries in found.items()})


def provenance(scores: Path, checkpoints: list[Path]) -> dict[str, Any]:
    """Return settings, versions and digests of the code of every experiment and variant, and checksums of datasets."""
    experiments: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    for path in sorted(scores.rglob("*.json")):
        content = load_json(path)
        for record in content.get("records", [content]):
            add(experiments, record["experiment"], record, ("settings", "seed", "python", "packages"))
            if "dataset" in record:
                datasets[record["dataset"]] = record["inputs"]
    trainings: dict[str, Any] = {}
    records = (path for folder in checkpoints for path in folder.glob("*/*/seed*.json"))
    for path in sorted(path for path in records if "." not in path.stem):  # states of unfinished trainings have more
        record = load_json(path)
        shown = ("config", "settings", "seed", "python", "packages", "device", "spectra", "weights_may_be_shipped")
        add(trainings, record.get("variant", path.parent.parent.name), record, shown)
    return {"experiments": experiments, "trainings": trainings, "datasets": datasets}


def add(found: dict[str, Any], name: str, record: dict[str, Any], shown: tuple[str, ...]) -> None:
    """Add a record to those of its name: what all share, every digest of the code, and the seconds of all together."""
    own = found.setdefault(name, {"code": [], "seconds": 0.0, "records": 0})
    own |= {key: record[key] for key in shown}
    own["seconds"] = round(own["seconds"] + record["seconds"], 2)
    own["records"] += 1
    if (code := record.get("code", "not recorded")) not in own["code"]:
        own["code"].append(code)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("run", metavar="RUN")
    main(arguments.parse_args().run)
