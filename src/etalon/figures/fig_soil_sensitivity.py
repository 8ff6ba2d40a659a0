"""fig_soil_sensitivity: which MIR latents carry which property, which survive the mapping from NIR, what that gives.

Above: the share of the variance of each property's prediction that a latent carries, and how well the NIR spectrum
tells that latent. Below: what MIR latents know of a property, how much of its direction survives, what NIR spectra
tell by themselves, and what the detour over MIR latents gains.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.soil_marks import property_label, real_first, set_label
from etalon.figures.soil_rows import PROPERTIES
from etalon.figures.style import MM, Method

COLUMNS = ("dataset", "target", "quantity", "latent", "value", "low", "high", "n", "synthetic")
QUANTITIES = {
    "carried": Method("R² of MIR latents", "#0072B2", "o"),
    "survives": Method("r² of its direction from NIR", "#009E73", "D"),
    "nir": Method("R² of NIR spectra", "#000000", "s"),
    "gain": Method("gain in R² by MIR latents", "#D55E00", "^"),
}
FLOOR = -0.5  # worse R² are drawn at the edge
N_SETS = 2
HEIGHT = 125.0  # mm


def draw(table: pd.DataFrame) -> Figure:
    """Draw one column a set with both ranges, those with most properties first.

    Parameters
    ----------
    table : the metrics table soil_sensitivity, `COLUMNS`
    """
    rows = real_first(plain(table))
    counts = rows[rows["quantity"] == "carried"].groupby("dataset")["target"].nunique()
    if counts.empty:
        raise BadInputError("metrics", "quantity", "carried, of a set with both ranges", "none")
    sets = list(counts.sort_values(ascending=False, kind="stable").index[:N_SETS])
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, HEIGHT * MM), layout="constrained")
        axes = figure.subplots(3, len(sets), height_ratios=[0.5, 1.1, 1.3], squeeze=False)
        for column, dataset in enumerate(sets):
            own = rows[rows["dataset"] == dataset]
            present = set(own["target"])
            targets = [name for name in PROPERTIES if name in present]
            _survival(axes[0, column], own)
            image = _shares(axes[1, column], own, targets)
            _properties(axes[2, column], own, targets)
            mark = " (synthetic)" if own["synthetic"].astype(bool).all() else ""
            axes[0, column].set_title(f"{set_label(dataset)}{mark}", loc="left")
        axes[0, 0].set_ylabel("r² from NIR")
        axes[2, 0].set_ylabel("R², r², gain")
        figure.colorbar(image, ax=axes[1, :], label="Share of prediction", pad=0.01, aspect=12)
        handles, labels = axes[2, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _survival(axis: Axes, rows: pd.DataFrame) -> None:
    own = rows[rows["quantity"] == "latent_survives"].sort_values("latent")
    axis.bar(own["latent"] + 1, own["value"], width=0.8, color="#009E73")
    axis.set_ylim(0, 1)
    axis.set_xlim(0.5, own["latent"].max() + 1.5)
    axis.tick_params(labelbottom=False)


def _shares(axis: Axes, rows: pd.DataFrame, targets: list[str]) -> mpl.image.AxesImage:
    own = rows[rows["quantity"] == "share"].pivot_table(index="target", columns="latent", values="value")
    values = own.reindex(targets).to_numpy()
    extent = (0.5, values.shape[1] + 0.5, len(targets) - 0.5, -0.5)
    image = axis.imshow(values, cmap="cividis", vmin=0, vmax=0.6, aspect="auto", extent=extent, interpolation="nearest")
    axis.set_yticks(range(len(targets)), [property_label(name) for name in targets])
    axis.set_xlabel("MIR latent")
    return image


def _properties(axis: Axes, rows: pd.DataFrame, targets: list[str]) -> None:
    axis.axhline(0, color="0.6", lw=0.5)
    for number, (quantity, look) in enumerate(QUANTITIES.items()):
        own = rows[rows["quantity"] == quantity].set_index("target").reindex(targets)
        x = np.arange(len(targets)) + (number - 1.5) * 0.18
        value, low, high = (np.maximum(own[name].to_numpy(), FLOOR) for name in ("value", "low", "high"))
        ends = np.abs([value - low, high - value])
        axis.errorbar(x, value, ends, fmt=look.marker, color=look.colour, ms=3, lw=0.7, mew=0, label=look.label)
    axis.set_xticks(range(len(targets)), [property_label(name) for name in targets], rotation=35, ha="right")
    shown = rows[rows["quantity"].isin(QUANTITIES)]
    axis.set_ylim(max(FLOOR, min(-0.05, shown["low"].min() - 0.03)), 1.02)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_table(args.metrics, COLUMNS)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
