"""Write the results in README.md anew from the shipped metrics of the paper; no number there is typed by hand.

Usage: python workflow/scripts/document_results.py
"""

from pathlib import Path

import pandas as pd

from etalon.figures import tab_phase0_baselines, tab_phase2_ablation
from etalon.figures.encoder_table import tabulate
from etalon.figures.style import look
from etalon.storage import replacing

METRICS = Path("results/reference/paper/metrics")
README = Path("README.md")
START, END = "<!-- {}: written by `make docs` -->", "<!-- end of {} -->"


def main() -> None:
    text = README.read_text()
    for name, write in SECTIONS.items():
        before, rest = text.split(START.format(name))
        _, after = rest.split(END.format(name))
        text = f"{before}{START.format(name)}\n{write()}{END.format(name)}{after}"
    with replacing(README) as temporary:
        temporary.write_text(text)


def phase_0() -> str:
    table = tab_phase0_baselines.tabulate(pd.read_parquet(METRICS / "embedding_baselines.parquet"))
    regression, classification = summaries(table)
    return f"""
Error relative to tuned PLS over {counts(regression)} (5-fold cross-validation by specimen, twice; component
numbers, strengths and, for the tuned methods, the preprocessing chosen inside the training rows). 95 % intervals
resample families of datasets; p is Wilcoxon's over datasets, after Holm.

{markdown(regression, "RMSECV ratio, geometric mean", ".3f")}

Classification, over {counts(classification)}, as difference to tuned PLS-DA:

{markdown(classification, "balanced accuracy, mean difference", "+.3f")}

"""


def phase_2() -> str:
    metrics = pd.read_parquet(METRICS / "embedding_encoders.parquet")
    table = tab_phase2_ablation.with_steps(tabulate(metrics, tab_phase2_ablation.wanted))
    regression, classification = summaries(table)
    without = int(regression["tasks"].max() - regression.loc[regression["method"] == "fs/ridge", "tasks"].item())
    return f"""
RMSECV relative to tuned PLS, over {counts(regression)}, all but {without} with a wavelength axis;
every encoder was trained without the family of the dataset that it is judged on. "To control" is the ratio to the
untrained encoder of the same make under
the same head, "to fs" that to the fixed embedding under the evidence head: below 1, training (the encoder) helps.

{compared(regression, ".3f")}

Classification, over {counts(classification)}: differences in balanced accuracy to tuned PLS-DA, to the control and to
fs + logistic.

{compared(classification, "+.3f")}

"""


def summaries(table: pd.DataFrame) -> list[pd.DataFrame]:
    summary = table[table["block"] == "summary"]
    return [summary[summary["task"] == task] for task in ("regression", "classification")]


def counts(summary: pd.DataFrame) -> str:
    most = summary.loc[summary["tasks"].idxmax()]
    return f"{most['tasks']:.0f} tasks of {most['datasets']:.0f} datasets in {most['families']:.0f} families"


def markdown(summary: pd.DataFrame, effect: str, digits: str) -> str:
    lines = [f"| method | {effect} | 95 % interval | median | wins | p |", "|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(own(row, digits))} |" for row in summary.to_dict("records"))])


def compared(summary: pd.DataFrame, digits: str) -> str:
    names = ("method", "to tuned PLS", "95 % interval", "median", "wins", "p", "to control", "p", "to fs", "p")
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for row in summary.to_dict("records"):
        cells = own(row, digits)
        for to in ("control", "fixed"):
            shown = pd.notna(row[f"{to}_mean"])
            cells += [f"{row[f'{to}_mean']:{digits}}", p_value(row[f"{to}_p_holm"])] if shown else ["", ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def own(row: dict, digits: str) -> list[str]:
    """Return the cells of a row: name, effect, interval, median, share of wins, p."""
    name = row.get("label") or look(row["method"]).label
    if row["status"] != "ok":
        return [name, row["status"].split("; ")[0], "", "", "", ""]
    cells = [name, f"{row['mean']:{digits}}", "", f"{row['median']:{digits}}", "", ""]
    if pd.notna(row["win_share"]):
        cells[2] = f"{row['mean_low']:{digits}} to {row['mean_high']:{digits}}"
        cells[4:] = [f"{row['win_share']:.0%}", p_value(row["p_holm"])]
    return cells


def p_value(p: float) -> str:
    return f"{p:.2g}" if pd.notna(p) else ""


SECTIONS = {"phase 0": phase_0, "phase 2": phase_2}

if __name__ == "__main__":
    main()
