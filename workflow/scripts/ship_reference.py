"""Copy the metrics tables of a run to results/reference/, with a record of what they were computed with.

Usage: python workflow/scripts/ship_reference.py RUN
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from etalon.storage import load_json, replacing, save_json

TABLES = (
    *("embedding_baselines", "embedding_robustness", "embedding_encoders", "embedding_encoder_robustness"),
    *("pretraining", "embedding_map", "synthetic_realism"),
)


def main(run: str) -> None:
    source, target = Path("results") / run, Path("results/reference") / run
    for table in TABLES:
        with replacing(target / "metrics" / f"{table}.parquet") as temporary:
            shutil.copyfile(source / "metrics" / f"{table}.parquet", temporary)
    save_json(target / "provenance.json", provenance(source / "scores"))


def provenance(scores: Path) -> dict[str, Any]:
    """Return settings, versions and digests of the code of every experiment, and the checksums of every dataset."""
    experiments: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    for path in sorted(scores.glob("*/*.json")):
        record = load_json(path)
        own = experiments.setdefault(record["experiment"], {"code": [], "seconds": 0.0})
        own |= {name: record[name] for name in ("settings", "seed", "python", "packages")}
        own["seconds"] = round(own["seconds"] + record["seconds"], 2)
        if (code := record.get("code", "not recorded")) not in own["code"]:
            own["code"].append(code)
        datasets[record["dataset"]] = record["inputs"]
    return {"experiments": experiments, "datasets": datasets}


if __name__ == "__main__":
    main(*sys.argv[1:])
