# Figures and tables, under the names that the paper uses; etalon.figures.<name> draws <name>. They read metrics tables
# and nothing else.

# By category of the report, of each: the metrics tables, what it is called there.
CATEGORIES = {
    "Study 1, phase 0: classical baselines": {
        "tab_phase0_baselines": (["embedding_baselines"], "Table: accuracy of every method"),
        "fig_phase0_robustness": (["embedding_robustness"], "Figure: robustness to perturbed spectra"),
    },
    "Study 1, phase 1: is the encoder usable?": {
        "tab_phase1_feasibility": (["embedding_encoders"], "Table: embeddings against classical pipelines"),
        "tab_encoder_readouts": (["embedding_encoders"], "Table: read-outs of the perceiver"),
    },
    "Study 1, phase 2: which ingredient does what?": {
        "tab_phase2_ablation": (["embedding_encoders"], "Table: ablation"),
        "fig_phase2_robustness": (["embedding_encoder_robustness"], "Figure: robustness to perturbed spectra"),
    },
    "Study 1, phase 3: a dataset it never saw": {
        "tab_phase3_lodo": (["embedding_lodo", "embedding_encoders"], "Table: calibrations of other families"),
        "fig_phase3_lodo_boxplots": (["embedding_lodo"], "Figure: calibrations of other families"),
        "fig_phase3_train_test_heatmap": (["embedding_lodo"], "Figure: from each dataset to each other"),
    },
    "Study 1, phase 4: synthetic spectra": {
        "fig_phase4_synthetic": (["embedding_synthetic"], "Figure: share of synthetic spectra"),
        "tab_synthetic_realism": (["synthetic_realism"], "Table: synthetic against real spectra"),
    },
    "Study 1, phase 5: metadata": {
        "fig_phase5_metadata": (["embedding_metadata"], "Figure: with, without and with wrong metadata"),
    },
    "Study 1, phase 6: against everything": {
        "tab_phase6_downstream": (["embedding_downstream"], "Table: every head"),
        "fig_phase6_critical_difference": (["embedding_downstream"], "Figure: critical differences of ranks"),
        "fig_phase6_few_shot": (["embedding_few_shot"], "Figure: few-shot curves"),
        "tab_phase6_cross_instrument": (["embedding_cross_instrument"], "Table: another instrument"),
        "tab_phase6_cost": (["cost"], "Table: seconds and choices"),
    },
    "Study 1, pretraining": {
        "tab_pretraining_levers": (
            ["embedding_encoders", "embedding_synthetic", "embedding_metadata"],
            "Table: what each lever of pretraining is worth",
        ),
        "tab_pretraining_final": (
            ["embedding_encoders"],
            "Table: chosen on one half of the families, judged on the other",
        ),
        "fig_pretraining_scaling": (["embedding_scaling"], "Figure: more spectra, families and parameters"),
        "fig_pretraining_curves": (["pretraining"], "Figure: curves of training"),
        "fig_embedding_map": (["embedding_map"], "Figure: map of embeddings"),
    },
    "Study 2: calibration transfer": {
        "fig_transfer_sample_efficiency": (["transfer"], "Figure: error against transfer samples"),
        "tab_transfer_benchmark": (["transfer"], "Table: every method and pair of instruments"),
        "fig_transfer_benchmark": (["transfer"], "Figure: every method"),
        "tab_transfer_claim": (["transfer"], "Table: fewer samples than PDS needs"),
        "fig_transfer_matrix": (["transfer"], "Figure: from each instrument to each other"),
        "fig_transfer_set_composition": (["transfer"], "Figure: how transfer samples are chosen"),
        "fig_transfer_degradation": (["transfer_ageing"], "Figure: an instrument grows old"),
        "fig_transfer_cross_modality": (["transfer_cross_modality"], "Figure: from one modality to another"),
        "fig_transfer_attention": (["transfer_attention"], "Figure: attention and known bands"),
        "fig_transfer_latent_map": (["transfer_latent_map"], "Figure: two instruments in the latent space"),
        "tab_transfer_outliers": (["transfer_outliers"], "Table: planted outliers"),
        "fig_transfer_uncertainty": (["transfer"], "Figure: intervals of learned transfer"),
        "fig_transfer_pretraining": (["transfer", "transfer_pretraining"], "Figure: what pretraining is worth"),
        "fig_transfer_architecture": (["transfer"], "Figure: parts of the network"),
        "tab_transfer_ablation": (["transfer"], "Table: what each part is worth"),
        "tab_transfer_cost": (["transfer", "transfer_cost"], "Table: what a transfer costs"),
    },
    "Study 3: soil": {
        "fig_soil_band_bias": (["soil_band_bias"], "Figure: other losses against the bias of bands"),
        "fig_soil_sensitivity": (["soil_sensitivity"], "Figure: latents that carry properties"),
        "tab_soil_shift": (["soil_shift"], "Table: what another laboratory costs"),
        "tab_soil_extended": (["soil_extended"], "Table: properties that were never determined"),
        "tab_soil_properties": (["soil"], "Table: every model, set and property"),
        "fig_soil_ccc": (["soil"], "Figure: concordance of every model"),
        "fig_soil_reconstruction": (["soil", "soil_spectra"], "Figure: reconstructed and converted spectra"),
        "fig_soil_latent_size": (["soil"], "Figure: number of latents"),
        "fig_soil_mahalanobis": (["soil", "soil_distances"], "Figure: distances in latent space"),
    },
}
# Without a learned transfer there is nothing to show of networks.
OF_NETWORKS = (
    *("fig_transfer_uncertainty", "fig_transfer_pretraining", "fig_transfer_architecture"),
    *("tab_transfer_ablation", "tab_transfer_cost"),
)
FIGURES = {
    name: (tables, category, label)
    for category, own in CATEGORIES.items()
    for name, (tables, label) in own.items()
    if name not in OF_NETWORKS or learned_jobs() or config["figures_from"] == "reference"
}
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
        drawn("tab_pretraining_final", *(name for name in ("fig_pretraining_scaling",) if name in FIGURES)),


rule figures:
    input:
        drawn(*FIGURES),
