"""fig_soil_mahalanobis: distances of tested soils in latent space, and what they say of errors.

Top: distances over their chi-square limit (97.5 %), by set, in cross-validation and between laboratories.
Bottom: error of ridge on the latents, over the SD of the references, by distance; rank correlations in the legend.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.style import MM

COLUMNS = ("dataset", "pair", "condition", "source", "target", "distance2", "limit", "scaled_error", "synthetic")
SOURCES = {"mir": ("from MIR", "#0072B2"), "nir_to_mir": ("from NIR", "#CC79A7")}
CONDITIONS = {"cv": "Cross-validation by soil", "independent": "Another laboratory"}
BINS = 8  # of equal numbers of soils


def read(paths: list[Path]) -> pd.DataFrame:
    """Return the table of distances among `paths`; the other ones are metrics, of which this figure has no use."""
    for path in paths:
        table = load_table(path, [])
        if "distance2" in table:
            return plain(load_table(path, COLUMNS))
    raise BadInputError(paths[0], "columns", "distance2", "none")


def binned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the root mean square error, its quartiles and the median distance of `BINS` groups by distance."""
    ranks = rows["ratio"].rank(method="first")
    group = np.minimum(((ranks - 1) * BINS / len(rows)).astype(int), BINS - 1)
    ways = {"ratio": ("ratio", "median"), "error": ("scaled_error", lambda e: np.sqrt((e**2).mean()))}
    return rows.groupby(group).agg(**ways)


def draw(table: pd.DataFrame) -> Figure:
    """Draw a column a condition: distances by set, errors by distance.

    Parameters
    ----------
    table : rows of `etalon.evaluate.soil_scores.distances`, with `synthetic`
    """
    rows = table.assign(ratio=np.sqrt(table["distance2"] / table["limit"]))
    claimed = rows[~rows["synthetic"].astype(bool)]
    demo = claimed.empty
    rows = rows if demo else claimed
    if rows.empty:
        raise BadInputError("metrics", "distance2", "distances of tested soils", "none")
    shown = [name for name in CONDITIONS if (rows["condition"] == name).any()]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 118.0 * MM), layout="constrained")
        axes = figure.subplots(2, len(shown), squeeze=False, sharey="row", height_ratios=[1.0, 1.0])
        for column, condition in enumerate(shown):
            own = rows[rows["condition"] == condition]
            _draw_distances(axes[0, column], own)
            _draw_errors(axes[1, column], own)
            axes[0, column].set_title(CONDITIONS[condition] + (" (synthetic: no result)" if demo else ""))
        axes[0, 0].set_ylabel("Distance / limit (97.5 %)")
        axes[1, 0].set_ylabel("RMS error / SD of references")
    return figure


def _draw_distances(axis: Axes, rows: pd.DataFrame) -> None:
    once = rows.drop_duplicates(["dataset", "pair", "source", "row"]) if "row" in rows else rows
    groups = [(name, source) for name in sorted(once["dataset"].unique()) for source in SOURCES
              if len(once[(once["dataset"] == name) & (once["source"] == source)])]  # fmt: skip
    for place, (name, source) in enumerate(groups):
        values = once.loc[(once["dataset"] == name) & (once["source"] == source), "ratio"]
        colour = SOURCES[source][1]
        axis.boxplot([np.log10(values)], positions=[place], widths=0.6, whis=(2.5, 97.5), patch_artist=True,
                     boxprops={"facecolor": colour, "alpha": 0.6, "lw": 0.5}, medianprops={"color": "black", "lw": 0.8},
                     whiskerprops={"lw": 0.5}, capprops={"lw": 0.5},
                     flierprops={"ms": 1.2, "marker": ".", "mec": "none", "mfc": colour})  # fmt: skip
        share = 100 * (values > 1).mean()
        axis.annotate(
            f"{share:.0f} %", (place, 1.0), xycoords=("data", "axes fraction"), ha="center", va="top", size=5.0
        )
    axis.axhline(0.0, color="black", lw=0.6, ls="--")
    ticks = [0.3, 1, 3, 10, 30, 100]
    axis.set_yticks(np.log10(ticks), [f"{tick:g}" for tick in ticks])
    axis.margins(y=0.12)
    names = [name.removeprefix("soil_").replace("_", " ") for name, _ in groups]
    axis.set_xticks(range(len(groups)), names, rotation=35, ha="right", rotation_mode="anchor")
    axis.grid(axis="y")


def _draw_errors(axis: Axes, rows: pd.DataFrame) -> None:
    for source, (label, colour) in SOURCES.items():
        own = rows[rows["source"] == source]
        if own.empty:
            continue
        for _, task in own.groupby(["dataset", "pair", "target"], sort=False):
            if len(task) >= 5 * BINS:
                curve = binned(task)
                axis.plot(curve["ratio"], curve["error"], color=colour, lw=0.5, alpha=0.35)
        pooled = binned(own)
        ranks = own.groupby(["dataset", "pair", "target"])[["ratio", "scaled_error"]].apply(
            lambda task: task["ratio"].corr(task["scaled_error"], method="spearman")
        )
        text = f"{label}: median rank correlation {ranks.median():.2f} ({len(ranks)} tasks)"
        axis.plot(pooled["ratio"], pooled["error"], "o-", color=colour, lw=1.4, ms=3, label=text)
    axis.axvline(1.0, color="black", lw=0.6, ls="--")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_yticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
    axis.set_xticks([0.3, 1, 3, 10, 30], ["0.3", "1", "3", "10", "30"])
    axis.minorticks_off()
    axis.set_xlabel("Distance / limit (97.5 %)")
    axis.legend(loc="upper left", fontsize=5.5)
    axis.grid()


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv, several=True)
    style.save(draw(read(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
