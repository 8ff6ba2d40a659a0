"""Tables in markdown, and the cells of rows that `etalon.evaluate.compare.summarise` made."""

from collections.abc import Sequence

import pandas as pd

from etalon.figures.style import look

COMPARED = ("method", "to tuned PLS", "95 % interval", "median", "wins", "p", "to control", "p", "to fs", "p")


def table_of(names: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in markdown."""
    rule = "|" + "---|" * len(names)
    return "\n".join([f"| {' | '.join(names)} |", rule, *(f"| {' | '.join(cells)} |" for cells in lines)])


def alone(names: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a section that is a table and nothing else."""
    return f"\n{table_of(names, lines)}\n\n"


def number(value: float, digits: str) -> str:
    return f"{value:{digits}}" if pd.notna(value) else ""


def p_value(p: float) -> str:
    return number(p, ".2g")


def interval(row: dict | pd.Series, digits: str) -> str:
    return " to ".join(filter(None, (number(row[f"mean_{end}"], digits) for end in ("low", "high"))))


def effect(row: dict | pd.Series) -> list[str]:
    """Return the cells of a ratio: number of tasks, geometric mean, interval, p."""
    if row.get("status", "ok") != "ok":
        return ["0", row["status"].split("; ")[0], "", ""]
    return [f"{row['tasks']:.0f}", f"{row['mean']:.3f}", interval(row, ".3f"), p_value(row["p_holm"])]


def own(row: dict, digits: str) -> list[str]:
    """Return the cells of a row: name, effect, interval, median, share of wins, p."""
    name = row.get("label") or look(row["method"]).label
    if row["status"] != "ok":
        return [name, row["status"].split("; ")[0], "", "", "", ""]
    cells = [name, f"{row['mean']:{digits}}", "", f"{row['median']:{digits}}", "", ""]
    if pd.notna(row["win_share"]):
        cells[2] = interval(row, digits)
        cells[4:] = [f"{row['win_share']:.0%}", p_value(row["p_holm"])]
    return cells


def beside(row: dict, digits: str) -> list[str]:
    """Return the cells of a row of an encoder against its control and fs: effect and p of both."""
    found = [(number(row[f"{to}_mean"], digits), p_value(row[f"{to}_p_holm"])) for to in ("control", "fixed")]
    return [cell for cells in found for cell in cells]


def summaries(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of regression and those of classification that sum up a table."""
    summary = table[table["block"] == "summary"]
    return [summary[summary["task"] == task] for task in ("regression", "classification")]


def counts(summary: pd.DataFrame) -> str:
    """Return over how many tasks, datasets and families the row goes that has the most."""
    most = summary.loc[summary["tasks"].idxmax()]
    return f"{most['tasks']:.0f} tasks of {most['datasets']:.0f} datasets in {most['families']:.0f} families"


def ranked(summary: pd.DataFrame, quantity: str, digits: str) -> str:
    """Return the table of a summary of classical methods, whose effect is headed `quantity`."""
    names = ("method", quantity, "95 % interval", "median", "wins", "p")
    return table_of(names, [own(row, digits) for row in summary.to_dict("records")])


def compared(summary: pd.DataFrame, digits: str) -> str:
    """Return the table of a summary of encoders."""
    return table_of(COMPARED, [[*own(row, digits), *beside(row, digits)] for row in summary.to_dict("records")])
