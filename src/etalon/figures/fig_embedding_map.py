"""fig_embedding_map: maps of embeddings by family, instrument, modality and the value of one analyte."""

import textwrap
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.figures import style
from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.encoder_rows import LADDER, variants
from etalon.figures.style import MM

COLUMNS = (
    *("variant", "heldout", "seed", "dataset", "family", "instrument", "modality", "synthetic", "analyte", "value"),
    *("x", "y"),
)
# Where there are more variants than rows, the first present one of each of these is drawn.
CHOICES = (
    ("random_init",),
    (*reversed(LADDER), "masked_aug_baseline_contrastive", "masked_aug_baseline_adversarial"),
    ("fsnl_episodic_asls", "fsnl_episodic", "fsnl_random_init"),
    ("fs",),
)
BY = {"family": "Family", "instrument": "Instrument", "modality": "Modality"}
MODALITIES = {"nir": "NIR", "visnir": "VIS-NIR", "mir": "MIR", "raman": "Raman"}
# Tol's muted scheme, told apart by colour-blind readers (personal.sron.nl/~pault).
PALETTE = ["#332288", "#DDCC77", "#117733", "#CC6677", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499"]
REST = "0.85"
SPREAD = 2.0  # SDs from the mean of a dataset at which the colours of values end
PANEL, ENTRY, NOTE = 40.0, 3.0, 3.2  # mm: height of a map, of an entry of a legend, of a line of notes
NOTE_WIDTH = 140  # characters
BAR = 20.0  # mm: height of the bar of colours and its texts


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to draw: one fold and seed of at most one variant for each of `CHOICES`.

    The fold is the one that most variants have, the first of those; a variant without it (fs needs none) has its own
    first. Rows without a place on the map are left out.
    """
    table = table[np.isfinite(table["x"]) & np.isfinite(table["y"])]
    present = set(table["variant"])
    names = present
    if len(present) > len(CHOICES):
        names = {next(name for name in group if name in present) for group in CHOICES if present & set(group)}
    table = table[table["variant"].isin(names)]
    folds = table.groupby("heldout")["variant"].nunique()
    common = folds.index[folds == folds.max()].min() if len(folds) else ""
    keep = table["heldout"].eq(common) | ~table["variant"].isin(table.loc[table["heldout"] == common, "variant"])
    table = table[keep]
    first = table.groupby("variant")[["heldout", "seed"]].transform("min")
    return table[table["heldout"].eq(first["heldout"]) & table["seed"].eq(first["seed"])]


def standardised(table: pd.DataFrame) -> tuple[str, pd.Series]:
    """Return the analyte that most families have, and its values as SDs from the mean of their dataset.

    NaN where a spectrum has no value of it, or where the values of a dataset are all equal. "" for no analyte at all.
    """
    known = table[table["value"].notna() & (table["analyte"] != "")]
    none = pd.Series(np.nan, index=table.index)
    if known.empty:
        return "", none
    counts = known.groupby("analyte").agg(families=("family", "nunique"), spectra=("value", "size"))
    analyte = counts.sort_values(["families", "spectra"], ascending=False, kind="stable").index[0]
    groups = known[known["analyte"] == analyte].groupby(["variant", "dataset"])["value"]
    z = (groups.transform(lambda v: v) - groups.transform("mean")) / groups.transform("std").where(lambda sd: sd > 0)
    return str(analyte), z.reindex(table.index)


def draw(table: pd.DataFrame) -> Figure:
    """Draw one row of maps a variant, one column a colouring, with the legends below.

    Parameters
    ----------
    table : run, variant, heldout, seed, dataset, family, instrument, modality, synthetic, analyte, value, x, y
    """
    table = plain(table).reset_index(drop=True)
    rows = chosen(table)
    if rows.empty:
        raise BadInputError("metrics", "x, y", "places of embeddings on a map", "none")
    # In a random order, so that no dataset lies on top of another.
    rows = rows.sort_values(["variant", "dataset"], kind="stable").sample(frac=1, random_state=0)
    names = variants(rows["variant"] + "/")
    by = [name for name in BY if name != "modality" or len(set(rows["modality"])) > 1]
    notes = [line for note in _notes(table, rows, names) for line in textwrap.wrap(note, NOTE_WIDTH)]
    entries = max(min(rows[name].nunique(), len(PALETTE) + 1) for name in by)
    legend = max(ENTRY * entries + 3.0, BAR)
    heights = [*(PANEL for _ in names), legend]
    with mpl.rc_context(style.RC):
        size = (style.DOUBLE_COLUMN, (sum(heights) + NOTE * len(notes)) * MM)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(heights), len(by) + 1, height_ratios=heights, squeeze=False)
        for column, name in zip(axes.T, by, strict=False):
            _draw_kinds(column, rows, names, name)
        _draw_values(axes[:, -1], rows, names, legend)
        for axis, variant in zip(axes[:, 0], names, strict=False):
            axis.set_ylabel(style.look(f"{variant}/").label)
        figure.supxlabel("\n".join(notes), size=6.0, x=0.01, ha="left", linespacing=1.3)
    return figure


def _notes(table: pd.DataFrame, rows: pd.DataFrame, names: list[str]) -> Iterator[str]:
    runs = rows[["variant", "heldout", "seed"]].astype(str).drop_duplicates().set_index("variant").loc[names]
    places = [f"{run['heldout'] or 'no fold'}, seed {run['seed']}" for _, run in runs.iterrows()]
    if len(set(places)) > 1:
        labels = (style.look(f"{name}/").label for name in names)
        places = [f"{label} ({place})" for label, place in zip(labels, places, strict=True)]
    spectra = rows.groupby("variant").size().max()
    yield (
        f"Encoders of {', '.join(dict.fromkeys(places))}. Up to {spectra} spectra of"
        f" {style.count(rows['dataset'].nunique(), 'dataset')}. The axes of a map have no unit."
    )
    if rows["synthetic"].any():
        yield "† synthetic spectra"
    others = [style.look(name).label for name in style.order(table["variant"] + "/") if name[:-1] not in names]
    if others:
        yield f"Not drawn: {', '.join(others)}"


def _draw_kinds(column: np.ndarray, rows: pd.DataFrame, names: list[str], by: str) -> None:
    """Draw maps coloured by a category: the most frequent ones in colours of their own, the others in grey."""
    kinds = rows[by].replace(MODALITIES) if by == "modality" else rows[by]
    if by == "family":
        kinds = kinds.where(~rows["synthetic"].astype(bool), kinds + " †")
    counts = kinds.value_counts()
    all_kinds = sorted(counts.index, key=lambda kind: (-counts[kind], kind))
    coloured = all_kinds[: len(PALETTE)]
    colours = dict(zip(coloured, PALETTE, strict=False))
    column[0].set_title(BY[by])
    for axis, variant in zip(column, names, strict=False):
        own = rows["variant"] == variant
        known = own & kinds.isin(coloured)
        _scatter(axis, rows[own & ~known], REST)
        _scatter(axis, rows[known], kinds[known].map(colours))
    handles = [column[0].scatter([], [], s=8, color=colours[kind], label=kind) for kind in coloured]
    if left := len(all_kinds) - len(coloured):
        handles.append(column[0].scatter([], [], s=8, color=REST, label="1 other" if left == 1 else f"{left} others"))
    column[-1].axis("off")
    column[-1].legend(handles=handles, loc="upper left", fontsize=5.5, handletextpad=0.2, borderaxespad=0.0)


def _draw_values(column: np.ndarray, rows: pd.DataFrame, names: list[str], height: float) -> None:
    """Draw maps coloured by the value of one analyte (grey: without it); below a bar, in `height` mm."""
    analyte, z = standardised(rows)
    column[0].set_title(analyte.replace("_", " ").capitalize() or "Analyte value")
    colours = mpl.colormaps["cividis"]
    for axis, variant in zip(column, names, strict=False):
        own = rows["variant"] == variant
        known = own & z.notna()
        _scatter(axis, rows[own & ~known], REST)
        _scatter(axis, rows[known], colours((z[known].clip(-SPREAD, SPREAD) + SPREAD) / (2 * SPREAD)))
    column[-1].axis("off")
    if not analyte:
        column[-1].text(0.0, 1.0, "No reference values", size=6.0, va="top", transform=column[-1].transAxes)
        return
    bar = column[-1].inset_axes((0.0, 1 - 6.0 / height, 0.9, 2.5 / height))
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(-SPREAD, SPREAD), colours)
    column[-1].figure.colorbar(scale, cax=bar, orientation="horizontal", label="SDs from the mean of its set")
    column[-1].text(0.0, 1 - 18.5 / height, "Grey: not measured", size=6.0, transform=column[-1].transAxes)


def _scatter(axis: Axes, rows: pd.DataFrame, colours: Any) -> None:
    axis.scatter(rows["x"], rows["y"], c=colours, s=2.0, lw=0, rasterized=True)
    axis.set_xticks([])
    axis.set_yticks([])


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_table(args.metrics, COLUMNS)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
