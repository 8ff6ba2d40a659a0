"""fig_soil_band_bias: the bias of reconstructed and converted MIR spectra by wavenumber, and what other losses change.

Left: mean error over soils, mean over sets. Right: change of the absolute bias within two bands and of the RMSE over
all channels against the plain loss, in % of the plain RMSE of the set, one point a set, with 95 % bootstrap intervals.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.soil_marks import real_first, synthetic_note
from etalon.figures.style import MM, Method

COLUMNS = ("dataset", "pair", "kind", "loss", "quantity", "value", "low", "high", "p_holm", "wavenumber", "synthetic")
LOSSES = {
    "plain": Method("plain", "#000000", "o"),
    "doubled": Method("plain, doubled (control)", "#8C8C8C", "d"),
    "weighted": Method("bands weighted", "#0072B2", "s"),
    "areas": Method("band areas", "#D55E00", "^"),
}
KINDS = {"reconstructed": "Reconstructed from MIR", "converted": "Converted from NIR"}
# Of `etalon.evaluate.soil_band_bias.BANDS`: name, cm-1.
BANDS = {"oh": ("3750-3000", 3000, 3750), "si_o_flank": ("1250-1150", 1150, 1250)}
CHANGES = {"change_bias_oh": "3750-3000\nbias", "change_bias_si_o_flank": "1250-1150\nbias", "change_rmse": "all\nRMSE"}
HEIGHT = 105.0  # mm


def draw(table: pd.DataFrame) -> Figure:
    """Draw the bias and its changes.

    Parameters
    ----------
    table : the metrics table soil_band_bias, `COLUMNS`
    """
    rows = real_first(plain(table))
    kinds = [kind for kind in KINDS if (rows["kind"] == kind).any()]
    if not kinds:
        raise BadInputError("metrics", "kind", f"one of {', '.join(KINDS)}", "none")
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, HEIGHT * MM), layout="constrained")
        axes = figure.subplots(len(kinds), 2, width_ratios=[1.5, 1], squeeze=False)
        for (left, right), kind in zip(axes, kinds, strict=True):
            own = rows[rows["kind"] == kind]
            _curves(left, own)
            _changes(right, own)
            left.set_title(KINDS[kind], loc="left")
            right.set_title(style.count(len(own["dataset"].unique()), "set"), loc="left")
        axes[-1, 0].set_xlabel("Wavenumber (cm$^{-1}$)")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper center", ncols=len(labels), title=synthetic_note(rows) or None
        )
    return figure


def _curves(axis: Axes, rows: pd.DataFrame) -> None:
    bias = rows[rows["quantity"] == "channel_bias"]
    for _, low, high in BANDS.values():
        axis.axvspan(low, high, color="0.92", lw=0)
    axis.axhline(0, color="0.6", lw=0.5)
    for name, look in LOSSES.items():
        own = bias[bias["loss"] == name].groupby("wavenumber")["value"].mean()
        axis.plot(own.index, own, color=look.colour, lw=0.8, label=look.label, zorder=3 if name == "plain" else 2)
    axis.set_xlim(bias["wavenumber"].max(), bias["wavenumber"].min())
    axis.set_ylabel("Bias (SNV units)")


def _changes(axis: Axes, rows: pd.DataFrame) -> None:
    base = rows[(rows["quantity"] == "rmse") & (rows["loss"] == "plain")].set_index(["dataset", "pair"])["value"]
    axis.axhline(0, color="0.6", lw=0.5)
    others = [name for name in LOSSES if name != "plain" and (rows["loss"] == name).any()]
    for place, quantity in enumerate(CHANGES):
        for number, name in enumerate(others):
            own = rows[(rows["quantity"] == quantity) & (rows["loss"] == name)]
            scale = 100 / base.loc[list(zip(own["dataset"], own["pair"], strict=True))].to_numpy()
            middle = place + (number - (len(others) - 1) / 2) * 0.28
            x = middle + np.linspace(-0.09, 0.09, len(own)) if len(own) > 1 else np.array([middle])
            value, low, high = (own[column].to_numpy() * scale for column in ("value", "low", "high"))
            look = LOSSES[name]
            ends = np.abs([value - low, high - value])
            axis.errorbar(x, value, ends, fmt=look.marker, color=look.colour, ms=2.4, lw=0.6, mew=0)
    axis.set_xticks(range(len(CHANGES)), CHANGES.values())
    axis.set_xlim(-0.5, len(CHANGES) - 0.5)
    axis.yaxis.set_major_locator(MaxNLocator(5))
    axis.set_ylabel("Change (% of plain RMSE)")


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_table(args.metrics, COLUMNS)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
