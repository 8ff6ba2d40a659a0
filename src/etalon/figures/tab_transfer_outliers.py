"""tab_transfer_outliers: how often limits flag spectra of a calibration's own kind, and spoiled ones.

Rows of `block` "summary" are one limit and number of specimens: shares of flagged spectra, mean over datasets. Rows of
`block` "dataset" are the same of one dataset, mean over draws. A limit that needs more samples has its reason as
status.
"""

import pandas as pd

from etalon.errors import BadInputError
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_latex import DEMO
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, fixed, longtable, write

LIMITS = {
    "chi_square": "Chi-square, T²",
    "hotelling": "Hotelling, T²",
    "cross_validated": "Left-out samples, T²",
    "residual": "Left-out samples, Q",
    "either": "Left-out samples, T² or Q",
}
CONDITIONS = {
    "own": "own",
    "foreign": "foreign substance",
    "spikes": "spikes",
    "dropped_band": "dropped band",
    "saturation": "saturation",
}
COLUMNS = ["block", "dataset", "family", "synthetic", "size", "limit", "label", "status", "datasets", *CONDITIONS]
NOMINAL = 0.025


def table_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`: shares between 0 and 1.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = plain(metrics)
    rows = rows[rows["condition"].isin(list(CONDITIONS)) & rows["method"].isin(list(LIMITS))]
    rows = rows.rename(columns={"amplitude": "size", "method": "limit"})
    ran = rows[rows["status"] == "ok"]
    if ran.empty:
        raise BadInputError("metrics", "condition", f"rows of {', '.join(CONDITIONS)} that ran", "none")
    place = ["dataset", "family", "synthetic", "size", "limit"]
    shares = ran.pivot_table(index=place, columns="condition", values="value", aggfunc="mean").reset_index()
    shares = shares.assign(block="dataset", status="ok", datasets=1)
    absent = rows[(rows["status"] != "ok") & (rows["condition"] == "own")][[*place, "status"]].drop_duplicates(place)
    absent = absent.merge(shares[place], on=place, how="left", indicator=True)
    absent = absent[absent["_merge"] == "left_only"].drop(columns="_merge").assign(block="dataset", datasets=0)
    of_sets = pd.concat([shares, absent], ignore_index=True)
    table = pd.concat([_summary(shares), of_sets], ignore_index=True)
    rank = {name: number for number, name in enumerate(LIMITS)}
    table = table.assign(label=table["limit"].map(LIMITS), rank=table["limit"].map(rank))
    table = table.sort_values(["block", "dataset", "size", "rank"], ascending=[False, True, True, True], kind="stable")
    return table.reindex(columns=COLUMNS).reset_index(drop=True)


def _summary(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the means over datasets, real ones where there are some."""
    synthetic = bool(shares["synthetic"].all())
    counted = shares[synthetic | ~shares["synthetic"]]
    present = [name for name in CONDITIONS if name in counted]
    groups = counted.groupby(["size", "limit"])
    found = groups[present].mean().join(groups.size().rename("datasets")).reset_index()
    return found.assign(block="summary", dataset="", family="", synthetic=synthetic, status="ok")


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `table_of`: means over datasets, then false alarms by dataset."""
    return PREAMBLE + "\n".join([LAYOUT, _means(table), _false_alarms(table), r"\endgroup"]) + "\n"


def _means(table: pd.DataFrame) -> str:
    own = table[table["block"] == "summary"]
    demo = bool(own["synthetic"].any())
    body, last = [], None
    for _, row in own.iterrows():
        cells = [percent(row[name]) for name in CONDITIONS]
        size = f"{row['size']:g}" if row["size"] != last else ""
        last = row["size"]
        body.append([size, escape(row["label"]) + (SYNTHETIC if demo else ""), *cells, f"{row['datasets']:g}"])
    caption = (
        "Planted outliers: share of spectra beyond a limit (\\%), mean over datasets. Own: held-out spectra as"
        f" measured, false alarms, nominally {100 * NOMINAL:g}; the others are the same spectra, spoiled: the bands of"
        " ethanol added, three channels raised, a twentieth of the axis bridged, the top tenth cut off. Limits of"
        " left-out samples are quantiles of what calibrations say of samples that they were not fitted to; with fewer"
        " than 39 samples (T² or Q: 79) there is none."
    )
    header = ["Specimens", "Limit", *CONDITIONS.values(), "Datasets"]
    return longtable(
        caption, "tab:transfer-outliers", "ll" + "r" * (len(CONDITIONS) + 1), header, body, [DEMO] if demo else []
    )


def _false_alarms(table: pd.DataFrame) -> str:
    own, notes, body = table[table["block"] == "dataset"], Notes(), []
    for (dataset, size), rows in own.groupby(["dataset", "size"], sort=True):
        named = rows.set_index("limit")
        cells = []
        for name in LIMITS:
            status = named["status"].get(name, "not run: no such row")
            cells.append(percent(named["own"][name]) if status == "ok" else notes.mark(status))
        mark = SYNTHETIC if rows["synthetic"].any() else ""
        body.append([escape(dataset) + mark, f"{size:g}", *cells])
    caption = "False alarms by dataset and number of specimens (\\%), mean over draws."
    header = ["Dataset", "Specimens", *map(escape, LIMITS.values())]
    columns = "lr" + "r" * len(LIMITS)
    return longtable(caption, "tab:transfer-false-alarms", columns, header, body, notes.lines(body))


def percent(share: float) -> str:
    """Return a share in per cent with one decimal; NaN is an empty string."""
    return fixed(100.0 * share, 1)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = table_of(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
