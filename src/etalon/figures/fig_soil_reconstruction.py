"""fig_soil_reconstruction: MIR spectra from MIR and from NIR, as spectra and as errors by wavenumber.

Top: one soil of a set with both ranges (the one of median error): measured, reconstructed from MIR, converted from NIR.
Below: root mean square errors by wavenumber against the standard deviation over soils, and how much of that variance
converted spectra keep: where it falls to 0 they are the mean spectrum.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_union, parse_args, plain, run
from etalon.figures.soil_rows import CV, VARIANTS, Main
from etalon.figures.style import MM

RECONSTRUCTED, CONVERTED = "reconstructed", "converted"
COLOURS = {"measured": "black", RECONSTRUCTED: "#0072B2", CONVERTED: "#D55E00", "mean": "0.55"}
SHOWN = {"linear": "linear regression", "unfrozen": "decoder unfrozen", "unregularised": "no regularisation"}
HEIGHT = 156.0  # mm


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw a column a set with both ranges, and a last one with the summaries of all sets.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`, those by wavenumber among them
    """
    rows = plain(metrics)
    rows = rows[(rows["status"] == "ok") & (rows["condition"] == CV)]
    main = Main.of(plain(metrics))
    converted = rows[(rows["method"] == CONVERTED) & (rows["metric"] == "example_made")]
    sets = sorted(converted["dataset"].unique())[:2]
    if not sets:
        raise BadInputError("metrics", "method", "converted spectra of a set with both ranges", "none")
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, HEIGHT * MM), layout="constrained")
        upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=[2.1, 1.4]))
        axes = upper.subplots(2, len(sets), sharex=True, sharey="row", squeeze=False)
        for column, name in enumerate(sets):
            own = rows[rows["dataset"] == name]
            _draw_example(axes[0, column], own, main)
            _draw_errors(axes[1, column], own, main)
            mark = " (synthetic)" if own["synthetic"].all() else ""
            axes[0, column].set_title(f"{name}{mark}")
            axes[1, column].set_xlabel("Wavenumber / cm$^{-1}$")
        axes[0, 0].invert_xaxis()  # shared: MIR is read from large wavenumbers to small ones
        axes[0, 0].set_ylabel("Absorbance after SNV")
        axes[1, 0].set_ylabel("RMS error, SD (SNV units)")
        axes[1, 0].set_ylim(bottom=0)  # once all is drawn: it ends the scaling of the whole row
        named = {
            label: handle
            for axis in axes[:, 0]
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        upper.legend(named.values(), named, loc="outside lower center", ncols=3)
        _draw_summaries(lower, rows, main)
    return figure


def _curve(rows: pd.DataFrame, method: str, variant: str, metric: str) -> pd.Series:
    """Return a metric by wavenumber, increasing."""
    own = rows[(rows["method"] == method) & (rows["variant"] == variant) & (rows["metric"] == metric)]
    return own.groupby("amplitude")["value"].mean()


def _draw_example(axis: Axes, rows: pd.DataFrame, main: Main) -> None:
    # The two examples are two soils: what was measured stands with the converted one.
    made = _curve(rows, CONVERTED, main.bridge, "example_made")
    true = _curve(rows, CONVERTED, main.bridge, "example_measured")
    axis.plot(true.index, true, color=COLOURS["measured"], lw=0.9, label="measured")
    axis.plot(made.index, made, color=COLOURS[CONVERTED], lw=0.9, label="converted from NIR: spectrum")
    true = _curve(rows, RECONSTRUCTED, main.vae, "example_measured")
    made = _curve(rows, RECONSTRUCTED, main.vae, "example_made")
    shift = -2.5
    if true.empty:  # a NIR set: its MIR spectra are another set's
        return
    axis.plot(true.index, true + shift, color=COLOURS["measured"], lw=0.9)
    axis.plot(made.index, made + shift, color=COLOURS[RECONSTRUCTED], lw=0.9, ls=(0, (4, 2)),
              label=f"reconstructed (another soil, moved by {shift:g})".replace("-", "\N{MINUS SIGN}"))  # fmt: skip


def _draw_errors(axis: Axes, rows: pd.DataFrame, main: Main) -> None:
    spread = _curve(rows, CONVERTED, main.bridge, "channel_sd")
    axis.fill_between(spread.index, 0, spread, color="0.9", lw=0, label="SD of measured spectra")
    for method, variant, style_of, label in (
        (CONVERTED, "linear", ":", "converted by linear regression: error"),
        (CONVERTED, main.bridge, "-", "converted: error"),
        (RECONSTRUCTED, main.vae, "-", "reconstructed: error"),
    ):
        error = _curve(rows, method, variant, "channel_rmse")
        if error.empty:
            continue
        axis.plot(error.index, error, color=COLOURS[method], lw=0.8, ls=style_of, label=label)


def _draw_summaries(area: object, rows: pd.DataFrame, main: Main) -> None:
    """Draw errors of whole spectra over that of the mean spectrum, and the share of variance kept."""
    left, right = area.subplots(1, 2)  # type: ignore[attr-defined]
    wide = rows[rows["method"].isin([RECONSTRUCTED, CONVERTED])].pivot_table(
        index=["dataset", "method", "variant"], columns="metric", values="value", aggfunc="mean"
    )
    wide["relative"] = wide["spectrum_rmse"] / wide["mean_spectrum_rmse"]
    wide = wide.reset_index()
    sets = sorted(wide["dataset"].unique())
    kept = [(RECONSTRUCTED, main.vae), (RECONSTRUCTED, "linear32"), (CONVERTED, main.bridge)]
    kept += [(CONVERTED, name) for name in SHOWN]
    markers = dict(zip(kept, "os^Dvp", strict=False))
    for number, (method, variant) in enumerate(kept):
        own = wide[(wide["method"] == method) & (wide["variant"] == variant)].set_index("dataset")
        if own.empty:
            continue
        plain_name = variant in (main.vae, main.bridge)
        label = method if plain_name else f"{method}, {SHOWN.get(variant, VARIANTS.get(variant, variant))}"
        place = np.array([sets.index(name) for name in own.index]) + 0.1 * (number - 2.5)
        filled = COLOURS[method] if plain_name else "white"
        for axis, column in ((left, "relative"), (right, "variance_ratio")):
            axis.plot(place, own[column], markers[method, variant], ms=3.4, color=COLOURS[method], mfc=filled,
                      mew=0.8, label=label)  # fmt: skip
    names = [name.removeprefix("soil_").replace("_", " ") for name in sets]
    for axis in (left, right):
        axis.set_xticks(range(len(sets)), names, rotation=25, ha="right", rotation_mode="anchor")
        axis.axhline(1.0, color="0.7", lw=0.6, zorder=0)
        axis.grid(axis="y")
    left.set_yscale("log")
    left.set_ylabel("RMS error, mean spectrum = 1")
    right.set_ylabel("Variance, made / measured")
    right.set_ylim(bottom=0)
    right.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv, several=True)
    style.save(draw(load_union(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
