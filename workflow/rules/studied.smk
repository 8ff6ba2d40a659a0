# What the further studies of calibration transfer read: datasets, pairs and checkpoints.


def studied(study):
    """Datasets of a study that the run has; the configuration names them, or patterns."""
    patterns = config["transfer_studies"][study]["datasets"]
    return [dataset for dataset in DATASETS if matches(dataset, list(patterns))]


def pretrained_for(datasets):
    """Those whose family some pretraining holds out."""
    return [dataset for dataset in datasets if CATALOGUE[dataset].family in PAIRED_FOLD]


def transfer_checkpoint(dataset, variant=None):
    """The network of a variant that never saw the family of a dataset."""
    variant = variant or config["transfer_studies"]["variant"]
    return f"<results>/transfer/checkpoints/{variant}/{fold_of(dataset)}/seed0.safetensors"


def study_checkpoint(wildcards):
    return transfer_checkpoint(wildcards.dataset)


def modality_checkpoints(wildcards):
    return [transfer_checkpoint(wildcards.dataset, variant) for variant in MODALITY_VARIANTS]


def without_baselines():
    """What classical methods choose from where no AsLS baseline is computed of simulated spectra."""
    own = {key: config["phase_0"][key] for key in CHOICES}
    return own | {"preprocessings": [name for name in own["preprocessings"] if name != "asls_snv"]}


def study_settings(study, leave_out=("datasets",)):
    """A block of transfer_studies, and the choices of classical methods."""
    block = config["transfer_studies"][study]
    return {key: value for key, value in block.items() if key not in leave_out} | without_baselines()


def fitted(methods):
    """Ways to fit a network, with their settings."""
    shared = config["transfer"]["learned"]["fitting"]
    return {name: {**shared, **NETWORKS["methods"][name]} for name in methods}


def learned_ageing_settings():
    ageing = config["transfer_studies"]["ageing"]
    learned = ageing["learned"]
    largest = {kind: sorted(own)[-learned["largest"] :] for kind, own in ageing["amplitudes"].items()}
    own = {"amplitudes": largest, "draws": learned["draws"], "methods": fitted(learned["methods"])}
    return study_settings("ageing", ("datasets", "learned")) | own


def substances():
    """The substances of each dataset whose attention is looked at."""
    named = config["transfer_studies"]["attention"]["datasets"]
    return {dataset: named[dataset] for dataset in DATASETS if dataset in named}


def latent_pairs():
    """Pairs of the configuration whose datasets the run has."""
    pairs = [pair.split(">") for pair in config["transfer_studies"]["latent_map"]["pairs"]]
    return [pair for pair in pairs if set(pair) <= set(DATASETS)]


def check_studies():
    """End with one line where a study names a way to pretrain or to fit that is not there."""
    studies = config["transfer_studies"]
    asked = {
        "pretraining": [studies["variant"], *studies["cross_modality"]["variants"]],
        "methods": [*studies["ageing"]["learned"]["methods"], *studies["latent_map"]["methods"]],
    }
    for block, names in asked.items():
        if unknown := [name for name in names if name not in NETWORKS[block]]:
            stop(f"config: transfer_studies: no {block} {unknown[0]!r} in config/transfer_networks.yaml")


# Studies whose datasets are named, not chosen by pattern, are asked about by dataset.
STUDY_SETTINGS = {
    "classical_ageing": lambda: study_settings("ageing", ("datasets", "learned")),
    "learned_ageing": learned_ageing_settings,
    "cross_modality": lambda: study_settings("cross_modality", ("datasets", "variants")),
    "attention_map": lambda: {
        "datasets": substances(),
        "max_spectra": config["transfer_studies"]["attention"]["max_spectra"],
    },
    "latent_map": lambda: {
        "transfer": config["transfer_studies"]["latent_map"]["transfer"],
        "max_shown": config["transfer_studies"]["latent_map"]["max_shown"],
        "methods": fitted(config["transfer_studies"]["latent_map"]["methods"]),
        **{key: config["phase_0"][key] for key in CHOICES},
    },
    "planted_outliers": lambda: study_settings("outliers"),
}
check_studies()
LATENT_PAIRS = latent_pairs()
MODALITY_VARIANTS = config["transfer_studies"]["cross_modality"]["variants"]
STUDIED = {
    "classical_ageing": studied("ageing"),
    "learned_ageing": pretrained_for(studied("ageing")),
    "cross_modality": [dataset for dataset in studied("cross_modality") if MEASURED_ALSO[dataset]],
    "attention_map": pretrained_for(substances()),
    "planted_outliers": studied("outliers"),
}
# With the tables that they draw: a run without pairs of modalities has no figure of them.
STUDY_FIGURES = {
    "fig_transfer_degradation": "transfer_ageing",
    "fig_transfer_cross_modality": "transfer_cross_modality",
    "fig_transfer_attention": "transfer_attention",
    "fig_transfer_latent_map": "transfer_latent_map",
    "tab_transfer_outliers": "transfer_outliers",
}
STUDY_TABLES = {
    "transfer_ageing": (("classical_ageing", "learned_ageing"), {}),
    "transfer_cross_modality": (("cross_modality",), {}),
    "transfer_attention": (("attention_map",), {}),
    "transfer_outliers": (("planted_outliers",), {}),
}
