"""tab_soil_properties: concordance, RPIQ, RMSE and bias of every model, set and property of study 3.

Rows of `block` "property" are one model on one set and property: means over seeds, with the ends of the bootstrap
intervals over soils; in condition "independent" `pair` is "A>B", A trains and B is tested. Rows of `block` "mean" are
one model over the sets and properties on which it and PLSR of the same range ran: mean CCC, the difference from PLSR
(`mean`) with its interval over families and seeds, and Wilcoxon's p over sets, `p_holm` after Holm's correction for the
models of a condition. `published` is the mean CCC over nine properties in arXiv 2511.15965, from 83,971 soils in MIR
and 1,976 in both ranges.
"""

import pandas as pd

from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.latex import (
    LAYOUT,
    PREAMBLE,
    SYNTHETIC,
    escape,
    fixed,
    interval,
    longtable,
    p_value,
    significant,
    write,
)
from etalon.figures.soil_rows import (
    CV,
    INDEPENDENT,
    KEYS,
    MODELS,
    PROPERTIES,
    PUBLISHED_DATA,
    SEVEN,
    Main,
    absent,
    compared,
    read,
    tabulate,
)

SCORES = [f"{name}{end}" for name in ("ccc", "rpiq", "rmsep", "bias") for end in ("", "_low", "_high")]
MEANS = [
    "tasks",
    "datasets",
    "families",
    "base",
    "mean",
    "mean_low",
    "mean_high",
    "win_share",
    "p",
    "p_holm",
    "published",
]
COLUMNS = ["block", *KEYS, "label", *SCORES, "ccc_sd", "seeds", *MEANS, "status"]
CONDITIONS = {CV: "cross-validation by soil", INDEPENDENT: "another laboratory"}


def table_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`; what did not run is a row whose `status` gives the reason.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    means = pd.concat([compared(rows, condition) for condition in CONDITIONS], ignore_index=True)
    single = tabulate(rows)
    gone = rows.loc[rows["status"] != "ok", [*KEYS, "status"]].drop_duplicates()
    parts = [means.assign(block="mean", status="ok"), single.assign(block="property", status="ok")]
    if len(gone):
        parts.append(gone.assign(block="property"))
    table = pd.concat(parts, ignore_index=True)
    models, main = zip(table["method"].fillna(""), table["variant"].fillna(""), strict=True), Main.of(rows)
    return table.assign(label=[main.look(*model).label for model in models]).reindex(columns=COLUMNS)


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `table_of`."""
    parts = [_means(table[(table["block"] == "mean") & (table["condition"] == name)], name) for name in CONDITIONS]
    ran = table[(table["block"] == "property") & (table["status"] == "ok")]
    parts += [_properties(ran[ran["condition"] == name], name) for name in CONDITIONS]
    reasons = absent(table[table["block"] == "property"].fillna({"pair": "", "target": "", "dataset": ""}))
    parts += [rf"\noindent {escape(reason)}.\par" for reason in reasons[:20]]
    return PREAMBLE + "\n".join([LAYOUT, *filter(None, parts), r"\endgroup"]) + "\n"


def _means(means: pd.DataFrame, condition: str) -> str:
    if means.empty:
        return ""
    caption = (
        f"Soil, {CONDITIONS[condition]}: mean concordance over sets and properties, and the difference from PLSR on the"
        r" same range, in brackets 95 \% bootstrap intervals over families and seeds; $p$: Wilcoxon signed-rank test"
        f" over sets, after Holm. Published: mean over nine properties, {PUBLISHED_DATA}."
    )
    body = []
    for _, row in means.iterrows():
        name = escape(row["label"]) + (SYNTHETIC if row["synthetic"] else "")
        difference = interval(row, "mean", ratios=False)
        p = "" if pd.isna(row["p_holm"]) else p_value(row["p_holm"])
        published = fixed(row["published"], 2)
        body.append([name, f"{row['tasks']:.0f}", fixed(row["ccc"], 3), difference, p, published])
    notes = [SYNTHETIC + " synthetic soils alone, no result."] if means["synthetic"].any() else []
    header = ["Model", "Tasks", "CCC", "Less PLSR", "$p$", "Published"]
    return longtable(caption, f"tab:soil-{condition}", "lrrrrr", header, body, notes)


def _properties(ran: pd.DataFrame, condition: str) -> str:
    """Return CCC and RMSE of the main models: sets and properties down, models across."""
    if ran.empty:
        return ""
    main = Main.of(ran)
    shown = ran[main.holds(ran) & ran["method"].isin((*SEVEN, "mir_fs_evidence", "nir_fs_evidence"))]
    names = [name for name in (*SEVEN, "mir_fs_evidence", "nir_fs_evidence") if name in set(shown["method"])]
    body, last = [], ""
    place = {name: number for number, name in enumerate(PROPERTIES)}
    shown = shown.assign(place=shown["analyte"].map(place)).sort_values(["synthetic", "pair", "dataset", "place"])
    for (dataset, pair, analyte), own in shown.groupby(["dataset", "pair", "analyte"], sort=False):
        place_name = f"{pair}{dataset}"
        name = escape(str(pair or dataset)).replace(r"\textgreater{}", r" $\to$ ")
        unit = own["unit"].iloc[0]
        label = escape(f"{PROPERTIES[str(analyte)]} ({unit})" if unit not in ("", "pH") else PROPERTIES[str(analyte)])
        by_method = own.set_index("method")
        for score in ("ccc", "rmsep"):
            values = by_method[score].reindex(names)
            best = values.max() if score == "ccc" else values.min()
            shape = (lambda v: fixed(v, 2)) if score == "ccc" else significant
            cells = [shape(v) if v != best else rf"\textbf{{{shape(v)}}}" for v in values]
            first = [name if place_name != last else "", label if score == "ccc" else r"\quad RMSE"]
            body.append([*first, *cells])
            last = place_name
    header = ["Set", "Property: CCC", *(escape(MODELS[name].label) for name in names)]
    caption = f"Soil, {CONDITIONS[condition]}: concordance and, below, RMSE; the best of each row in bold."
    return longtable(caption, f"tab:soil-properties-{condition}", "ll" + "r" * len(names), header, body, [])


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = table_of(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
