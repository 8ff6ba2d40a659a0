"""fig_transfer_attention: what a network attends to along the axis, beside the bands of known substances.

A row a dataset. Left: attention that patches of the finest scale get, over their mean; ticks are bands by functional
group. Right: mean attention inside the bands of a group over that outside; bars are where 95 % of the values lie when
the attention is moved along the axis.
"""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.style import MM

# Colours of Okabe and Ito, as in `etalon.figures.style`.
GROUPS = {"O-H": "#0072B2", "N-H": "#D55E00", "C-H": "#009E73", "C=O": "#CC79A7", "C-O": "#E69F00"}
RANDOM = "random_init"
SCALES = ("finest", "stream")  # the first that is there is drawn
TRAINED_COLOUR, RANDOM_COLOUR = "black", "0.6"
NEAR_TO_FAR_NM = 2600.0  # beyond, an axis of wavenumbers is what readers know
ROW, LEGEND, NOTE_HEIGHT, NOTE_WIDTH = 36.0, 10.0, 3.2, 150  # mm, mm, mm, characters


def read(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the finest scale that is there, and the bands, with text for categories."""
    rows = plain(metrics)
    rows = rows[rows["status"] == "ok"]
    scale = next((name for name in SCALES if (rows["method"] == name).any()), None)
    return rows[rows["method"].isin([scale, "table"])]


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw a row a dataset; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    datasets = list(dict.fromkeys(rows.loc[rows["condition"] == "profile", "dataset"]))
    if not datasets:
        raise BadInputError("metrics", "condition", "rows of profile that ran", "none")
    lines = [line for note in _notes(metrics, rows) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [ROW * len(datasets) + LEGEND, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        axes = area.subplots(len(datasets), 2, squeeze=False, width_ratios=[2.4, 1.0])
        for (left, right), dataset in zip(axes, datasets, strict=True):
            own = rows[rows["dataset"] == dataset]
            _draw_profile(left, own, dataset)
            _draw_enrichment(right, own)
        axes[-1, 1].set_xlabel("Attention inside bands / outside")
        handles = [
            Line2D([], [], color=TRAINED_COLOUR, lw=1.0, marker="o", ms=3, label="pretrained"),
            Line2D([], [], color=RANDOM_COLOUR, lw=1.0, marker="o", ms=3, mfc="white", label="random init"),
            *(
                Line2D([], [], color=colour, marker="|", ls="", ms=6, mew=1.5, label=f"bands, {group}")
                for group, colour in GROUPS.items()
                if (rows["target"] == group).any()
            ),
        ]
        area.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_profile(axis: Axes, own: pd.DataFrame, dataset: str) -> None:
    profile = own[own["condition"] == "profile"]
    wavenumbers = profile["amplitude"].max() > NEAR_TO_FAR_NM

    def place(nm: pd.Series) -> np.ndarray:
        return 1e7 / nm.to_numpy() if wavenumbers else nm.to_numpy()

    for variant, curve in profile.groupby("variant"):
        colour = RANDOM_COLOUR if variant == RANDOM else TRAINED_COLOUR
        axis.plot(place(curve["amplitude"]), curve["value"], color=colour, zorder=2 if variant == RANDOM else 3)
    low, high = axis.get_ylim()
    for group, colour in GROUPS.items():
        bands = own[(own["condition"] == "band") & (own["target"] == group)]
        axis.plot(
            place(bands["amplitude"]), np.full(len(bands), high + 0.06 * (high - low)), "|", color=colour, ms=6, mew=1.2
        )
    axis.set_ylim(low, high + 0.14 * (high - low))
    axis.axhline(1.0, color="0.5", ls=":", lw=0.6)
    if wavenumbers:
        axis.invert_xaxis()
    axis.set_xlabel("Wavenumber (cm⁻¹)" if wavenumbers else "Wavelength (nm)")
    axis.set_ylabel("Attention / mean")
    axis.set_title(dataset, loc="left")


def _draw_enrichment(axis: Axes, own: pd.DataFrame) -> None:
    numbers = own[own["condition"] == "enrichment"].pivot_table(
        index=["target", "variant"], columns="metric", values="value", observed=True
    )
    names = [name for name in ("all", *GROUPS) if name in numbers.index.get_level_values("target")]
    for row, name in enumerate(names):
        for variant in numbers.loc[name].index:
            found, random = numbers.loc[(name, variant)], variant == RANDOM
            y = row + (0.15 if random else -0.15)
            colour = RANDOM_COLOUR if random else TRAINED_COLOUR
            axis.plot([found["enrichment_low"], found["enrichment_high"]], [y, y], color=colour, lw=2.5, alpha=0.3)
            axis.plot(found["enrichment"], y, "o", color=colour, mfc="white" if random else colour, ms=3.2)
    axis.axvline(1.0, color="0.5", ls=":", lw=0.6)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.set_yticks(range(len(names)), ["any band" if name == "all" else name for name in names])
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)


def _notes(metrics: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    every = plain(metrics)
    bad = every[every["status"] != "ok"]
    return [f"{', '.join(own['dataset'].unique())}: {status}" for status, own in bad.groupby("status", sort=False)]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
