"""fig_phase6_critical_difference: mean ranks over datasets, and which methods do not differ (Demšar 2006).

Panel a: classical methods, the fixed embedding, both encoders under their best head with the control under the same
one, and the heads of phase 6. Panel b: the same with fine-tuned encoders, on the smaller sets on which they ran.
"""

import textwrap
from dataclasses import dataclass
from itertools import chain

import matplotlib as mpl
import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etalon.errors import BadInputError
from etalon.evaluate.compare import TASK
from etalon.evaluate.ranks import complete_blocks, dataset_ranks, friedman, pairwise
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_rows import ABSENT, control_of, named, not_run, scores, shown, stand_for
from etalon.figures.style import MM
from etalon.figures.tab_phase6_downstream import CONTROLS, ENCODERS, FINE_TUNING, HEADS

FIRST = ("tuned_pls", "stacked_pls", "tuned_ridge", "fs/evidence", "fs/kernels")
NEW_HEADS = ("pls", "gpr", "kernel_ridge", "mlp")
NEW_HEADS_ON = "fsnl_episodic_asls"
FINE_TUNED = tuple(f"{variant}/{how}" for variant in (*ENCODERS, *CONTROLS) for how in FINE_TUNING)
TASK_KIND = "regression"
ALPHA = 0.05
MIN_SHARE = 0.5  # a row with fewer of the tasks would take the others' tasks away: it is named, not drawn
UNIT_HEIGHT, HEAD_HEIGHT, NOTE_HEIGHT, GAP = 3.6, 16.0, 3.2, 6.0  # mm
AXES = (0.34, 0.32)  # left end and width of a diagram, without its labels, as shares of the figure's width
NOTE_WIDTH = 150  # characters


@dataclass(frozen=True)
class Panel:
    """What one diagram shows: scores on complete blocks, and the rows that ran on too few tasks for it."""

    blocks: pd.DataFrame
    left_out: list[str]


@dataclass(frozen=True)
class Diagram:
    """Mean ranks with Friedman's p, and p of every pair after Holm."""

    blocks: pd.DataFrame
    ranks: pd.DataFrame
    p: pd.DataFrame

    @classmethod
    def of(cls, blocks: pd.DataFrame) -> "Diagram":
        return cls(blocks, dataset_ranks(blocks), pairwise(blocks))

    def draw(self, axis: Axes) -> None:
        mean = self.ranks.mean()
        label = {name: style.look(name).label for name in mean.index}
        drawn = scikit_posthocs.critical_difference_diagram(
            mean.rename(label),
            self.p.rename(index=label, columns=label),
            alpha=ALPHA,
            ax=axis,
            label_fmt_left="{label}  {rank:.2f} ",
            label_fmt_right=" {rank:.2f}  {label}",
            color_palette={label[name]: style.look(name).colour for name in mean.index},
            label_props={"size": 6.0},
            marker_props={"s": 8},
            elbow_props={"linewidth": 0.8},
            crossbar_props={"linewidth": 1.4, "marker": "o", "markersize": 2.0, "color": "0.25"},
            text_h_margin=0.02 * (mean.max() - mean.min()),
        )
        # The points of a bar come in the order of a set, which is another in every process.
        for line in chain.from_iterable(drawn["crossbars"]):
            line.set_xdata(np.sort(line.get_xdata()))
        axis.spines["top"].set_visible(True)
        for text in axis.texts:
            text.set_color("black")

    def units(self) -> float:
        """Return the height of the diagram in rows: bars, and labels of the longer side."""
        axis = Figure().subplots()
        self.draw(axis)
        return float(-axis.dataLim.y0)

    def title(self, tested: bool) -> str:
        places = [self.blocks.index.get_level_values(level).nunique() for level in ("dataset", "family")]
        counts = (
            f"{style.count(len(self.blocks), 'task')} of {style.count(places[0], 'dataset')}, families: {places[1]}"
        )
        p = friedman(self.ranks) if tested else np.nan
        test = "" if np.isnan(p) else f"; Friedman's p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
        return f"Mean rank over datasets ({counts}{test})"


def best_head(ran: pd.DataFrame, variant: str) -> str | None:
    """Return the row "variant/head" with the least geometric mean error on the tasks that all its heads have."""
    names = [name for head in HEADS[TASK_KIND] if (ran["method"] == (name := f"{variant}/{head}")).any()]
    blocks = complete_blocks(ran, names)
    return str(np.log(blocks).mean().idxmin()) if len(blocks) else next(iter(names), None)


def selected(ran: pd.DataFrame) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the rows of both panels, and the best rows among them, whether or not they ran."""
    best = [best_head(ran, variant) or f"{variant}/ridge" for variant in ENCODERS]
    controls = [str(control_of(name)) for name in best]
    new = [f"{NEW_HEADS_ON}/{head}" for head in NEW_HEADS]
    return style.order([*FIRST, *best, *controls, *new]), style.order([*FIRST, *best, *FINE_TUNED]), best


def panel_of(ran: pd.DataFrame, names: list[str]) -> Panel:
    """Return the scores of the rows in `names` that ran on at least `MIN_SHARE` of the tasks of the others."""
    tasks = ran[ran["method"].isin(names)].groupby("method")[TASK].apply(lambda own: len(own.drop_duplicates()))
    most = tasks.max() if len(tasks) else 0
    kept = [name for name in names if tasks.get(name, 0) >= MIN_SHARE * most and name in tasks]
    return Panel(complete_blocks(ran, kept), [name for name in names if name in tasks and name not in kept])


def fine_tuned_tasks(ran: pd.DataFrame) -> pd.DataFrame:
    """Return the scores on the tasks on which any encoder was fine-tuned."""
    return ran.merge(ran.loc[ran["method"].isin(FINE_TUNED), TASK].drop_duplicates(), on=TASK)


def draw(metrics: pd.DataFrame) -> Figure:
    """Draw the diagrams; below, what they show and what did not run.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = named(plain(metrics[(metrics["task"] == TASK_KIND) & (metrics["condition"] == "cv")]))
    ran, extended = shown(scores(rows, TASK_KIND))
    frozen, tuned, best = selected(ran)
    panels = [panel_of(ran, frozen)]
    if ran["method"].isin(FINE_TUNED).any():
        panels.append(panel_of(fine_tuned_tasks(ran), tuned))
    panels = [panel for panel in panels if len(panel.blocks) and panel.blocks.shape[1] > 1]
    if not panels:
        raise BadInputError("metrics", "method", f"a task that {', '.join(frozen)} were all tested on", "none")
    notes = _notes(rows, [*frozen, *tuned], best, panels, extended)
    diagrams = [Diagram.of(panel.blocks) for panel in panels]
    heights = [HEAD_HEIGHT + UNIT_HEIGHT * diagram.units() for diagram in diagrams]
    total = sum(heights) + GAP + NOTE_HEIGHT * len(notes)
    with mpl.rc_context(style.RC):
        figure, top = Figure(figsize=(style.DOUBLE_COLUMN, total * MM)), total
        for letter, diagram, height in zip("ab", diagrams, heights, strict=False):
            left, width = AXES
            axis = figure.add_axes((left, (top - height) / total, width, (height - HEAD_HEIGHT) / total))
            diagram.draw(axis)
            axis.set_title(f"{letter}  {diagram.title(not extended)}", pad=17)
            top -= height
        figure.text(0.01, (top - GAP / 2) / total, "\n".join(notes), size=6.0, va="top", linespacing=1.3)
    return figure


def _notes(rows: pd.DataFrame, wanted: list[str], best: list[str], panels: list[Panel], extended: bool) -> list[str]:
    """Return the lines below the figure: how to read it, what is left out and what did not run."""
    notes = [
        "Joined: no difference (Wilcoxon's test over datasets, p of at least 0.05 after Holm for all pairs of a panel)."
        f" Best head of its encoder on the tasks shown: {'; '.join(style.look(name).label for name in best)}."
    ]
    if extended:
        notes.append(
            "Fewer than three real tasks ran: synthetic and overlapping sets are included, which is no result."
        )
    few = [name for panel in panels for name in panel.left_out]
    if few:
        notes.append(f"On too few tasks to be ranked: {', '.join(style.look(name).label for name in few)}.")
    drawn = {name for panel in panels for name in panel.blocks.columns} | {*few}
    absent = [name for name in dict.fromkeys(wanted) if name not in drawn]
    reasons = style.not_run_notes(rows[rows["method"].isin({whole for name in absent for whole in stand_for(name)})])
    unknown = [name for name in absent if not_run(rows, name).empty]
    notes += reasons + ([f"{', '.join(style.look(name).label for name in unknown)} {ABSENT}"] if unknown else [])
    return [line for note in notes for line in textwrap.wrap(note, NOTE_WIDTH)]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_pdf", "out_png"), argv)
    style.save(draw(load_metrics(args.metrics)), args.out_pdf, args.out_png)


if __name__ == "__main__":
    run(main)
