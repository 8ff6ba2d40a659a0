"""fig_transfer_cross_modality: a calibration of one modality on specimens that another modality measured.

RMSEP against the number of specimens measured both ways, mean over draws with its bootstrap interval: a column a pair
"calibrated on, measured with". Above, spectra are mapped to the calibration's by direct standardisation; below, the
specimens are a calibration set of their own. A line is what is mapped or calibrated: spectra, or what a network makes
of them.
"""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.style import MM, Method
from etalon.figures.transfer_rows import band, label_sizes, quantity

REPRESENTATIONS = {
    "spectra": Method("Spectra", "#000000", "o"),
    "random_init": Method("Network, random init", "#767676", "h"),
    "infrared_only": Method("Network, pretrained on IR alone", "#0072B2", "s"),
    "raman_only": Method("Network, pretrained on Raman alone", "#009E73", "D"),
    "pretrained": Method("Network, pretrained on all", "#D55E00", "*"),
}
WAYS = {"map": "Mapped to the calibration", "target_only": "Calibrated anew"}
ENDS = {"same_modality": ("Calibration on its own modality", "--"), "target_all": ("Anew, on all specimens", ":")}
CONDITION = "cross_modality"
ROW, LEGEND, NOTE_HEIGHT, NOTE_WIDTH = 42.0, 12.0, 3.2, 150  # mm, mm, mm, characters


def read(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the RMSEP of pairs of modalities, with text for categories."""
    rows = plain(metrics)
    return rows[(rows["condition"] == CONDITION) & (rows["metric"] == "rmsep")]


def curve(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean, low and high over draws by number of samples, of one pair, way and representation."""
    found = []
    for size, own in rows.groupby("amplitude"):
        values = own.sort_values("draw")["value"].to_numpy()
        low, high = band(values, own["pair"].iloc[0], own["variant"].iloc[0], size)
        found.append({"size": size, "mean": values.mean(), "low": low, "high": high})
    return pd.DataFrame(found)


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw a column a pair, a row a way to use the specimens; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    ok = rows[rows["status"] == "ok"]
    pairs = list(dict.fromkeys(ok["pair"]))
    if not pairs:
        raise BadInputError("metrics", "condition", f"rows of {CONDITION} that ran", "none")
    lines = [line for note in _notes(metrics, rows) for line in textwrap.wrap(note, NOTE_WIDTH)]
    heights = [ROW * len(WAYS) + LEGEND, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        axes = area.subplots(len(WAYS), len(pairs), squeeze=False, sharey="col", sharex="col")
        for column, pair in zip(axes.T, pairs, strict=True):
            own = ok[ok["pair"] == pair]
            for axis, way in zip(column, WAYS, strict=True):
                _draw_panel(axis, own, way)
            column[0].set_title(f"{title_of(pair)}\n{quantity(own['target'].iloc[0], own['unit'].iloc[0])}")
            column[0].set_xlabel("")
        area.supylabel("RMSEP", size=style.RC["axes.labelsize"])
        for axis, way in zip(axes[:, 0], WAYS.values(), strict=True):
            axis.text(0.97, 0.95, way, transform=axis.transAxes, ha="right", va="top", size=6.0, style="italic")
        variants = [name for name in REPRESENTATIONS if (ok["variant"] == name).any()]
        handles = [
            Line2D([], [], color=r.colour, marker=r.marker, ms=3.2, lw=1.0, label=r.label)
            for r in map(REPRESENTATIONS.__getitem__, variants)
        ]
        handles += [Line2D([], [], color="black", ls=ls, lw=0.8, label=label) for label, ls in ENDS.values()]
        area.legend(handles=handles, loc="outside lower center", ncols=4)
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def title_of(pair: str) -> str:
    """Return "textile: NIR → MIR", the modality that was measured first, that of the calibration last."""
    source, target = pair.split(">")
    shared = source.rpartition("_")[0]
    known = {"nir": "NIR", "mir": "MIR", "raman": "Raman"}
    names = [known.get(name.rpartition("_")[2], name) for name in (target, source)]
    return f"{shared}: {names[0]} → {names[1]}" if target.startswith(shared) else f"{target} → {source}"


def _draw_panel(axis: Axes, own: pd.DataFrame, way: str) -> None:
    sizes = sorted(own.loc[own["amplitude"] > 0, "amplitude"].unique())
    for variant, drawn in REPRESENTATIONS.items():
        rows = own[(own["method"] == way) & (own["variant"] == variant)]
        if rows.empty:
            continue
        found = curve(rows)
        axis.plot(found["size"], found["mean"], color=drawn.colour, marker=drawn.marker, zorder=3)
        axis.fill_between(found["size"], found["low"], found["high"], color=drawn.colour, alpha=0.12, lw=0)
    for name, (_, ls) in ENDS.items():
        rows = own[own["method"] == name]
        if len(rows):
            axis.axhline(rows["value"].mean(), color="black", ls=ls, lw=0.8, zorder=1)
    label_sizes(axis, sizes)
    axis.set_ylim(bottom=0.0)


def _notes(metrics: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    notes = ["→ from the modality that the specimens were measured in to that of the calibration."]
    bad = rows[(rows["status"] != "ok") & ~rows["status"].str.contains("to choose from")]
    for status, own in bad.groupby("status", sort=False):
        notes.append(f"{', '.join(dict.fromkeys(own['pair'].str.replace('>', ' and ')))}: {status}")
    every = plain(metrics)
    shifts = every[(every["metric"] == "device_shift") & (every["status"] == "ok")]
    for _, row in shifts.drop_duplicates("value").iterrows():
        one, other = row["pair"].split(">")
        notes.append(
            f"{one} and {other}, device shift alone: their mean spectra differ by {row['value']:.1f} times the scatter"
            " of scans of one substance on one device (after SNV)."
        )
    return notes


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
