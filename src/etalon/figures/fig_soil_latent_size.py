"""fig_soil_latent_size: how many latents MIR spectra of soils need, for themselves and for properties.

Left: reconstruction error of tested soils, one line a set, principal components of 32 beside and the numbers of arXiv
2511.15965. Right: concordance of ridge on the latents, mean over the set's properties.
"""

import re

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.soil_rows import CV, read
from etalon.figures.style import MM

# Reconstruction error in the paper, 83,971 soils (second hand: docs/explanation/soil.md).
PUBLISHED = {16: 0.0338, 32: 0.0226, 64: 0.0211}
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#332288", "#999933")
CONTROL = "linear32"


def size_of(variant: str) -> int | None:
    """Return the number of latents that a variant is named for: "latent16" is 16."""
    found = re.fullmatch(r"latent(\d+)", variant)
    return int(found[1]) if found else None


def curves(rows: pd.DataFrame, method: str, metric: str) -> pd.DataFrame:
    """Return mean values over properties and seeds by set (rows) and number of latents (columns)."""
    own = rows[(rows["method"] == method) & (rows["metric"] == metric) & (rows["condition"] == CV)]
    own = own.assign(size=own["variant"].map(size_of)).dropna(subset="size")
    # Only the seeds that every size has, so that a step in the curve is one of size.
    seeds = set.intersection(*(set(part["seed"]) for _, part in own.groupby("size"))) if len(own) else set()
    own = own[own["seed"].isin(seeds)]
    return own.pivot_table(index="dataset", columns="size", values="value", aggfunc="mean")


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw both panels.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    rows = rows[rows["status"] == "ok"]
    errors = curves(rows, "reconstructed", "spectrum_rmse")
    concordance = curves(rows, "mir_latent_ridge", "ccc")
    if errors.empty:
        raise BadInputError("metrics", "variant", "autoencoders named latent<n>", "none")
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 68.0 * MM), layout="constrained")
        left, right = figure.subplots(1, 2)
        colours = dict(zip(errors.index, COLOURS * 3, strict=False))
        synthetic = set(rows.loc[rows["synthetic"], "dataset"])
        for axis, table, metric, method in (
            (left, errors, "spectrum_rmse", "reconstructed"),
            (right, concordance, "ccc", "mir_latent_ridge"),
        ):
            _draw_panel(axis, table, _control(rows, method, metric), colours, synthetic)
        left.plot(list(PUBLISHED), list(PUBLISHED.values()), "x--", color="black", lw=0.7, ms=4, label="published")
        left.set_yscale("log")
        left.yaxis.set_major_locator(FixedLocator([0.005, 0.01, 0.02, 0.05, 0.1]))
        left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        left.yaxis.set_minor_locator(NullLocator())
        sizes = sorted({*errors.columns, *PUBLISHED})
        left.xaxis.set_major_locator(FixedLocator([float(size) for size in sizes]))
        left.set_ylabel("Reconstruction error, RMS (SNV units)")
        right.set_ylabel("Mean CCC of ridge on latents")
        left.plot([], [], "*", color="0.3", ms=5, label="32 principal components")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _control(rows: pd.DataFrame, method: str, metric: str) -> pd.Series:
    own = rows[(rows["variant"] == CONTROL) & (rows["method"] == method) & (rows["metric"] == metric)]
    return own[own["condition"] == CV].groupby("dataset")["value"].mean()


def _draw_panel(
    axis: Axes, table: pd.DataFrame, control: pd.Series, colours: dict[str, str], synthetic: set[str]
) -> None:
    for name, values in zip(map(str, table.index), table.to_numpy(), strict=True):
        label = f"{name}{' (synthetic)' if name in synthetic else ''}"
        axis.plot(table.columns, values, "o-", color=colours[name], ms=3, label=label)
        if name in control:
            axis.plot(32 * 1.06, control[name], "*", ms=5, color=colours[name])
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_locator(FixedLocator([float(size) for size in table.columns]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("Latents")
    axis.grid()


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
