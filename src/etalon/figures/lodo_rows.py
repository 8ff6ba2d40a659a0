"""Rows of leave-one-dataset-out: each method against tuned PLS with equal local samples, and pairs of sets."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK, paired_seeds
from etalon.evaluate.score import PRIMARY
from etalon.figures import style
from etalon.figures.command import load_metrics, plain
from etalon.figures.encoder_rows import named
from etalon.records import METRIC_COLUMNS, concatenate

KIND = "regression"
REFERENCE = style.REFERENCE[KIND]
MEAN = "mean"
CONDITIONS = ("zero_shot", "slope_bias", "spiked", "local_only")
PAIR = "train_test"
WITHIN = "cv"  # encoder pretrained without the family, head trained inside the set
VARIANTS = ("random_init", "masked_aug_baseline", "fs", "fsnl_random_init", "fsnl_episodic_asls")
HEADS = ("ridge", "evidence", "fs_evidence", "kernels")
CLASSICAL = (REFERENCE, "tuned_ridge", "asls_snv_pls", "stacked_pls", MEAN)
PLACE = [*TASK, "analyte", "unit", "synthetic", "overlaps"]
KEYS = [*PLACE, "method", "condition", "n", "pair", "draw", "repeat", "seed"]


def read(paths: Iterable[Path]) -> pd.DataFrame:
    """Return the regression rows of several metrics tables, embeddings named "variant/head", `n` local samples."""
    table = concatenate([load_metrics(path) for path in paths], METRIC_COLUMNS)
    return prepare(table)


def prepare(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the regression rows of `etalon.records.METRIC_COLUMNS` that this protocol is about.

    Raises
    ------
    BadInputError : there are none of its conditions
    """
    rows = named(plain(metrics[metrics["task"] == KIND])).rename(columns={"amplitude": "n"})
    if not rows["condition"].isin([*CONDITIONS, PAIR]).any():
        raise BadInputError("metrics", "condition", f"rows of {', '.join(CONDITIONS)}", "none")
    return rows[(rows["fold"] == -1) & rows["condition"].isin([*CONDITIONS, PAIR, WITHIN])]


def settings_of(rows: pd.DataFrame) -> list[tuple[str, float]]:
    """Return the conditions with their numbers of local samples, in the order of a table."""
    own = rows[rows["condition"].isin(CONDITIONS)]
    found = own[["condition", "n"]].drop_duplicates().itertuples(index=False)
    return sorted(((str(c), float(n)) for c, n in found), key=lambda pair: (CONDITIONS.index(pair[0]), pair[1]))


def setting(rows: pd.DataFrame, condition: str, n: float) -> pd.DataFrame:
    """Return the rows of one condition and number of local samples (NaN: of the condition)."""
    chosen = rows["condition"] == condition
    return rows[chosen if np.isnan(n) else chosen & (rows["n"] == n)]


def scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the errors that ran, with `to_sd`: RMSEP over the standard deviation of the test references.

    That ratio is sqrt(1 - R2), with the divisor n in both.
    """
    ran = rows[(rows["status"] == "ok") & rows["value"].notna()]
    parts = {name: own.drop(columns="metric") for name, own in ran[[*KEYS, "metric", "value"]].groupby("metric")}
    none = ran[[*KEYS, "value"]][:0]
    table = parts.get(PRIMARY[KIND], none)
    for name in ("r2", "bias"):
        other = parts.get(name, none).rename(columns={"value": name})
        table = table.merge(other, on=KEYS, how="left")
    return table.assign(to_sd=np.sqrt(np.maximum(1.0 - table["r2"], 0.0)))


def shown_names(rows: pd.DataFrame, variants: Sequence[str] = VARIANTS, heads: Sequence[str] = HEADS) -> list[str]:
    """Return the names of the rows to show: classical methods, then embeddings that the metrics hold."""
    held = set(rows.loc[rows["condition"].isin([*CONDITIONS, PAIR]), "method"])
    known = [f"{variant}/{head}" for variant in variants for head in heads]
    return [*(name for name in CLASSICAL if name in held), *style.order(name for name in known if name in held)]


def compare(ran: pd.DataFrame, names: Sequence[str], opponent: str, condition: str, n: float) -> pd.DataFrame:
    """Return each method's errors relative to those of `opponent` with equal local samples, one row a task and seed.

    Runs are paired by draw and repeat; the columns are those of `etalon.evaluate.compare.paired_seeds`, and `method`.

    Parameters
    ----------
    ran : output of `scores`
    """
    own = setting(ran, condition, n)
    base = own[own["method"] == opponent]
    on = ("repeat", "draw")
    parts = [paired_seeds(own[own["method"] == name], base, on).assign(method=name) for name in names]
    return pd.concat(parts, ignore_index=True)


def reasons(rows: pd.DataFrame) -> list[str]:
    """Return one line a reason for what did not run zero-shot or with local samples: methods, number of tasks."""
    missing = rows[(rows["status"] != "ok") & rows["condition"].isin(CONDITIONS)]
    notes = []
    for (status, condition), group in missing.groupby(["status", "condition"], sort=False):
        every = set(group["method"]) == set(rows.loc[rows["condition"].isin(CONDITIONS), "method"])
        label = "All methods" if every else ", ".join(style.look(name).label for name in style.order(group["method"]))
        tasks = len(group[TASK].drop_duplicates())
        notes.append(f"{style.PROTOCOLS[str(condition)]}: {label} ({style.count(tasks, 'task')}) {status}")
    return notes
