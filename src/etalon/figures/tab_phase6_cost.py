"""tab_phase6_cost: seconds from the files of a dataset to predictions, and how many choices each method asks for."""

import pandas as pd

from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.latex import LAYOUT, PREAMBLE, Notes, escape, longtable, significant, write
from etalon.figures.style import count, look, order

STEPS = ("load", "baseline", "embed", "fit", "predict")
# The table of the stage measure_cost, as `etalon.evaluate.cost.COST_COLUMNS` describes it.
COLUMNS = (
    *("run", "method", "variant", "head", "dataset", "n_train", "n_channels", "step", "seconds", "searched"),
    *("optimised", "by_hand", "settings", "needs", "threads", "machine", "status"),
)
KEPT = ("run", "dataset", "n_train", "n_channels", "method", "variant", "head")
ABOUT = ("searched", "optimised", "by_hand", "settings", "needs", "threads", "machine", "status")
REFERENCE = "tuned_pls"
TINY = 0.01  # seconds: less is written as less


def tabulate(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a method and dataset, smaller datasets first, methods in the order of `style.order`.

    Columns: `KEPT`, `STEPS` and "total" in seconds, "relative" (of the total to that of tuned PLS), `ABOUT`.
    """
    rows = plain(rows)
    of_step = rows.set_index(list(KEPT)).groupby("step")["seconds"]
    table = rows.drop_duplicates(list(KEPT)).set_index(list(KEPT))[list(ABOUT)]
    table = table.assign(**{str(step): seconds for step, seconds in of_step})
    table = table.reindex(columns=[*STEPS, "total", *ABOUT]).reset_index()
    totals = table[table["method"] == REFERENCE].set_index("dataset")["total"]
    name = [_name(row) for _, row in table.iterrows()]
    rank = {known: place for place, known in enumerate(order(name))}
    table = table.assign(relative=table["total"] / table["dataset"].map(totals), rank=[rank[n] for n in name])
    table = table.sort_values(["n_train", "dataset", "rank"], kind="stable")
    return table[[*KEPT, *STEPS, "total", "relative", *ABOUT]].reset_index(drop=True)


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`."""
    notes = Notes()
    header = ["Method", "Load", "AsLS", "Embed", "Fit", "Predict", "Total", "Ratio"]
    header += ["Searched", "Optimised", "By hand", "Needs"]
    body = []
    for dataset, rows in table.groupby("dataset", sort=False):
        n_train, n_channels = rows[["n_train", "n_channels"]].iloc[0]
        size = f": {n_train} training spectra, {n_channels} channels" if n_train else ""
        body.append([rf"\multicolumn{{{len(header)}}}{{@{{}}l}}{{\emph{{{escape(dataset)}}}{size}}}"])
        body += [_cells(row, notes) for _, row in rows.iterrows()]
    machines = table[["machine", "threads"]].drop_duplicates().itertuples(index=False)
    machine = ", ".join(f"{count(int(threads), 'thread')} on {escape(name)}" for name, threads in machines)
    caption = (
        "Seconds from the files of a dataset to the predictions of a held-out fold for one quantity, all choices inside"
        " the training rows included: reading files and weights, AsLS baselines where a method uses them, embedding,"
        f" choosing and fitting, predicting. The fastest of interleaved rounds, {machine}, no GPU; the start of Python"
        " is not counted. Ratio: total relative to tuned PLS on the same dataset. Searched: settings compared inside"
        " the training rows, at most. Optimised: numbers fitted there to a criterion besides the coefficients. By hand:"
        " settings that need a value beforehand (all have a default). Needs: what has to be at hand besides the data."
    )
    text = longtable(caption, "tab:phase6-cost", "l" + 10 * "r" + "l", header, body, notes.lines(body))
    return PREAMBLE + "\n".join([LAYOUT, text + r"\endgroup"]) + "\n"


def _name(row: pd.Series) -> str:
    return f"{row['variant']}/{row['head']}" if row["variant"] else row["method"]


def _cells(row: pd.Series, notes: Notes) -> list[str]:
    about = [str(row[name]) for name in ("searched", "optimised", "by_hand")] + [escape(row["needs"])]
    label = escape(look(_name(row)).label)
    if row["status"] != "ok":
        return [label, *[""] * len(STEPS), notes.mark(row["status"]), "", *about]
    return [label, *(_seconds(row[step]) for step in (*STEPS, "total")), significant(row["relative"], 2), *about]


def _seconds(value: float) -> str:
    return f"$<$ {TINY}" if value < TINY else significant(value, 2)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_table(args.metrics, COLUMNS))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
