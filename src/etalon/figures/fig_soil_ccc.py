"""fig_soil_ccc: concordance of every model of study 3, and where seven models stand in the paper.

Left, cross-validation by soil; right, another laboratory. A small point is a set and property (mean over seeds), the
large one their mean, with the interval of its difference from PLSR of the same range about that of PLSR; a cross is the
mean over nine properties in arXiv 2511.15965.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.soil_rows import CV, INDEPENDENT, Main, compared, kind, read, tabulate
from etalon.figures.style import MM

TITLES = {CV: "Cross-validation by soil", INDEPENDENT: "Another laboratory"}
MEAN = "mean, 95 % interval of difference from PLSR"
LEAST = -0.3  # of CCC; points below lie on the edge
ROW, FRAME = 5.4, 24.0  # mm


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw both panels, models down; MIR above NIR.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    main = Main.of(rows)
    rows = rows[main.holds(rows) | (rows["variant"] == "random_init")]
    single = tabulate(rows)
    models = main.order(zip(single["method"], single["variant"], strict=True))
    models = sorted(models, key=lambda model: kind(model[0]) == "nir")  # stable
    with mpl.rc_context(style.RC):
        size = (style.DOUBLE_COLUMN, (FRAME + ROW * len(models)) * MM)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, 2, sharex=True, sharey=True)
        for axis, condition in zip(axes, TITLES, strict=True):
            _draw_panel(axis, single[single["condition"] == condition], compared(rows, condition), models, main)
            axis.set_title(TITLES[condition])
            axis.set_xlabel("Lin's concordance (CCC)")
        axes[0].set_yticks(range(len(models)), [main.look(*model).label for model in models])
        axes[0].invert_yaxis()
        axes[0].set_xlim(LEAST - 0.05, 1.03)
        handles = [
            Line2D([], [], marker="o", ls="", ms=2.5, color="0.6", label="a set and property"),
            Line2D(
                [],
                [],
                marker="D",
                color="black",
                mfc="white",
                ms=4.5,
                label="mean, 95 % interval of difference from PLSR",
            ),
            Line2D([], [], marker="x", ls="", color="black", ms=4.5, label="published mean over nine properties"),
        ]
        synthetic = len(single) and single["synthetic"].all()
        title = "Synthetic soils alone: no result" if synthetic else None
        figure.legend(handles=handles, loc="outside lower center", ncols=3, title=title)
    return figure


def _draw_panel(
    axis: Axes, single: pd.DataFrame, means: pd.DataFrame, models: list[tuple[str, str]], main: Main
) -> None:
    rng = np.random.default_rng(0)
    claimed = single[~single["synthetic"]] if not single["synthetic"].all() else single
    for place, (method, variant) in enumerate(models):
        own = claimed.loc[(claimed["method"] == method) & (claimed["variant"] == variant), "ccc"].clip(lower=LEAST)
        shape = main.look(method, variant)
        colour = shape.colour if variant != "random_init" else "0.5"
        axis.plot(own, place + rng.uniform(-0.22, 0.22, len(own)), "o", ms=1.8, mew=0, color=colour, alpha=0.55)
        found = means[(means["method"] == method) & (means["variant"] == variant)]
        for _, row in found.iterrows():
            ends = row[["mean_low", "mean_high"]].to_numpy(float) - row["mean"]
            if np.isfinite(ends).all():
                axis.plot(row["ccc"] + ends, [place, place], color="black", lw=0.9)
            axis.plot(row["ccc"], place, "D", ms=4.2, mfc=colour, mec="black", mew=0.6)
            if row["condition"] == CV:  # what the paper's means are of
                axis.plot(row["published"], place, "x", ms=4.5, color="black", mew=0.9)
    axis.axvline(0.0, color="0.8", lw=0.5, zorder=0)
    axis.grid(axis="x")
    axis.set_axisbelow(True)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
