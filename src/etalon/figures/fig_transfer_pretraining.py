"""fig_transfer_pretraining: how the network of learned transfer is pretrained, and what that is worth.

Above: losses in the course of the pretraining, a thin line a seed, means over parts of the training. Below: RMSEP over
that of PDS on the same transfer samples, for the pretrained network, the same from random weights, all weights fitted,
and convolutions: a panel a pair, mean over draws and seeds with its bootstrap interval over draws.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.figures import style
from etalon.figures.command import load_metrics, load_table, parse_args, plain, run
from etalon.figures.fig_pretraining_curves import COLUMNS, LOG_RANGE, LOSS, curves
from etalon.figures.learned_rows import CLASSICAL, against, look_of, read_learned
from etalon.figures.perturbation_panels import log_scale
from etalon.figures.style import MM
from etalon.figures.transfer_rows import LEARNED, PRETRAINED, arrow, band, label_sizes

COMPARED = (LEARNED, "patch_transformer_random_init", "patch_transformer_full", "cnn_1d")
TITLES = {
    "loss_mse": "Hidden regions",
    "loss_derivative": "Derivatives",
    "loss_peaks": "Bands",
    "loss_angle": "Spectral angle (rad)",
    "loss_byol": "BYOL",
    "loss_contrastive": "InfoNCE",
}
COLUMNS_BELOW = 4
ABOVE, ROW, LEGEND = 42.0, 46.0, 9.0  # mm


def draw(metrics: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Draw the curves of the main pretraining, and below them a panel a pair and target.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    table : variant, heldout, seed, spectra, quantity, value
    """
    rows = read_learned(metrics)
    own = plain(table)
    found = curves(own[(own["variant"] == PRETRAINED) & own["quantity"].str.startswith(LOSS)])
    quantities = [name for name in TITLES if name in set(found["quantity"])]
    effects = {name: against(rows, name, CLASSICAL) for name in COMPARED if (rows["name"] == name).any()}
    cases = list(dict.fromkeys(effects[LEARNED][["pair", "target", "synthetic"]].itertuples(index=False, name=None)))
    width = min(COLUMNS_BELOW, len(cases))
    n_rows = -(-len(cases) // width)
    heights = [ABOVE, ROW * n_rows + LEGEND]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        above, below = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        for axis, name in zip(np.ravel(above.subplots(1, len(quantities))), quantities, strict=True):
            _draw_curve(axis, name, found[found["quantity"] == name])
        above.axes[0].set_ylabel("Loss")
        panels = np.ravel(below.subplots(n_rows, width, squeeze=False))
        for axis, case in zip(panels, cases, strict=False):
            _draw_case(axis, case, effects)
        for axis in panels[len(cases) :]:
            axis.axis("off")
        panels[0].set_ylabel("RMSEP / RMSEP of PDS")
        handles, labels = panels[0].get_legend_handles_labels()
        below.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure


def _draw_curve(axis: Axes, name: str, found: pd.DataFrame) -> None:
    for _, training in found.groupby(["heldout", "seed"]):
        axis.plot(training["spectra"] / 1000, training["value"], color="#D55E00", lw=0.5, alpha=0.5)
    mean = found.groupby("spectra")["value"].mean()
    axis.plot(mean.index / 1000, mean, color="#D55E00", lw=1.4)
    axis.set_title(TITLES[name])
    axis.set_xlabel("Spectra (thousands)")
    axis.grid(axis="y")
    axis.set_xlim(left=0)
    if found["value"].min() > 0 and found["value"].max() > LOG_RANGE * found["value"].min():
        log_scale(axis)


def _draw_case(axis: Axes, case: tuple[str, str, bool], effects: dict[str, pd.DataFrame]) -> None:
    pair, target, synthetic = case
    sizes: set[float] = set()
    shift = {name: 0.97 ** (number - 1.5) for number, name in enumerate(effects)}
    for name, rows in effects.items():
        own = rows[(rows["pair"] == pair) & (rows["target"] == target)]
        if own.empty:
            continue
        values = {float(size): own.loc[own["size"] == size, "value"].to_numpy() for size in sorted(set(own["size"]))}
        ends = np.exp([band(of, pair, target, name, size) for size, of in values.items()]).T
        means, at = np.exp([of.mean() for of in values.values()]), np.array(list(values)) * shift[name]
        how = look_of(name)
        reach = np.nan_to_num(np.abs(ends - means))
        axis.errorbar(at, means, reach, ms=2.8, color=how.colour, marker=how.marker, elinewidth=0.8, label=how.label)
        sizes |= set(values)
    axis.axhline(1.0, color="black", ls="--", lw=0.8)
    label_sizes(axis, sorted(sizes))
    axis.margins(x=0.12)
    family, _, instruments = arrow(pair).rpartition(": ")
    axis.set_title(f"{family}{' (synthetic)' if synthetic else ''}, {target}\n{instruments}", size=6.0)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv, several=True)
    metrics, table = args.metrics
    style.save(draw(load_metrics(metrics), load_table(table, COLUMNS)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
