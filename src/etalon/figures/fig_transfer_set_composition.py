"""fig_transfer_set_composition: transfer samples chosen at random, by Kennard and Stone, or all alike.

RMSEP over that of the target instrument's own calibration on all training specimens, geometric mean over pairs and
targets with its interval over families, against the number of transfer samples: a panel a method, a line a way.
"""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.perturbation_panels import log_scale
from etalon.figures.style import MM
from etalon.figures.transfer_rows import PROCESS, WAYS, common, label_sizes, look, notes, order, read, summary, tabulate

SHOWN = ("bias", "sbc", "ds", "pds", "spiking", "target_only", PROCESS)
COLUMNS = 4
ROW, LEGEND, NOTE_HEIGHT, NOTE_WIDTH = 48.0, 9.0, 3.2, 150  # mm, mm, mm, characters
CURVE = ["condition", "size", "mean", "mean_low", "mean_high", "tasks"]


def curves(table: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return `CURVE` of one method, all ways on the same tasks, and whether synthetic pairs take part.

    Parameters
    ----------
    table : output of `etalon.figures.transfer_rows.tabulate`, rows of one method
    """
    shared, parts, synthetic = common(table, "condition"), [pd.DataFrame(columns=CURVE)], False
    for _, rows in shared.groupby(["condition", "size"]):
        found, extended = summary(rows, "ratio")
        place = rows[["condition", "size"]].iloc[0]
        parts.append(found.assign(condition=place["condition"], size=place["size"])[CURVE])
        synthetic |= extended
    return pd.concat(parts[1:] or parts, ignore_index=True), synthetic


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw one panel a method; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    rows = rows[rows["method"].isin(SHOWN) | (rows["method"] == "none") | (rows["method"] == "target_all")]
    table = tabulate(rows)
    ran = set(table.loc[table["size"] > 0, "method"])
    found = {name: curves(table[(table["method"] == name) & (table["size"] > 0)]) for name in order(ran)}
    if not any(len(own) for own, _ in found.values()):
        raise BadInputError("metrics", "condition", f"a method under {' and '.join(WAYS)}", "none")
    lines = [line for note in notes(rows) for line in textwrap.wrap(note, NOTE_WIDTH)]
    n_rows = -(-len(found) // COLUMNS)
    heights = [ROW * n_rows + LEGEND, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        axes = area.subplots(n_rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
        for axis, (name, (own, _)) in zip(axes.ravel(), found.items(), strict=False):
            _draw_panel(axis, name, own)
        for axis in axes.ravel()[len(found) :]:
            axis.axis("off")
        log_scale(axes[0, 0])
        area.supylabel(
            "RMSEP / RMSEP of the target instrument's own calibration, geometric mean", size=style.RC["axes.labelsize"]
        )
        title = "Transfer samples chosen" + (" (synthetic spectra: no result)" if found and _any(found) else "")
        handles = axes[0, 0].get_legend_handles_labels()
        area.legend(*handles, loc="outside lower center", ncols=len(WAYS), title=title)
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _any(found: dict[str, tuple[pd.DataFrame, bool]]) -> bool:
    return any(extended for _, extended in found.values())


def _draw_panel(axis: Axes, name: str, own: pd.DataFrame) -> None:
    for way, how in WAYS.items():
        line = own[own["condition"] == way].sort_values("size")
        if line.empty:
            continue
        axis.plot(line["size"], line["mean"], color=how.colour, marker=how.marker, label=how.label)
        low, high = line["mean_low"].astype(float), line["mean_high"].astype(float)
        axis.fill_between(line["size"], low, high, color=how.colour, alpha=0.12, lw=0)
    counts = own.groupby("size")["tasks"].max()
    label_sizes(axis, list(counts.index), counts)
    axis.tick_params(labelbottom=True)
    axis.axhline(1.0, color="black", ls="--", lw=0.8)
    axis.set_title(look(name).label)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
