"""tab_transfer_cost: what each way to transfer a calibration costs and what it reaches, on one pair of instruments.

`weights` are the numbers of all networks of a method, `fitted` those that the transfer samples change. Pretraining is
spent once for all instruments. `samples` is the smallest number of transfer samples with which the mean RMSEP over
random draws is no larger than that of PDS with the most it was tried with; blank where none reaches it. Hours and
money are for that many samples: each is measured on both instruments, and analysed where a method needs laboratory
values of them. Rates are assumptions of the configuration (transfer.cost).
"""

import numpy as np
import pandas as pd

from etalon.errors import BadInputError
from etalon.figures.command import load_metrics, load_table, parse_args, plain, run
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, fixed, longtable, significant, write
from etalon.figures.learned_rows import CLASSICAL, TASK, read_learned
from etalon.figures.transfer_rows import arrow, look, order

# The table of the stage measure_transfer_cost, as `etalon.evaluate.transfer_cost.COST_COLUMNS` describes it.
RATES = ("analyst_minutes", "scan_minutes", "analyst_rate", "instrument_rate", "currency")
MEASURED = ("weights", "fitted", "pretraining_seconds", "fit_seconds", "ms_per_spectrum", "needs_references")
READ = ("pair", "target", "method", "size", "n_channels", *MEASURED, *RATES, "machine", "status")
COLUMNS = [
    *("pair", "target", "method", "label", "n_channels", "size", *MEASURED, "rmsep", "r2"),
    *("samples", "analyst_hours", "instrument_hours", "money", "currency", "machine", "synthetic", "status"),
]


def tabulate(metrics: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Return `COLUMNS`, one row a method.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    costs : output of the stage measure_transfer_cost
    """
    rows, costs = read_learned(metrics), plain(costs)
    place = costs[TASK].iloc[0]
    here = rows[(rows["pair"] == place["pair"]) & (rows["target"] == place["target"])]
    if here.empty:
        raise BadInputError("metrics", "pair", f"rows of {place['pair']}, {place['target']}", "none")
    # Means of all methods are over the transfer sets that all have.
    drawn = here[here["draw"] >= 0]
    fewest = drawn.groupby("name")["draw"].nunique().min()
    here = here[here["draw"] < fewest]
    # Of a network with several pretrainings the first is what costs were measured on, and all take part in errors.
    means = here[here["name"] == here["method"]].groupby(["metric", "method", "size"])["value"].mean()
    errors = means["rmsep"].reset_index().pivot_table(index="size", columns="method", values="value")
    errors = errors[errors.index > 0]
    goal = errors[CLASSICAL].dropna().iloc[-1]
    at = costs["size"].iloc[0]
    table = costs.assign(
        label=[look(name).label for name in costs["method"]],
        synthetic=bool(here["synthetic"].any()),
        rmsep=[_at(means, "rmsep", name, at) for name in costs["method"]],
        r2=[_at(means, "r2", name, at) for name in costs["method"]],
        samples=[_enough(errors, name, goal) for name in costs["method"]],
    )
    scans = 2.0 * table["samples"] * table["scan_minutes"] / 60.0
    analyses = table["samples"] * table["analyst_minutes"] / 60.0 * table["needs_references"].astype(bool)
    table["instrument_hours"], table["analyst_hours"] = scans, scans + analyses
    table["money"] = table["analyst_hours"] * table["analyst_rate"] + scans * table["instrument_rate"]
    rank = {name: number for number, name in enumerate(order(table["method"]))}
    return table.sort_values("method", key=lambda own: own.map(rank))[COLUMNS].reset_index(drop=True)


def _at(means: pd.Series, metric: str, method: str, size: float) -> float:
    return float(means.get((metric, method, float(size)), np.nan))


def _enough(errors: pd.DataFrame, method: str, goal: float) -> float:
    """Return the smallest number of samples whose error is no larger than `goal`; NaN where none is."""
    own = errors[method].dropna() if method in errors else pd.Series(dtype=float)
    return float(next(iter(own.index[own <= goal * (1 + 1e-12)]), np.nan))


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`."""
    notes, first = Notes(), table.iloc[0]
    header = ["Method", "Weights", "Fitted", "Pretraining (s)", "Fit (s)", "Spectrum (ms)", "RMSEP", "$R^2$"]
    header += ["Samples", "Analyst (h)", "Instrument (h)", escape(first["currency"])]
    body = [_cells(row, notes) for _, row in table.iterrows()]
    caption = (
        f"What a calibration transfer costs and reaches, {escape(arrow(first['pair']))}, {escape(first['target'])},"
        f" {first['n_channels']} channels: numbers of all networks and those that transfer samples change; seconds"
        f" of the one pretraining by the clock, processor seconds of a fit to {first['size']} transfer samples and"
        f" milliseconds for a spectrum, the fastest of several rounds, one thread, {escape(first['machine'])}; RMSEP"
        f" and $R^2$ with {first['size']} samples."
        " Samples: the fewest of those tried with which the RMSEP is no larger than that of PDS with the most; hours"
        " and money for so many, with analyses where a method needs laboratory values. The rates are assumptions."
    ) + (f" {SYNTHETIC} Synthetic spectra, no result." if first["synthetic"] else "")
    caption = caption.replace("→", r"$\to$")
    text = longtable(caption, "tab:transfer-cost", "l" + "r" * (len(header) - 1), header, body, notes.lines(body))
    return PREAMBLE + "\n".join([LAYOUT, text + r"\endgroup"]) + "\n"


def _cells(row: pd.Series, notes: Notes) -> list[str]:
    label = escape(row["label"]) + (SYNTHETIC if row["synthetic"] else "")
    if row["status"] != "ok":
        return [label, notes.mark(row["status"]), *[""] * 10]
    learned = row["weights"] > 0
    counts = [f"{row[name]:,.0f}" if learned else "" for name in ("weights", "fitted")]
    seconds = [
        significant(row["pretraining_seconds"], 2) if row["pretraining_seconds"] > 0 else "",
        significant(row["fit_seconds"], 2),
    ]
    reached = [significant(row["ms_per_spectrum"], 2), significant(row["rmsep"]), fixed(row["r2"], 3)]
    samples = "" if pd.isna(row["samples"]) else f"{row['samples']:.0f}"
    spent = [fixed(row[name], 1) for name in ("analyst_hours", "instrument_hours")] + [fixed(row["money"], 0)]
    return [label, *counts, *seconds, *reached, samples, *spent]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv, several=True)
    metrics, costs = args.metrics
    table = tabulate(load_metrics(metrics), load_table(costs, READ))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
