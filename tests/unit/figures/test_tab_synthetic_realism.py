"""The table of realism: order, numbers, reasons, and how many sets pass the limit."""

import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures.tab_synthetic_realism import COLUMNS, main, tabulate, typeset

REASON = "not run: no wavelength axis"


@pytest.fixture
def rows() -> pd.DataFrame:
    ok = {"run": "test", "n_real": 80.0, "n_synthetic": 80.0, "auc_sd": 0.01, "status": "ok", "auc_other_real": 0.97}
    records = [
        ok | {"dataset": "raman_a", "family": "a", "modality": "raman", "auc": 0.8, "pca_distance": 3.25},
        {"run": "test", "dataset": "index_b", "family": "b", "modality": "nir", "status": REASON},
        ok | {"dataset": "corn_m5", "family": "c", "modality": "nir", "auc": 0.999, "band_ratio_distance": 0.125},
        ok | {"dataset": "all, 1110-1650 nm", "family": "all", "modality": "nir", "auc": 0.9, "auc_other_real": None},
    ]
    return pd.DataFrame(records).reindex(columns=list(COLUMNS)).astype({"status": "category", "modality": "category"})


def test_all_together_comes_first_and_what_did_not_run_last(rows):
    assert tabulate(rows)["dataset"].tolist() == ["all, 1110-1650 nm", "corn_m5", "raman_a", "index_b"]


def test_numbers_and_reasons_are_typeset(rows):
    text = typeset(tabulate(rows))
    line = next(line for line in text.splitlines() if line.startswith(r"corn\_m5"))
    cells = [cell.strip() for cell in line.removesuffix(r"\\").split(" & ")]
    assert cells == [r"corn\_m5", "NIR", "80", r"0.999 $\pm$ 0.010", "0.970", "", "0.125"]
    assert REASON in text
    # One of two datasets lies below the limit; the row of all together is none.
    assert "1 of 2" in text


def test_the_files(rows, tmp_path):
    rows.to_parquet(tmp_path / "in.parquet")
    main(
        [
            "--metrics",
            str(tmp_path / "in.parquet"),
            "--out-csv",
            str(tmp_path / "a.csv"),
            "--out-tex",
            str(tmp_path / "a.tex"),
        ]
    )
    assert list(pd.read_csv(tmp_path / "a.csv")) == list(COLUMNS)
    assert (tmp_path / "a.tex").read_text().count(r"\begin{longtable}") == 1


def test_a_table_without_a_column_is_refused(rows, tmp_path):
    rows.drop(columns="auc").to_parquet(tmp_path / "in.parquet")
    with pytest.raises(BadInputError, match="column auc"):
        main(
            [
                "--metrics",
                str(tmp_path / "in.parquet"),
                "--out-csv",
                str(tmp_path / "a"),
                "--out-tex",
                str(tmp_path / "b"),
            ]
        )
