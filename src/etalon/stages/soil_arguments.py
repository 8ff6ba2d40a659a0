"""What the stages of the soil study share on their command lines: the sets, their folds, the split, the seed."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from etalon.code_digest import code_digest
from etalon.evaluate.provenance import describe
from etalon.evaluate.soil_sets import Study, load_study
from etalon.stages.arguments import parser


def soil_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of a stage that works on one split ("fold0", ..., "independent") with one seed."""
    arguments = parser(description)
    arguments.add_argument("--data", type=Path, nargs="+", required=True, help="folders of the datasets")
    arguments.add_argument("--folds", type=Path, nargs="*", default=[], help="folds of those in cross-validation")
    arguments.add_argument("--split", required=True, help="fold<n>, or independent")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra, part of the result")
    return arguments


def read_study(args: argparse.Namespace) -> Study:
    return load_study(args.data, args.folds, args.settings["study"], args.split)


def record_of(args: argparse.Namespace, stage: str, study: Study, seed: int | None = None) -> dict[str, Any]:
    """Return what a reader needs to know of how a file came about, as JSON content."""
    inputs = {f"{folder.name}/{name}": folder / name for folder in args.data for name in ("spectra.npy", "targets.npy")}
    content: dict[str, Any] = {"experiment": stage, "split": args.split, "not_run": study.not_run}
    content |= describe(args.settings, args.seed, inputs) | {"code": code_digest(f"etalon.stages.{stage}")}
    content["grid"] = {name: [float(points[0]), float(points[-1]), len(points)] for name, points in study.grid.items()}
    return content if seed is None else content | {"encoder_seed": seed}


def rows_named(rows: dict[str, np.ndarray], study: Study) -> dict[str, int]:
    """Return how many soils of each set take part."""
    return {name: len(np.unique(study.sets[name].groups[own])) for name, own in rows.items()}
