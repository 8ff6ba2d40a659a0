"""fig_transfer_latent_map: two instruments in the latent space of a network, before and after transfer.

A row a pair of instruments, a column a state: spectra as measured, standardised by PDS, corrected by the network. A
line joins the two measurements of a specimen.
"""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.style import MM
from etalon.figures.transfer_rows import arrow

COLUMNS = (
    *("pair", "synthetic", "state", "instrument", "specimen", "target", "unit", "value", "n_transfer", "x", "y"),
    *("pair_distance", "status"),
)
STATES = {"before": "Before transfer", "pds": "After PDS", "patch_transformer": "After the patch transformer"}
MARKERS = {"source": "o", "target": "^"}
PANEL, LEGEND, NOTE_HEIGHT, NOTE_WIDTH = 50.0, 9.0, 3.2, 150  # mm, mm, mm, characters


def draw(table: pd.DataFrame) -> Figure:
    """Draw a row of maps a pair; below, what did not run.

    Parameters
    ----------
    table : `COLUMNS`
    """
    table = plain(table)
    ok = table[table["status"] == "ok"]
    pairs = list(dict.fromkeys(ok["pair"]))
    if not pairs:
        raise BadInputError("metrics", "x, y", "places of spectra on a map", "none")
    # A real pair leaves synthetic ones out: they are a demo, no result.
    real = [pair for pair in pairs if not ok.loc[ok["pair"] == pair, "synthetic"].any()]
    pairs = real or pairs
    states = [*STATES, *sorted(set(ok["state"]) - set(STATES))]
    states = [name for name in states if name in set(ok["state"])]
    lines = [line for note in _notes(table, ok, pairs, bool(real)) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [PANEL * len(pairs) + LEGEND, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        axes = area.subplots(len(pairs), len(states), squeeze=False)
        for line, pair in zip(axes, pairs, strict=True):
            own = ok[ok["pair"] == pair]
            colours = mpl.colors.Normalize(own["value"].min(), own["value"].max())
            for axis, state in zip(line, states, strict=True):
                _draw_map(axis, own[own["state"] == state], colours)
                axis.set_title(STATES.get(state, state.replace("_", " ")), pad=9)
            line[0].set_ylabel(arrow(pair))
            unit = own["unit"].iloc[0]
            label = own["target"].iloc[0] + (f" ({unit})" if unit and unit != "not stated" else "")
            bar = mpl.cm.ScalarMappable(colours, "cividis")
            area.colorbar(bar, ax=line.tolist(), label=label, shrink=0.8, aspect=25, pad=0.01)
        handles = [
            Line2D([], [], marker=marker, ls="", color="0.3", ms=3.5, label=f"{name} instrument")
            for name, marker in MARKERS.items()
        ]
        handles.append(Line2D([], [], color="0.6", lw=0.6, label="one specimen"))
        area.legend(handles=handles, loc="outside lower center", ncols=3)
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_map(axis: Axes, own: pd.DataFrame, colours: mpl.colors.Normalize) -> None:
    places = own.pivot_table(index="specimen", columns="instrument", values=["x", "y"])
    ends = np.stack([places.xs(name, axis=1, level="instrument")[["x", "y"]].to_numpy() for name in MARKERS], axis=1)
    axis.add_collection(LineCollection(list(ends), colors="0.7", linewidths=0.4, zorder=1))
    for name, marker in MARKERS.items():
        rows = own[own["instrument"] == name]
        axis.scatter(
            rows["x"],
            rows["y"],
            c=rows["value"],
            norm=colours,
            cmap="cividis",
            marker=marker,
            s=9,
            lw=0.2,
            ec="white",
            zorder=2,
        )
    axis.autoscale()
    axis.set_xticks([])
    axis.set_yticks([])
    if len(own):
        text = f"distance of a specimen's spectra: {own['pair_distance'].iloc[0]:.2f}"
        axis.text(0.5, 1.02, text, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def _notes(table: pd.DataFrame, ok: pd.DataFrame, pairs: list[str], real: bool) -> list[str]:
    n = ", ".join(f"{value:g}" for value in sorted(ok.loc[ok["pair"].isin(pairs), "n_transfer"].unique()))
    notes = [
        f"Specimens that no transfer was fitted to ({n} transfer samples). Distances between the two measurements of a"
        " specimen in the latent space, in units of those between specimens: 0 where instruments cannot be told apart."
        " The axes of a map have no unit, and maps of different states no common ones."
    ]
    if not real:
        notes.append("Synthetic spectra: no real pair ran, no result.")
    bad = table[table["status"] != "ok"]
    notes += [f"{row['pair'].replace('>', ' → ')}: {row['status']}" for _, row in bad.iterrows()]
    return notes


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_table(args.metrics, COLUMNS)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
