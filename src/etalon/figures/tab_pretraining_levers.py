"""tab_pretraining_levers: what each lever of pretraining does, as the error with it relative to that without it.

One row a lever, encoder and head. `with` and `without` are variants, or rows "variant/head" where the lever is one of
the head, that differ in the lever alone; they are compared on the same tasks, folds and seeds, and summed up by
`etalon.evaluate.compare.summarise` (intervals over families and seeds, Holm over the rows of the table): below 1 the
lever helps. The lever "another seed" compares the further seeds of a variant with its first one: what chance alone
does. `synthetic` is true where too few real tasks ran.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from etalon.evaluate.compare import OF_SEEDS, SUMMARY, paired_seeds, summarise
from etalon.figures.command import load_union, parse_args, run
from etalon.figures.encoder_latex import DEMO
from etalon.figures.encoder_rows import ABSENT, cross_validated, is_perceiver, not_run, reasons
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, fixed, interval, longtable, p_value, write

ENCODER_HEADS = (("ridge", "ridge"), ("evidence", "evidence"))
PERCEIVER, FSNL = "masked_aug_baseline", "fsnl_episodic_asls"
SEED = "another seed"


class Lever(NamedTuple):
    """A lever, the variants that have it and do not have it, and the pairs of heads under which they are compared."""

    name: str
    with_it: str
    without: str
    heads: tuple[tuple[str, str], ...] = ENCODER_HEADS


LEVERS = (
    Lever("masked objective", "masked", "random_init"),
    Lever("augmentations", "masked_aug", "masked"),
    Lever("baseline consistency", PERCEIVER, "masked_aug"),
    Lever("synthetic share low", f"{PERCEIVER}_synthetic_low", PERCEIVER),
    Lever("synthetic share high", f"{PERCEIVER}_synthetic_high", PERCEIVER),
    Lever("synthetic only", f"{PERCEIVER}_synthetic_only", PERCEIVER),
    Lever("metadata", f"{PERCEIVER}_metadata", PERCEIVER),
    Lever("metadata with dropout", f"{PERCEIVER}_metadata_dropout", PERCEIVER),
    Lever(SEED, PERCEIVER, PERCEIVER),
    Lever("episodic objective", "fsnl_episodic", "fsnl_random_init"),
    Lever("AsLS target", FSNL, "fsnl_episodic"),
    Lever("synthetic share low", FSNL, f"{FSNL}_real_only"),
    Lever("synthetic share high", f"{FSNL}_synthetic_high", f"{FSNL}_real_only"),
    Lever("synthetic only", f"{FSNL}_synthetic_only", f"{FSNL}_real_only"),
    Lever("metadata", f"{FSNL}_metadata", FSNL),
    Lever("metadata with dropout", f"{FSNL}_metadata_dropout", FSNL),
    Lever(SEED, FSNL, FSNL),
    Lever("kernels of the head", "fs", "fs", (("kernels", "evidence"),)),
    Lever("pooled prior of the head", "fs", "fs", (("pretrained_kernels", "kernels"),)),
)
COLUMNS = [
    *("lever", "encoder", "head", "with", "without", "status", "not_run", "synthetic"),
    *(name for name in SUMMARY if name != "method"),
    *OF_SEEDS,
]


def tabulate(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`; a lever that cannot be judged has the reason as its status.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows, ran, extended = cross_validated(metrics)
    cases = {f"{number}/{heads[0]}": (lever, heads) for number, lever in enumerate(LEVERS) for heads in lever.heads}
    pairs = pd.concat([_pair(ran, lever, heads).assign(method=case) for case, (lever, heads) in cases.items()])
    found = summarise(pairs, "", "ratio").set_index("method").reindex([*cases])
    if extended:
        found[["p", "p_holm"]] = np.nan
    places = pd.DataFrame([_place(rows, ran, *case) for case in cases.values()], index=found.index)
    table = places.join(found.fillna({"tasks": 0, "datasets": 0, "families": 0, "seeds": 0}))
    compared = (table["tasks"] > 0) | (table["status"] != "ok")
    table["status"] = table["status"].where(compared, "not run: no task and seed in common")
    return table.assign(synthetic=extended).reset_index(drop=True).reindex(columns=COLUMNS)


def _pair(ran: pd.DataFrame, lever: Lever, heads: tuple[str, str]) -> pd.DataFrame:
    """Return `paired_seeds` of a lever: on equal seeds, or for `SEED` the further ones against the first."""
    own, base = (ran[ran["method"] == name] for name in _names(lever, heads))
    if lever.name != SEED:
        return paired_seeds(own, base, ("repeat", "seed"))
    first = own["seed"].min()
    return paired_seeds(own[own["seed"] > first], base[base["seed"] == first])


def _names(lever: Lever, heads: tuple[str, str]) -> tuple[str, str]:
    """Return the rows with and without the lever."""
    return f"{lever.with_it}/{heads[0]}", f"{lever.without}/{heads[1]}"


def _encoder(variant: str) -> str:
    if is_perceiver(variant):
        return "perceiver"
    return "fs" if variant == "fs" else "fsnl"


def _place(rows: pd.DataFrame, ran: pd.DataFrame, lever: Lever, heads: tuple[str, str]) -> dict[str, str]:
    names = list(dict.fromkeys(_names(lever, heads)))
    absent = [name for name in names if not (ran["method"] == name).any()]
    why = {name: reasons(not_run(rows, name)) for name in names}
    of_heads = heads[0] != heads[1]
    return {
        "lever": lever.name,
        "encoder": _encoder(lever.with_it),
        "head": heads[0],
        "with": names[0] if of_heads else lever.with_it,
        "without": names[1] if of_heads else lever.without,
        "status": (why[absent[0]] or ABSENT) if absent else "ok",
        "not_run": "; ".join(dict.fromkeys(filter(None, why.values()))),
    }


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`."""
    notes, demo = Notes(), bool(table["synthetic"].any())
    body = [_cells(row, notes, demo) for _, row in table.iterrows()]
    header = ["Lever", "Encoder", "Head", "Tasks", "Seeds", "With / without", "Median", r"Won (\%)", "$p$"]
    caption = (
        "Levers of pretraining: RMSECV of the variant with the lever relative to the one without it, geometric mean"
        r" over tasks, on the same folds and seeds. In brackets 95 \% bootstrap intervals over families and seeds; $p$:"
        " Wilcoxon signed-rank test over datasets, after Holm."
    )
    found = longtable(
        caption, "tab:pretraining-levers", "lllrrrrrr", header, body, [*([DEMO] if demo else []), *notes.lines([])]
    )
    return PREAMBLE + "\n".join([LAYOUT, found, r"\endgroup"]) + "\n"


def _cells(row: pd.Series, notes: Notes, demo: bool) -> list[str]:
    place = [escape(row["lever"]) + (SYNTHETIC if demo else ""), row["encoder"], escape(row["head"])]
    if row["status"] != "ok":
        return [*place, notes.mark(row["status"]), *[""] * 5]
    tasks = fixed(row["tasks"], 0) + (notes.letter(row["not_run"]) if row["not_run"] else "")
    effects = [interval(row, name, True) for name in ("mean", "median")]
    return [*place, tasks, fixed(row["seeds"], 0), *effects, fixed(100 * row["win_share"], 0), p_value(row["p_holm"])]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv, several=True)
    table = tabulate(load_union(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
