"""Encoders judged otherwise: unseen datasets, metadata, few samples, fine-tuning, other instruments, cost."""

from pathlib import Path

import numpy as np
import pandas as pd

from etalon.evaluate.compare import paired_seeds, summarise
from etalon.figures import (
    lodo_rows,
    tab_phase3_lodo,
    tab_phase6_cost,
    tab_phase6_cross_instrument,
    tab_phase6_downstream,
)
from etalon.figures.command import load_metrics, load_table, load_union, plain
from etalon.figures.encoder_rows import ON_FS, UNTRAINED, against, control_of, named, scores, variant_of
from etalon.figures.style import PROTOCOLS, REFERENCE, look, order
from sections.encoders import lever_rows
from sections.markdown import alone, compared, counts, effect, number, summaries, table_of
from sections.shipped import shipped

PLS = REFERENCE["regression"]
ENCODERS = ("random_init", "masked_aug_baseline", "fsnl_random_init", "fsnl_episodic_asls")
# The rows of the short tables, all encoders under one head.
MAIN = (
    PLS,
    "stacked_pls",
    "tuned_ridge",
    "fs/evidence",
    *ON_FS,
    *(f"{variant}/evidence" for variant in ENCODERS),
)
LODO = (("zero_shot", np.nan), ("slope_bias", 10.0), ("spiked", 10.0), ("local_only", 10.0))
METADATA = ("cv", "metadata_never", "metadata_missing", "metadata_wrong")
RUN = ("repeat", "draw")  # what makes two runs one


@shipped("embedding_lodo")
def phase_3(path: Path) -> str:
    rows = lodo_rows.prepare(load_metrics(path))
    table = tab_phase3_lodo.tabulate(rows[rows["method"].isin([*MAIN, lodo_rows.MEAN])])
    table = table[table["block"] == "summary"]
    names = ("tested", "method", "tasks", "to tuned PLS", "95 % interval", "p", "RMSEP / SD", "better than the mean")
    lines = []
    for condition, n in LODO:
        own = table[(table["condition"] == condition) & ((table["n"] == n) | np.isnan(n))]
        title = PROTOCOLS[condition] + ("" if np.isnan(n) else f", {n:.0f}")
        for row in own.to_dict("records"):
            extra = [number(row["to_sd"], ".2f"), number(row["better_than_mean"], ".0%")]
            lines.append([title, look(row["method"]).label, *effect(row), *extra])
    return alone(names, lines)


@shipped("embedding_encoders", "embedding_synthetic")
def phase_4(*paths: Path) -> str:
    metrics = load_union(paths)
    parts = [("cross-validation", metrics)]
    for condition, n in (("zero_shot", np.nan), ("spiked", 10.0)):
        own = metrics[(metrics["condition"] == condition) & ((metrics["amplitude"] == n) | np.isnan(n))]
        title = PROTOCOLS[condition] + ("" if np.isnan(n) else f", {n:.0f}")
        parts.append((title, own.assign(condition="cv")))
    names = ("lever", "encoder", "head", "tested by", "tasks", "with / without", "95 % interval", "p")
    lines = [
        [*levers[:3], title, *levers[3:]] for title, own in parts if len(own) for levers in lever_rows(own, "synth")
    ]
    return alone(names, lines)


@shipped("embedding_metadata")
def phase_5(path: Path) -> str:
    metrics = load_metrics(path)
    rows = scores(named(plain(metrics)), "regression")
    # The rows beside those of trained encoders: the same tasks, the same heads.
    trained = rows[~rows["method"].map(variant_of).isin(["", *UNTRAINED])]
    heads = {name.partition("/")[2] for name in trained["method"]}
    rows = rows[rows["dataset"].isin(trained["dataset"])]
    rows = rows[[name.partition("/")[2] in {"", *heads} for name in rows["method"]]]
    learned = rows["method"].map(variant_of) != ""
    classical = rows[~learned & (rows["condition"] == "cv")]
    found = {name: to_pls(pd.concat([classical, rows[learned & (rows["condition"] == name)]])) for name in METADATA}
    names = ("row", "metadata", "tasks", "to tuned PLS", "95 % interval", "p")
    lines = []
    for name in order(name for table in found.values() for name in table.index if variant_of(name)):
        tested = {condition: table.loc[name] for condition, table in found.items() if name in table.index}
        lines += [[look(name).label, PROTOCOLS.get(c, "as trained"), *effect(row)] for c, row in tested.items()]
    return alone(names, lines)


@shipped("embedding_downstream")
def phase_6_downstream(path: Path) -> str:
    table = tab_phase6_downstream.table_of(load_metrics(path))
    regression, classification = summaries(table)
    common = table[table["block"] == "common"]
    more = f"On the tasks of the fine-tuned encoders alone:\n\n{compared(common, '.3f')}\n\n" if len(common) else ""
    return f"""
RMSECV relative to tuned PLS, over {counts(regression)}:

{compared(regression, ".3f")}

{more}Classification, differences in balanced accuracy to tuned PLS-DA, over {counts(classification)}:

{compared(classification, "+.3f")}

"""


@shipped("embedding_few_shot")
def phase_6_few_shot(path: Path) -> str:
    metrics = load_metrics(path)
    rows = scores(named(plain(metrics[metrics["condition"] == "few_shot"])), "regression")
    columns = ("method", "n", "tasks", "to tuned PLS with n", "95 % interval", "p")
    names = (*columns, "to control", "95 % interval", "p")
    lines = []
    for n, own in rows.groupby("amplitude"):
        found, controls = to_pls(own).reindex(MAIN[1:]).dropna(subset="tasks"), to_controls(own)
        for name, row in found.iterrows():
            lines.append([look(name).label, f"{n:.0f}", *effect(row), *controls.get(name, ["", "", ""])])
    return alone(names, lines)


def to_pls(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the summary of every method against tuned PLS on the same runs, by name."""
    return summarise(paired_seeds(rows, rows[rows["method"] == PLS], RUN), PLS, "ratio").set_index("method")


def to_controls(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the cells of each trained encoder's ratio to the untrained one of its make, by name."""
    pairs = against(rows, {name: control_of(name) for name in MAIN}, RUN)
    return {
        str(name): effect(summarise(own, str(control_of(str(name))), "ratio").iloc[0])[1:]
        for name, own in pairs.groupby("method")
    }


@shipped("embedding_cross_instrument")
def phase_6_cross_instrument(path: Path) -> str:
    table = tab_phase6_cross_instrument.tabulate(load_metrics(path))
    table = table[(table["block"] == "summary") & table["method"].isin(MAIN)]
    names = ("tested on", "method", "tasks", "to tuned PLS", "95 % interval", "p", "RMSEP / SD")
    lines = [
        [PROTOCOLS[row["condition"]], row["label"], *effect(row), number(row["relative"], ".2f")]
        for row in table.to_dict("records")
    ]
    return alone(names, lines)


@shipped("cost")
def phase_6_cost(path: Path) -> str:
    """Write a row a method and a column of seconds a dataset; why something did not run stands once below."""
    table = tab_phase6_cost.tabulate(load_table(path, tab_phase6_cost.COLUMNS)).fillna({"variant": "", "head": ""})
    sets = table.drop_duplicates("dataset")
    titles = [f"{row.dataset}, {row.n_train} x {row.n_channels}" for row in sets.itertuples()]
    lines, reasons = [], {}
    for (method, variant, head), rows in table.groupby(["method", "variant", "head"], sort=False):
        label = look(f"{variant}/{head}" if variant else method).label
        by_set = rows.set_index("dataset")
        ran = by_set["status"] == "ok"
        reasons |= dict.fromkeys(by_set["status"][~ran])
        seconds = [number(by_set["total"][name], ".2f") if ran[name] else "not run" for name in sets["dataset"]]
        first = rows.iloc[0]
        lines.append([label, *seconds, str(first["searched"]), str(first["by_hand"]), first["needs"]])
    names = ("method", *titles, "settings searched", "by hand", "needs")
    below = "".join(f"{reason[0].upper()}{reason[1:]}.\n" for reason in reasons)
    return f"\nSeconds; specimens that train x channels.\n\n{table_of(names, lines)}\n\n{below}\n"
