"""fig_transfer_sample_efficiency: error on the target instrument against the number of transfer samples.

Above, over all pairs and targets, of methods that ran on half of them at least: RMSEP over that of a calibration of the
target instrument on all training specimens (geometric mean) and transfer efficiency (median), with intervals over
families. Below, one pair and target of each family: RMSEP, mean over random draws with its bootstrap interval.
"""

import itertools
import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.perturbation_panels import log_scale
from etalon.figures.style import MM
from etalon.figures.transfer_rows import (
    CASE,
    LEARNED,
    OWN,
    PROCESS,
    RANDOM,
    UNCORRECTED,
    arrow,
    band,
    by_draw,
    common,
    everywhere,
    label_sizes,
    look,
    notes,
    order,
    quantity,
    read,
    summary,
    tabulate,
)

# Those that a figure can hold; mdi-PLS needs a third instrument, the rest stands in the table.
CURVES = ("bias", "sbc", "ds", "pds", "di_pls", "spiking", "target_only", LEARNED, PROCESS)
PANELS, COLUMNS = 7, 4  # the legend is the eighth
ABOVE, ROW, NOTE_HEIGHT, NOTE_WIDTH = 62.0, 46.0, 3.2, 150  # mm, mm, mm, characters
ENDS = {UNCORRECTED: ":", OWN: "--"}
CURVE = ["size", "method", "mean", "mean_low", "mean_high", "median", "median_low", "median_high", "tasks"]


def curves(table: pd.DataFrame, effect: str) -> tuple[pd.DataFrame, bool]:
    """Return `CURVE`, all methods of one number of samples on the same tasks, and whether synthetic pairs take part.

    Parameters
    ----------
    table : output of `etalon.figures.transfer_rows.tabulate`
    effect : "ratio" or "eta"
    """
    random = table[table["method"].isin(CURVES) & (table["condition"] == RANDOM)]
    own = common(random[random["method"].isin(everywhere(random))].dropna(subset=[effect]))
    parts, synthetic = [pd.DataFrame(columns=CURVE)], False
    for size, rows in own.groupby("size"):
        found, extended = summary(rows, effect)
        parts.append(found.reset_index().assign(size=size)[CURVE])
        synthetic |= extended
    return pd.concat(parts[1:] or parts, ignore_index=True), synthetic


def cases(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs and targets to show: of each family one, then others.

    Those with a network come first, then the median one by what there is to correct.

    Parameters
    ----------
    table : output of `etalon.figures.transfer_rows.tabulate`
    """
    harm = table[table["method"] == UNCORRECTED].assign(harm=lambda rows: rows["none"] / rows["own"])
    real = harm[~harm["synthetic"].astype(bool)]
    queues = []
    for _, own in (real if len(real) else harm).groupby("family"):
        ordered = own.sort_values(["harm", "pair", "target"])
        from_the_middle = (ordered["harm"].rank(method="first") - (len(ordered) + 1) / 2).abs()
        learned = pd.MultiIndex.from_frame(table.loc[table["method"] == LEARNED, ["pair", "target"]])
        ordered = ordered.assign(
            apart=from_the_middle, other=~pd.MultiIndex.from_frame(ordered[["pair", "target"]]).isin(learned)
        )
        chosen = ordered.sort_values(["other", "apart"], kind="stable")[["pair", "target"]]
        queues.append(list(chosen.itertuples(index=False, name=None)))
    rounds = itertools.zip_longest(*queues)
    return [case for turn in rounds for case in turn if case is not None][:PANELS]


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw both summaries, a panel a family, and below them what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    table, draws = tabulate(rows), by_draw(rows)
    chosen = cases(table)
    chosen = chosen[:-1] if len(chosen) % COLUMNS == 0 else chosen  # the legend would stand on a line of its own
    shown = rows[rows["method"].isin((*CURVES, *ENDS)) & (rows["condition"] == RANDOM)]
    lines = [line for note in notes(shown) for line in textwrap.wrap(note, NOTE_WIDTH)]
    n_rows = -(-(len(chosen) + 1) // COLUMNS)
    heights = [ABOVE, ROW * n_rows, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        above, below, foot = np.asarray(figure.subfigures(3, 1, height_ratios=heights))
        synthetic = _draw_summaries(above, table)
        _draw_cases(below, n_rows, chosen, table, draws, synthetic)
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def _draw_summaries(area: SubFigure, table: pd.DataFrame) -> bool:
    left, right = area.subplots(1, 2)
    ratios, synthetic = curves(table, "ratio")
    gains, _ = curves(table, "eta")
    for axis, found, name in ((left, ratios, "mean"), (right, gains, "median")):
        for method in order(found["method"]):
            own, how = found[found["method"] == method].sort_values("size"), look(method)
            axis.plot(own["size"], own[name], color=how.colour, marker=how.marker)
            low, high = own[f"{name}_low"].astype(float), own[f"{name}_high"].astype(float)
            axis.fill_between(own["size"], low, high, color=how.colour, alpha=0.10, lw=0)
        counts = found.groupby("size")["tasks"].max()
        label_sizes(axis, list(counts.index), counts)
    left.axhline(1.0, color=look(OWN).colour, ls=ENDS[OWN], lw=0.8)
    log_scale(left)
    left.set_title("Error relative to the target instrument's own calibration")
    left.set_ylabel("RMSEP / RMSEP of the target instrument,\ngeometric mean over pairs and targets")
    right.axhline(1.0, color=look(OWN).colour, ls=ENDS[OWN], lw=0.8)
    right.axhline(0.0, color=look(UNCORRECTED).colour, ls=ENDS[UNCORRECTED], lw=0.8)
    right.set_title("Transfer efficiency")
    right.set_ylabel("η, median over pairs and targets")
    low, high = right.get_ylim()
    right.set_ylim(max(low, -1.0), max(high, 1.05))
    return synthetic


def _draw_cases(
    area: SubFigure,
    n_rows: int,
    chosen: list[tuple[str, str]],
    table: pd.DataFrame,
    draws: pd.DataFrame,
    synthetic: bool,
) -> None:
    panels = area.subplots(n_rows, COLUMNS, squeeze=False).ravel()
    for axis, (pair, target) in zip(panels, chosen, strict=False):
        here = (table["pair"] == pair) & (table["target"] == target) & (table["condition"] == RANDOM)
        own = draws[(draws["pair"] == pair) & (draws["target"] == target) & (draws["condition"] == RANDOM)]
        _draw_case(axis, table[here], own)
    for axis in panels[len(chosen) :]:
        axis.axis("off")
    present = order(table.loc[table["method"].isin(CURVES), "method"])
    handles = [
        *(Line2D([], [], color=look(m).colour, marker=look(m).marker, label=look(m).label) for m in present),
        *(Line2D([], [], color=look(m).colour, ls=dash, label=look(m).label) for m, dash in ENDS.items()),
    ]
    title = "Bands: 95 % intervals, above over\nfamilies, below over draws"
    title += "\nSynthetic spectra: no result" if synthetic else ""
    place = {"loc": "center right", "bbox_to_anchor": (1.02, 0.5), "alignment": "left", "handlelength": 1.6}
    legend = panels[len(chosen)].legend(handles=handles, title=title, fontsize=5.5, title_fontsize=5.5, **place)
    legend.set_in_layout(False)  # its panel is as wide as the others


def _draw_case(axis: Axes, table: pd.DataFrame, draws: pd.DataFrame) -> None:
    _, pair, target, _, unit, synthetic = table[CASE].iloc[0]
    for method in order(name for name in table["method"] if name in CURVES):
        own, how = table[table["method"] == method].sort_values("size"), look(method)
        axis.plot(own["size"], own["rmsep"], color=how.colour, marker=how.marker, ms=2.4)
        values = {size: rows["value"].to_numpy() for size, rows in draws[draws["method"] == method].groupby("size")}
        ends = np.array([band(values[size], pair, target, method, size) for size in own["size"]])
        axis.fill_between(own["size"], ends[:, 0], ends[:, 1], color=how.colour, alpha=0.15, lw=0)
    for method, dashes in ENDS.items():
        for value in table.loc[table["method"] == method, "rmsep"]:
            axis.axhline(value, color=look(method).colour, ls=dashes, lw=0.8)
    family, _, instruments = arrow(pair).rpartition(": ")
    axis.set_title(f"{family}{' (synthetic)' if synthetic else ''}\n{instruments}", size=6.0)
    axis.set_ylabel(quantity(target, unit))
    label_sizes(axis, sorted(size for size in table["size"].unique() if size > 0))
    log_scale(axis)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
