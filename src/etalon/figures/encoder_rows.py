"""Rows of tables on encoders: a method, or an embedding "variant/head", and the scores that each has."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK, claimable, paired_seeds
from etalon.evaluate.score import PRIMARY
from etalon.figures import style
from etalon.figures.command import plain
from etalon.figures.style import REFERENCE

EMBEDDING = "embedding"  # the method of learned and fixed embeddings in metrics tables
FIXED = {"regression": "fs/evidence", "classification": "fs/logistic"}  # the bar that needs no training
LADDER = ("masked", "masked_aug", "masked_aug_baseline")  # steps B, C and D of phase 2
UNTRAINED = ("random_init", "fsnl_random_init", "fs")
# Heads on the blocks of fs alone, and the pretrained one with its control.
ON_FS = ("fs/kernels", "fs/pretrained_kernels")
MIN_TASKS = 3  # with fewer real tasks than this, synthetic ones are shown with them and it is said
ABSENT = "not run: no such row in the metrics table"


def named(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with "variant/head" as `method` where they are of an embedding.

    Rows that did not run may lack the variant or the head: they then stand for all of them ("variant/", "/").
    """
    names = metrics["variant"].astype(str) + "/" + metrics["head"].astype(str)
    method = metrics["method"].astype(str)
    return metrics.assign(method=method.where(method != EMBEDDING, names))


def scores(rows: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return the rows of `task` that ran and hold its primary score, all folds of a repeat pooled."""
    chosen = (rows["task"] == task) & (rows["metric"] == PRIMARY[task]) & (rows["fold"] == -1)
    return rows[chosen & (rows["status"] == "ok") & rows["value"].notna()]


def variant_of(name: str) -> str:
    """Return the variant of an embedding "variant/head"; "" for a method."""
    return name.partition("/")[0] if "/" in name else ""


def variants(names: Iterable[str]) -> list[str]:
    """Return the distinct variants among `names`, in the order of `style.VARIANTS`."""
    found = [variant_of(name) for name in style.order(names)]
    return list(dict.fromkeys(name for name in found if name))


def is_perceiver(variant: str) -> bool:
    return bool(variant) and not variant.startswith("fs")


def control_of(name: str) -> str | None:
    """Return the untrained encoder of the same architecture under the same head; None where there is none.

    That of the pretrained head on fs, of which the head alone is trained, is the same head with a prior set by hand.
    """
    if name == "fs/pretrained_kernels":
        return "fs/kernels"
    variant, _, head = name.partition("/")
    if not head or variant in UNTRAINED:
        return None
    return f"{'fsnl_random_init' if variant.startswith('fsnl') else 'random_init'}/{head}"


def opponents(name: str, task: str) -> dict[str, str | None]:
    """Return what row `name` is compared with: tuned PLS (PLS-DA), its control, the fixed embedding."""
    return {
        "reference": REFERENCE[task],
        "control": control_of(name),
        "fixed": FIXED[task] if name != FIXED[task] else None,
    }


def against(rows: pd.DataFrame, opponents: Mapping[str, str | None], on: Sequence[str]) -> pd.DataFrame:
    """Return `paired_seeds` of every method with its opponent; methods without one are left out.

    Parameters
    ----------
    rows : of `scores`, one condition
    opponents : by name of the method
    on : what makes two runs one, as of `etalon.evaluate.compare.paired_seeds`
    """
    rows = rows[[*TASK, "synthetic", "overlaps", "method", *dict.fromkeys([*on, "seed"]), "value"]]
    by_opponent: dict[str, list[str]] = {}
    for name, other in opponents.items():
        if other is not None:
            by_opponent.setdefault(other, []).append(name)
    parts = [
        paired_seeds(rows[rows["method"].isin(names)], rows[rows["method"] == other], on)
        for other, names in by_opponent.items()
    ]
    return pd.concat(parts or [paired_seeds(rows[:0], rows[:0], on)], ignore_index=True)


def stand_for(name: str) -> set[str]:
    """Return the names under which a row that did not run may stand for `name` (see `named`)."""
    return {name, f"{variant_of(name)}/", "/"} if "/" in name else {name}


def not_run(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the distinct datasets, targets, conditions and reasons for which row `name` did not run."""
    missing = rows[(rows["status"] != "ok") & rows["method"].isin(stand_for(name))]
    return missing.drop_duplicates(["dataset", "target", "condition", "status"])


def reasons(missing: pd.DataFrame) -> str:
    """Return the reasons in the output of `not_run`, each with its number of datasets; "" for none."""
    counts = missing.groupby("status", sort=False)["dataset"].nunique()
    return "; ".join(f"{status} ({style.count(n, 'dataset')})" for status, n in counts.items())


def shown(rows: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return the rows that a summary is made of, and whether they hold more than `claimable` ones.

    Where fewer than `MIN_TASKS` real tasks ran, synthetic and overlapping sets join them: a demo, not a result.
    """
    real = claimable(rows)
    if len(real[["dataset", "target"]].drop_duplicates()) >= MIN_TASKS or len(real) == len(rows):
        return real, False
    return rows, True


def cross_validated(metrics: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Return all regression rows of "cv", named, those of them that a summary is made of, and `shown`'s second value.

    Where synthetic sets have to join the real ones, all count alike.

    Raises
    ------
    BadInputError
        Where there is no such row.
    """
    rows = named(plain(metrics[(metrics["condition"] == "cv") & (metrics["task"] == "regression")]))
    if rows.empty:
        raise BadInputError("metrics", "condition", "regression rows of cv", "none")
    ran = scores(rows, "regression")
    _, extended = shown(ran)
    return rows, ran.assign(synthetic=False, overlaps="") if extended else ran, extended
