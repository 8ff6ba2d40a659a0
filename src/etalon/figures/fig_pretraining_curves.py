"""fig_pretraining_curves: losses, what a calibration gains and how much embeddings still change during training."""

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import perturbation_panels as panels
from etalon.figures import style
from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.encoder_rows import variants
from etalon.figures.style import MM

COLUMNS = ("variant", "heldout", "seed", "spectra", "quantity", "value")
RUN = ["variant", "heldout", "seed"]
LOSS, PROXY, CHANGE = "loss_", "ridge_proxy", "change"
# Title of a panel and what its axis counts. Losses of other names are drawn under their own.
PANELS = {
    "loss_masked": ("Masked modelling", "Squared error (SD²)"),
    "loss_baseline_consistency": ("Baseline consistency", "Squared distance (SD²)"),
    "loss_contrastive": ("Contrastive", "InfoNCE (nat)"),
    "loss_adversarial": ("Dataset discriminator", "Cross-entropy (nat)"),
    "loss_episodic": ("Episodic ridge", "ln (query MSE / variance)"),
    "loss_asls_prediction": ("AsLS-corrected spectrum", "Squared error"),
    PROXY: ("Ridge on the embedding", "RMSECV / SD of references"),
    CHANGE: ("Change of the embedding", "1 - CKA to the last"),
}
BINS = 50  # a loss is noted at every step: its curve shows means over as many parts of the training
N_COLUMNS = 4
ROW_HEIGHT, LEGEND_HEIGHT = 45.0, 9.0  # mm
LOG_RANGE = 5.0  # positive quantities that vary by more are drawn on a log axis


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Return what is drawn: variant, heldout, seed, quantity, spectra, value.

    Losses are means over `BINS` equal parts of the longest training of their variant; the ridge proxy is the mean over
    the datasets it was measured on.
    """
    losses = table[table["quantity"].str.startswith(LOSS)]
    width = losses.groupby("variant")["spectra"].transform("max") / BINS
    centre = (np.ceil(losses["spectra"] / width) - 0.5) * width
    proxies = table[table["quantity"].str.startswith(PROXY)].assign(quantity=PROXY)
    rows = pd.concat([losses.assign(spectra=centre), proxies, table[table["quantity"] == CHANGE]])
    return rows.groupby([*RUN, "quantity", "spectra"], sort=True)["value"].mean().reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel a quantity: a thin line a fold and seed, a thick one for the median of a variant.

    Parameters
    ----------
    table : run, variant, heldout, seed, step, spectra, quantity, value
    """
    found = curves(plain(table))
    if found.empty:
        raise BadInputError("metrics", "quantity", f"{LOSS}*, {PROXY}:* or {CHANGE}", "none")
    present = set(found["quantity"])
    others = sorted(name for name in present - set(PANELS))
    quantities = [name for name in [*PANELS][:-2] if name in present] + others
    quantities += [name for name in (PROXY, CHANGE) if name in present]
    names = variants(found["variant"] + "/")
    n_columns = min(N_COLUMNS, len(quantities))
    n_rows = math.ceil(len(quantities) / n_columns)
    legend_height = LEGEND_HEIGHT * math.ceil(len(names) / 3) / 2 + 6.0
    with mpl.rc_context(style.RC):
        size = (style.DOUBLE_COLUMN, (n_rows * ROW_HEIGHT + legend_height) * MM)
        figure = Figure(figsize=size, layout="constrained")
        axes = np.asarray(figure.subplots(n_rows, n_columns, squeeze=False)).ravel()
        for axis, quantity in zip(axes, quantities, strict=False):
            _draw_panel(axis, quantity, found[found["quantity"] == quantity], names)
        for axis in axes[len(quantities) :]:
            axis.axis("off")
        handles = [axes[0].plot([], [], color=look.colour, lw=1.6, label=look.label)[0] for look in map(_look, names)]
        counts = found.groupby("variant")[["heldout", "seed"]].nunique().max()
        folds, seeds = (style.count(counts[of], name) for of, name in (("heldout", "held-out fold"), ("seed", "seed")))
        title = f"Thick: median; thin: each training ({folds}, {seeds})"
        figure.legend(handles=handles, loc="outside lower center", ncols=3, title=title)
    return figure


def _look(variant: str) -> style.Method:
    return style.look(f"{variant}/")


def _draw_panel(axis: Axes, quantity: str, found: pd.DataFrame, names: list[str]) -> None:
    name = quantity.removeprefix(LOSS).replace("_", " ")
    title, label = PANELS.get(quantity, (name.capitalize(), "Loss"))
    axis.set_title(title)
    axis.set_ylabel(label)
    axis.set_xlabel("Spectra seen (thousands)")
    axis.grid(axis="y")
    for variant in names:
        own, colour = found[found["variant"] == variant], _look(variant).colour
        for _, training in own.groupby(RUN):
            axis.plot(training["spectra"] / 1000, training["value"], color=colour, lw=0.4, alpha=0.3)
        median = own.groupby("spectra")["value"].median()
        axis.plot(median.index / 1000, median, color=colour, lw=1.4, zorder=3)
    low, high = found["value"].min(), found["value"].max()
    if low > 0 and high > LOG_RANGE * low:
        panels.log_scale(axis)
    axis.set_xlim(left=0)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_table(args.metrics, COLUMNS)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
