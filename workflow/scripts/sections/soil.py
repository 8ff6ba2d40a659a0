"""Soil: models of both modalities, MIR spectra made of NIR ones, distances from the training samples."""

from pathlib import Path

from etalon.figures import soil_summary
from etalon.figures.command import load_metrics
from sections.markdown import alone, interval, number, p_value
from sections.shipped import shipped

CONDITIONS = {"cv": "cross-validation", "independent": "another laboratory"}


@shipped("soil")
def soil(path: Path) -> str:
    metrics = load_metrics(path)
    names = ("condition", "model", "tasks", "mean CCC", "less PLSR", "95 % interval", "p", "published")
    lines = []
    for row in soil_summary.models(metrics).to_dict("records"):
        difference = [number(row["mean"], "+.3f"), interval(row, "+.3f"), p_value(row["p_holm"])]
        about = [CONDITIONS[row["condition"]], row["label"], f"{row['tasks']:.0f}", number(row["ccc"], ".3f")]
        lines.append([*about, *difference, number(row["published"], ".2f")])
    return alone(names, lines)


@shipped("soil")
def soil_spectra(path: Path) -> str:
    names = ("set", "MIR spectra", "by", "RMS error", "mean spectrum = 1", "variance kept")
    lines = [
        [row["dataset"], row["kind"], row["variant"], number(row["spectrum_rmse"], ".4f"), *shares(row)]
        for row in soil_summary.fidelity(load_metrics(path)).to_dict("records")
    ]
    return alone(names, lines)


def shares(row: dict) -> list[str]:
    return [number(row["relative"], ".3f"), number(row["variance_ratio"], ".2f")]


@shipped("soil")
def soil_distances(path: Path) -> str:
    names = ("condition", "model", "tasks", "beyond the limit", "rank correlation", "error within", "error beyond")
    lines = [
        [CONDITIONS[row["condition"]], soil_summary.MODELS[row["method"]].label, f"{row['tasks']:.0f}"]
        + [number(row["outlying"], ".0%"), number(row["distance_rank_correlation"], ".2f")]
        + [number(row[f"rmsep_{side}"], ".2f") for side in ("inside", "outside")]
        for row in soil_summary.distances(load_metrics(path)).to_dict("records")
    ]
    return alone(names, lines)
