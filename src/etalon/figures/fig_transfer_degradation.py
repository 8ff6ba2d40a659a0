"""fig_transfer_degradation: error of a calibration as its instrument ages, left as it is and recalibrated.

RMSEP over that of the calibration on the instrument as new, geometric mean over datasets, against the
amplitude of the ageing: a panel a part of the instrument, a line a method.
"""

import textwrap
from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.perturbation_panels import log_scale
from etalon.figures.style import MM, Method
from etalon.figures.transfer_rows import OWN, UNCORRECTED, look

PANELS = {
    "lamp_power": ("Lamp or laser", "Power lost (%)", 100.0),
    "detector_noise": ("Detector noise", "RMS (mAU)", 1000.0),
    "detector_saturation": ("Detector non-linearity", "Response lost (%)", 100.0),
    "stray_light": ("Stray light", "Share of full scale (%)", 100.0),
    "optical_path": ("Optical path", "Path or light lost (%)", 100.0),
    "fouling": ("Dust on the window", "Extinction (AU)", 1.0),
    "temperature": ("Temperature of samples", "Warming (K)", 1.0),
    "wavelength_drift": ("Wavelength drift", "Drift (nm; Raman: cm⁻¹)", 1.0),
}
NEW_CALIBRATION = Method("New calibration, all specimens", "#000000", ".")
COLUMNS = 4
ROW, LEGEND, NOTE_HEIGHT, NOTE_WIDTH = 44.0, 11.0, 3.2, 150  # mm, mm, mm, characters
TASK = ["dataset", "family", "target", "condition"]
CURVE = ["condition", "method", "level", "mean", "datasets"]


def written(method: str) -> Method:
    """Return how a method is written and drawn."""
    return NEW_CALIBRATION if method == OWN else look(method)


def ratios(metrics: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return the mean ratio over draws of each dataset, `TASK`, method, level and amplitude; whether it is synthetic.

    The level is the rank of an amplitude; Raman shifts and nanometres so stand side by side. Synthetic sets take part
    only where no real one ran.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = plain(metrics)
    rows = rows[(rows["metric"] == "rmsep") & (rows["status"] == "ok") & rows["condition"].isin(list(PANELS))]
    if rows.empty:
        raise BadInputError("metrics", "condition", f"rows of {', '.join(PANELS)} that ran", "none")
    synthetic = bool(rows["synthetic"].all())
    rows = rows[synthetic | ~rows["synthetic"]]
    new = rows[(rows["method"] == UNCORRECTED) & (rows["amplitude"] == 0.0)].set_index(TASK)["value"]
    means = rows.groupby([*TASK, "method", "amplitude"])["value"].mean().reset_index()
    means = means.merge(new.rename("new"), left_on=TASK, right_index=True)
    means["level"] = means.groupby(TASK)["amplitude"].rank("dense").astype(int) - 1
    return means.assign(ratio=means["value"] / means["new"]), synthetic


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Return `CURVE` over the datasets that all methods have which were tried at an amplitude."""
    groups = table.groupby(["condition", "level", "dataset", "target"])["method"].transform("nunique")
    most = table.groupby(["condition", "level"])["method"].transform("nunique")
    found = table[groups == most].groupby(["condition", "method", "level"])["ratio"]
    return found.agg(
        mean=lambda values: float(np.exp(np.log(values).mean())),
        datasets="size",
    ).reset_index()[CURVE]


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw one panel an ageing; below, what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    table, synthetic = ratios(metrics)
    found = curves(table)
    present = [name for name in PANELS if (found["condition"] == name).any()]
    methods = ordered(found["method"])
    standards = int(plain(metrics).query("method not in (@UNCORRECTED, @OWN) and status == 'ok'")["n_train"].max())
    lines = [line for note in _notes(metrics, synthetic, standards) for line in textwrap.wrap(note, NOTE_WIDTH)]
    n_rows = -(-len(present) // COLUMNS)
    heights = [ROW * n_rows + LEGEND, 2.0 + NOTE_HEIGHT * len(lines)]
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, sum(heights) * MM), layout="constrained")
        area, foot = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
        axes = area.subplots(n_rows, min(COLUMNS, len(present)), squeeze=False, sharey=True)
        for axis, name in zip(axes.flat, present, strict=False):
            _draw_panel(axis, name, found[found["condition"] == name], table[table["condition"] == name], methods)
        for axis in axes.flat[len(present) :]:
            axis.axis("off")
        area.supylabel("RMSEP / RMSEP as new", size=style.RC["axes.labelsize"])
        handles, labels = axes.flat[0].get_legend_handles_labels()
        area.legend(handles, labels, loc="outside lower center", ncols=4)
        foot.text(0.01, 1.0, "\n".join(lines), size=6.0, va="top", linespacing=1.3)
    return figure


def ordered(methods: Iterable[str]) -> list[str]:
    """Return the methods in the order in which they are drawn."""
    known = [
        UNCORRECTED,
        "bias",
        "sbc",
        "sbc_reference",
        "ds",
        "ds_residual",
        "pds",
        "di_pls",
        "spiking",
        "target_only",
    ]
    rest = sorted(set(methods) - {*known, OWN})
    return [name for name in (*known, *rest, OWN) if name in set(methods)]


def _draw_panel(axis: Axes, name: str, found: pd.DataFrame, table: pd.DataFrame, methods: list[str]) -> None:
    title, label, scale = PANELS[name]
    axis.set_title(title, pad=9)
    axis.axhline(1.0, color="black", ls=":", lw=0.6, zorder=1)
    levels = found["level"].unique()
    for place, method in enumerate(methods):
        own, drawn = found[found["method"] == method].sort_values("level"), written(method)
        x = own["level"] + 0.06 * (
            place - (len(methods) - 1) / 2
        )  # side by side, so that markers do not hide each other
        style_of_line = "--" if method == OWN else "-"
        axis.plot(
            x,
            own["mean"],
            color=drawn.colour,
            marker=drawn.marker,
            # What was tried at few amplitudes is no curve.
            ls=style_of_line if len(own) > len(levels) // 2 else "",
            lw=0.9,
            label=drawn.label,
        )
    amplitudes = table.groupby("level")["amplitude"].agg(lambda values: values.mode().iloc[0])
    axis.set_xticks(list(amplitudes.index), [f"{scale * value:g}" for value in amplitudes])
    axis.set_xlabel(label)
    log_scale(axis)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    count = style.count(int(found["datasets"].max()), "dataset") if len(found) else "not run"
    axis.text(0.5, 1.03, count, transform=axis.transAxes, ha="center", size=5.5, color="0.35")


def _notes(metrics: pd.DataFrame, synthetic: bool, standards: int) -> list[str]:
    notes = [f"Recalibrated with {standards} standards, measured again on the aged instrument."]
    if synthetic:
        notes.append("Synthetic spectra: no real set ran, no result.")
    rows = plain(metrics)
    rows = rows[(rows["status"] != "ok") & (rows["metric"] == "rmsep")]
    for status, own in rows.groupby("status", sort=False):
        what = ", ".join(PANELS[name][0].lower() for name in PANELS if name in set(own["condition"])) or "all"
        notes.append(f"{', '.join(sorted(own['dataset'].unique()))}: {what} {status}")
    return notes


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
