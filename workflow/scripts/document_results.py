"""Write the results in README.md anew from the shipped metrics of the paper; no number there is typed by hand.

Usage: python workflow/scripts/document_results.py
"""

from pathlib import Path

import pandas as pd

from etalon.figures.style import METHODS
from etalon.figures.tab_phase0_baselines import tabulate
from etalon.storage import replacing

METRICS = Path("results/reference/paper/metrics/embedding_baselines.parquet")
README = Path("README.md")
START, END = "<!-- results: written by `make docs` -->", "<!-- end of results -->"


def main() -> None:
    before, rest = README.read_text().split(START)
    _, after = rest.split(END)
    with replacing(README) as temporary:
        temporary.write_text(f"{before}{START}\n{results(pd.read_parquet(METRICS))}{END}{after}")


def results(metrics: pd.DataFrame) -> str:
    table = tabulate(metrics)
    summary = table[table["block"] == "summary"]
    regression, classification = (summary[summary["task"] == task] for task in ("regression", "classification"))
    return f"""
Error relative to tuned PLS over {counts(regression)} (5-fold cross-validation by specimen, twice; component
numbers, strengths and, for the tuned methods, the preprocessing chosen inside the training rows). 95 % intervals
resample families of datasets; p is Wilcoxon's over datasets, after Holm.

{markdown(regression, "RMSECV ratio, geometric mean", ".3f")}

Classification, over {counts(classification)}, as difference to tuned PLS-DA:

{markdown(classification, "balanced accuracy, mean difference", "+.3f")}

"""


def counts(summary: pd.DataFrame) -> str:
    most = summary.loc[summary["tasks"].idxmax()]
    return f"{most['tasks']:.0f} tasks of {most['datasets']:.0f} datasets in {most['families']:.0f} families"


def markdown(summary: pd.DataFrame, effect: str, digits: str) -> str:
    lines = [f"| method | {effect} | 95 % interval | median | wins | p |", "|---|---|---|---|---|---|"]
    for row in summary.to_dict("records"):
        name = METHODS[row["method"]].label
        if row["status"] != "ok":
            lines.append(f"| {name} | {row['status'].split('; ')[0]} | | | | |")
            continue
        cells = [f"{row['mean']:{digits}}", "", f"{row['median']:{digits}}", "", ""]
        if pd.notna(row["win_share"]):
            cells[1] = f"{row['mean_low']:{digits}} to {row['mean_high']:{digits}}"
            cells[3:] = [f"{row['win_share']:.0%}", f"{row['p_holm']:.2g}" if pd.notna(row["p_holm"]) else ""]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
