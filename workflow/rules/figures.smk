# Figures and tables, under the names that the paper uses; etalon.figures.<name> draws <name>. They read metrics tables
# and nothing else.

# Of each: the metrics tables, the category of the report, what it is called there.
FIGURES = {
    "tab_phase0_baselines": (
        ["embedding_baselines"],
        "Phase 0: classical baselines",
        "Table: accuracy of every method",
    ),
    "fig_phase0_robustness": (
        ["embedding_robustness"],
        "Phase 0: classical baselines",
        "Figure: robustness to perturbed spectra",
    ),
    "tab_phase1_feasibility": (
        ["embedding_encoders"],
        "Phase 1: is the encoder usable?",
        "Table: embeddings against classical pipelines",
    ),
    "tab_encoder_readouts": (
        ["embedding_encoders"],
        "Phase 1: is the encoder usable?",
        "Table: read-outs of the perceiver",
    ),
    "tab_phase2_ablation": (["embedding_encoders"], "Phase 2: which ingredient does what?", "Table: ablation"),
    "fig_phase2_robustness": (
        ["embedding_encoder_robustness"],
        "Phase 2: which ingredient does what?",
        "Figure: robustness to perturbed spectra",
    ),
    "tab_phase3_lodo": (
        ["embedding_lodo", "embedding_encoders"],
        "Phase 3: a dataset it never saw",
        "Table: calibrations of other families",
    ),
    "fig_phase3_lodo_boxplots": (
        ["embedding_lodo"],
        "Phase 3: a dataset it never saw",
        "Figure: calibrations of other families",
    ),
    "fig_phase3_train_test_heatmap": (
        ["embedding_lodo"],
        "Phase 3: a dataset it never saw",
        "Figure: from each dataset to each other",
    ),
    "fig_phase4_synthetic": (["embedding_synthetic"], "Synthetic spectra", "Figure: share of synthetic spectra"),
    "fig_phase5_metadata": (
        ["embedding_metadata"],
        "Phase 5: metadata",
        "Figure: with, without and with wrong metadata",
    ),
    "tab_phase6_downstream": (["embedding_downstream"], "Phase 6: against everything", "Table: every head"),
    "fig_phase6_critical_difference": (
        ["embedding_downstream"],
        "Phase 6: against everything",
        "Figure: critical differences of ranks",
    ),
    "fig_phase6_few_shot": (["embedding_few_shot"], "Phase 6: against everything", "Figure: few-shot curves"),
    "tab_phase6_cross_instrument": (
        ["embedding_cross_instrument"],
        "Phase 6: against everything",
        "Table: another instrument",
    ),
    "tab_phase6_cost": (["cost"], "Phase 6: against everything", "Table: seconds and choices"),
    "tab_pretraining_levers": (
        ["embedding_encoders", "embedding_synthetic", "embedding_metadata"],
        "Pretraining",
        "Table: what each lever of pretraining is worth",
    ),
    "tab_pretraining_final": (
        ["embedding_encoders"],
        "Pretraining",
        "Table: chosen on one half of the families, judged on the other",
    ),
    "fig_pretraining_curves": (["pretraining"], "Pretraining", "Figure: curves of training"),
    "fig_embedding_map": (["embedding_map"], "Pretraining", "Figure: map of embeddings"),
    "tab_synthetic_realism": (["synthetic_realism"], "Synthetic spectra", "Table: synthetic against real spectra"),
    "fig_soil_band_bias": (["soil_band_bias"], "Soil", "Figure: other losses against the bias of bands"),
    "fig_soil_sensitivity": (["soil_sensitivity"], "Soil", "Figure: latents that carry properties"),
    "tab_soil_shift": (["soil_shift"], "Soil", "Table: what another laboratory costs"),
    "tab_soil_extended": (["soil_extended"], "Soil", "Table: properties that were never determined"),
    "fig_transfer_sample_efficiency": (["transfer"], "Calibration transfer", "Figure: error against transfer samples"),
    "tab_transfer_benchmark": (["transfer"], "Calibration transfer", "Table: every method and pair of instruments"),
    "fig_transfer_benchmark": (["transfer"], "Calibration transfer", "Figure: every method"),
    "fig_transfer_matrix": (["transfer"], "Calibration transfer", "Figure: from each instrument to each other"),
    "fig_transfer_set_composition": (["transfer"], "Calibration transfer", "Figure: how transfer samples are chosen"),
    "fig_transfer_degradation": (["transfer_ageing"], "Calibration transfer", "Figure: an instrument grows old"),
    "fig_transfer_cross_modality": (
        ["transfer_cross_modality"],
        "Calibration transfer",
        "Figure: from one modality to another",
    ),
    "fig_transfer_attention": (["transfer_attention"], "Calibration transfer", "Figure: attention and known bands"),
    "fig_transfer_latent_map": (
        ["transfer_latent_map"],
        "Calibration transfer",
        "Figure: two instruments in the latent space",
    ),
    "tab_transfer_outliers": (["transfer_outliers"], "Calibration transfer", "Table: planted outliers"),
    "tab_soil_properties": (["soil"], "Soil", "Table: every model, set and property"),
    "fig_soil_ccc": (["soil"], "Soil", "Figure: concordance of every model"),
    "fig_soil_reconstruction": (["soil", "soil_spectra"], "Soil", "Figure: reconstructed and converted spectra"),
    "fig_soil_latent_size": (["soil"], "Soil", "Figure: number of latents"),
    "fig_soil_mahalanobis": (["soil", "soil_distances"], "Soil", "Figure: distances in latent space"),
}
FIGURES_OF_NETWORKS = {
    "fig_transfer_uncertainty": (["transfer"], "Calibration transfer", "Figure: intervals of learned transfer"),
    "fig_transfer_pretraining": (
        ["transfer", "transfer_pretraining"],
        "Calibration transfer",
        "Figure: what pretraining is worth",
    ),
    "fig_transfer_architecture": (["transfer"], "Calibration transfer", "Figure: parts of the network"),
    "tab_transfer_ablation": (["transfer"], "Calibration transfer", "Table: what each part is worth"),
    "tab_transfer_cost": (["transfer", "transfer_cost"], "Calibration transfer", "Table: what a transfer costs"),
}
if learned_jobs() or config["figures_from"] == "reference":
    FIGURES |= FIGURES_OF_NETWORKS
FIGURES = drawable(FIGURES)


for name, (tables, category, label) in FIGURES.items():

    rule:
        name:
            name
        input:
            metrics=[metrics(table) for table in tables],
        output:
            **in_report(name, category, label),
        log:
            f"<logs>/{name}/<drawn>.log",
        benchmark:
            f"results/<drawn>/benchmarks/{name}.tsv"
        localrule: True
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            **told_to_report(name),
            metrics=lambda wildcards, input: " ".join(f"--metrics {table}" for table in input.metrics),
            files=lambda wildcards, output: " ".join(f"--out-{format} {path}" for format, path in output.items()),
            name=name,
            code=figure_digest(name),
        shell:
            "python -m etalon.figures.{params.name} {params.metrics} {params.files} &> {log:q}"


rule phase_0:
    input:
        drawn("tab_phase0_baselines", "fig_phase0_robustness"),


rule phase_1:
    input:
        drawn("tab_phase1_feasibility", "tab_encoder_readouts", "fig_pretraining_curves", "fig_embedding_map"),


rule phase_2:
    input:
        drawn("tab_phase2_ablation", "fig_phase2_robustness"),


rule phase_3:
    input:
        drawn("tab_phase3_lodo", "fig_phase3_lodo_boxplots", "fig_phase3_train_test_heatmap"),


rule phase_4:
    input:
        drawn("fig_phase4_synthetic", "tab_synthetic_realism"),


rule phase_5:
    input:
        drawn("fig_phase5_metadata"),


rule phase_6:
    input:
        drawn("tab_phase6_downstream", "fig_phase6_critical_difference", "fig_phase6_few_shot"),
        drawn("tab_phase6_cost", "tab_phase6_cross_instrument", "tab_pretraining_levers"),
        drawn("tab_pretraining_final"),


rule figures:
    input:
        drawn(*FIGURES),
