"""The table of costs: totals, ratios, order, what did not run."""

import pandas as pd
import pytest

from etalon.figures.tab_phase6_cost import COLUMNS, main, tabulate, typeset

REASON = "not run: no weights"
ROUTES = {
    "tuned_pls": ("", "", {"load": 0.1, "baseline": 0.1, "fit": 0.8, "predict": 0.001}),
    "embedding": ("fs", "evidence", {"load": 0.1, "baseline": 0.1, "embed": 0.2, "fit": 0.1, "predict": 0.001}),
}


@pytest.fixture
def rows() -> pd.DataFrame:
    records = []
    for dataset, n_train, slow in (("large", 400, 3.0), ("small", 60, 1.0)):
        common = {"run": "test", "dataset": dataset, "n_train": n_train, "n_channels": 700, "threads": 1}
        common |= {"machine": "CPU 1", "searched": 150, "optimised": 0, "by_hand": 2, "settings": "a b", "needs": ""}
        for method, (variant, head, seconds) in ROUTES.items():
            place = common | {"method": method, "variant": variant, "head": head, "status": "ok"}
            steps = {step: slow * value for step, value in seconds.items()}
            steps["total"] = sum(steps.values())
            records += [place | {"step": step, "seconds": value} for step, value in steps.items()]
        lost = {"method": "embedding", "variant": "fs", "head": "tabpfn", "step": "total", "needs": "weights of TabPFN"}
        records.append(common | lost | {"status": REASON})
    table = pd.DataFrame(records)[list(COLUMNS)]
    return table.astype({name: "category" for name in table if table[name].dtype == object})


def test_small_datasets_come_first_and_ratios_are_to_tuned_pls_on_the_same_one(rows):
    table = tabulate(rows)
    assert table["dataset"].tolist() == ["small"] * 3 + ["large"] * 3
    assert table["head"].tolist() == ["", "evidence", "tabpfn"] * 2
    assert table["relative"].dropna().round(3).tolist() == [1.0, 0.5, 1.0, 0.5]
    assert table["embed"].isna().tolist() == [True, False, True] * 2


def test_steps_reasons_and_the_machine_are_typeset(rows):
    text = typeset(tabulate(rows))
    lines = [[cell.strip() for cell in line.removesuffix(r"\\").split(" & ")] for line in text.splitlines()]
    pls = next(cells for cells in lines if cells[0] == "Tuned PLS")
    assert pls == ["Tuned PLS", "0.10", "0.10", "", "0.80", "$<$ 0.01", "1.0", "1.0", "150", "0", "2", ""]
    assert REASON in text
    assert "1 thread on CPU 1" in text
    assert r"\emph{small}: 60 training spectra, 700 channels" in text


def test_the_files(rows, tmp_path):
    rows.to_parquet(tmp_path / "in.parquet")
    out = ["--out-csv", str(tmp_path / "a.csv"), "--out-tex", str(tmp_path / "a.tex")]
    main(["--metrics", str(tmp_path / "in.parquet"), *out])
    assert len(pd.read_csv(tmp_path / "a.csv")) == 6
    assert (tmp_path / "a.tex").read_text().count(r"\begin{longtable}") == 1
