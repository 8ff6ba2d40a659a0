"""fig_transfer_architecture: the network of learned transfer with parts left out, and smaller and larger.

RMSEP over that of the full network on the same transfer sets and seeds: a point a pair, target and draw, a diamond the
geometric mean with its 95 % bootstrap interval.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.learned_rows import GROUPS, TASK, against, comparison, read_learned
from etalon.figures.style import MM
from etalon.figures.transfer_rows import LEARNED, arrow

KIND = "architecture"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
ROW, FRAME = 7.0, 26.0  # mm


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw one row a change, in the order of `etalon.figures.learned_rows.GROUPS`.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read_learned(metrics)
    real = rows[~rows["synthetic"].astype(bool)]
    synthetic = not (real["name"] == LEARNED).any()
    rows = rows if synthetic else real
    table = comparison(rows, {name: of for name, of in GROUPS.items() if of[0] == KIND})
    if table.empty:
        raise BadInputError("metrics", "variant", "an ablation of the architecture", "none")
    effects = {name: against(rows, name, LEARNED) for name in table["name"]}
    pairs = sorted({pair for own in effects.values() for pair in own["pair"]})
    colours = {pair: COLOURS[number % len(COLOURS)] for number, pair in enumerate(pairs)}
    with mpl.rc_context(style.RC):
        size = (style.SINGLE_COLUMN * 1.35, (FRAME + ROW * len(table)) * MM)
        figure = Figure(figsize=size, layout="constrained")
        axis = figure.subplots()
        for place, (_, row) in enumerate(table.iterrows()):
            own = effects[row["name"]].groupby([*TASK, "draw"])["value"].mean().reset_index()
            spread = 0.26 * (np.arange(len(own)) % 5 - 2) / 2
            axis.scatter(
                np.exp(own["value"]), place + spread, s=6, c=[colours[p] for p in own["pair"]], lw=0, alpha=0.7
            )
            axis.plot(row[["low", "high"]].astype(float), [place, place], color="black", lw=1.2, zorder=3)
            axis.plot(row["ratio"], place, "D", color="black", mfc="white", ms=4.0, mew=0.9, zorder=4)
        axis.set_yticks(range(len(table)), table["label"])
        axis.set_ylim(len(table) - 0.4, -0.6)
        axis.axvline(1.0, color="black", ls="--", lw=0.8, zorder=1)
        axis.grid(axis="x")
        axis.set_axisbelow(True)
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel("RMSEP / RMSEP of the full network")
        handles = [Line2D([], [], marker="o", ls="", ms=3, color=c, label=arrow(pair)) for pair, c in colours.items()]
        handles.append(Line2D([], [], marker="D", color="black", mfc="white", ms=4, label="mean, 95 % interval"))
        title = "Synthetic spectra: no result" if synthetic else None
        figure.legend(handles=handles, loc="outside lower center", ncols=2, title=title)
    return figure


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
