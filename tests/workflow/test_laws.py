"""Laws of the house that the graph of imports cannot show, because they hold at run time."""

import subprocess
import sys

import pytest

LEARNED = {"torch", "tabpfn", "transformers"}
# The default path of the demo: nothing here may take the seconds that torch needs to start.
LIGHT = [
    *("etalon.stages.classical_baselines", "etalon.stages.classical_robustness", "etalon.stages.precompute_asls"),
    *("etalon.stages.import_dataset", "etalon.stages.score_predictions", "etalon.stages.gather_metrics"),
    *("etalon.stages.embedding_heads", "etalon.stages.map_embeddings"),
    *("etalon.figures.tab_phase0_baselines", "etalon.figures.fig_phase0_robustness"),
    *("etalon.figures.tab_phase2_ablation", "etalon.figures.fig_embedding_map"),
]


@pytest.mark.parametrize("module", LIGHT)
def test_torch_is_not_loaded(module):
    code = f"import sys, {module}; print(*{{m.split('.')[0] for m in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not LEARNED & set(loaded)


def test_the_catalogue_is_read_without_numerical_libraries():
    code = "import sys, etalon.catalogue, etalon.code_digest; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pandas", "scipy", "sklearn"} & set(loaded)
