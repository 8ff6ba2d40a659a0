"""Write the results in README.md and docs/results.md anew from the shipped metrics; no number there is typed by hand.

Usage: python workflow/scripts/document_results.py
"""

from collections.abc import Mapping
from pathlib import Path

from etalon.storage import replacing
from sections import encoders, protocols, soil, transfer
from sections.shipped import Section

ROOT = Path(__file__).parents[2]
METRICS = ROOT / "results/reference/paper/metrics"
START, END = "<!-- {}: written by `make docs` -->", "<!-- end of {} -->"
# The functions that write what stands between the marks of a name; their modules are in the folder sections/.
SECTIONS: dict[str, Section] = {
    "phase 0": encoders.phase_0,
    "encoders": encoders.headline,
    "transfer": transfer.headline,
}
RESULT_SECTIONS: dict[str, Section] = {
    "phase 0": encoders.phase_0,
    "phase 1": encoders.phase_1,
    "phase 2": encoders.phase_2,
    "phase 2, robustness": encoders.phase_2_robustness,
    "wins and losses": encoders.wins_and_losses,
    "phase 3": protocols.phase_3,
    "phase 4": protocols.phase_4,
    "phase 5": protocols.phase_5,
    "phase 6, accuracy": protocols.phase_6_downstream,
    "phase 6, few-shot": protocols.phase_6_few_shot,
    "phase 6, other instruments": protocols.phase_6_cross_instrument,
    "phase 6, cost": protocols.phase_6_cost,
    "phase 6, levers": encoders.levers,
    "pretraining, report half": encoders.pretraining_final,
    "pretraining, learning curves": encoders.pretraining_scaling,
    "calibration transfer": transfer.transfer,
    "process over both instruments": transfer.transfer_claim,
    "learned transfer": transfer.learned_transfer,
    "calibration transfer, ageing": transfer.transfer_ageing,
    "calibration transfer, modalities": transfer.transfer_cross_modality,
    "calibration transfer, attention": transfer.transfer_attention,
    "calibration transfer, latent space": transfer.transfer_latent_map,
    "calibration transfer, outliers": transfer.transfer_outliers,
    "soil, models": soil.soil,
    "soil, spectra": soil.soil_spectra,
    "soil, distances": soil.soil_distances,
}
PAGES = {"README.md": SECTIONS, "docs/results.md": RESULT_SECTIONS}


def main() -> None:
    for page, sections in PAGES.items():
        fill(ROOT / page, sections)


def fill(document: Path, sections: Mapping[str, Section]) -> None:
    """Write every section of a document anew, between its two marks."""
    text = document.read_text()
    for name, write in sections.items():
        before, rest = text.split(START.format(name))
        _, after = rest.split(END.format(name))
        text = f"{before}{START.format(name)}\n{write(METRICS)}{END.format(name)}{after}"
    with replacing(document) as temporary:
        temporary.write_text(text)


if __name__ == "__main__":
    main()
