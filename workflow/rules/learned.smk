# Networks of calibration transfer: which are pretrained without which families, and which jobs judge them.


import types


def read_networks(path):
    """Ways to pretrain and to fit, checked and with the defaults of their schema."""
    networks = yaml.safe_load(Path(path).read_text())
    try:
        validate(networks, "../schemas/transfer_networks.schema.yaml")
    except WorkflowError as error:
        stop(f"{path}: {explain(error.__context__)}")
    learned = config["transfer"]["learned"]
    asked = {
        "pretraining": [*learned["variants"], *learned["ablation"]["variants"]],
        "methods": learned["methods"],
    }
    for block, names in asked.items():
        if unknown := [name for name in names if name not in networks[block]]:
            stop(f"config: transfer.learned: no {block} {unknown[0]!r} in {path}")
    return networks


def paired_folds():
    """Fold of each family with paired instruments, in the order of the catalogue."""
    families = dict.fromkeys(CATALOGUE[dataset].family for dataset in DATASETS if MEASURED_ALSO[dataset])
    count = config["transfer"]["pretraining"]["family_folds"]
    return {family: f"fold{number % count}" for number, family in enumerate(families)}


def learned_pairs(dataset, variant):
    """The instruments that a variant is judged on, from this one."""
    learned = config["transfer"]["learned"]
    patterns = [learned["pairs"]] + ([] if variant in learned["variants"] else [learned["ablation"]["pairs"]])
    pairs = {other: f"{dataset}>{other}" for other in MEASURED_ALSO[dataset]}
    return [other for other, pair in pairs.items() if all(matches(pair, some) for some in patterns)]


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def learned_variants():
    """Each variant with the number of its seeds."""
    learned = config["transfer"]["learned"]
    ablations = dict.fromkeys(learned["ablation"]["variants"], learned["ablation"]["seeds"])
    return ablations | dict.fromkeys(learned["variants"], learned["seeds"])


def learned_jobs():
    """Dataset, variant and seed of each job, as its files are named."""
    sources = [dataset for dataset in DATASETS if CATALOGUE[dataset].targets]
    return [
        f"{dataset}/{variant}/seed{seed}"
        for variant, seeds in learned_variants().items()
        for dataset in sources
        if learned_pairs(dataset, variant)
        for seed in range(seeds)
    ]


def transfer_checkpoints():
    """Variant, fold and seed of each pretraining that some job needs, as its files are named."""
    jobs = [job.split("/") for job in learned_jobs()]
    return list(dict.fromkeys(f"{variant}/{fold_of(dataset)}/{seed}" for dataset, variant, seed in jobs))


def fold_of(dataset):
    return PAIRED_FOLD[CATALOGUE[dataset].family]


def checkpoint_path(variant, heldout, seed):
    return f"<results>/transfer/checkpoints/{variant}/{heldout}/seed{seed}.safetensors"


def network_of(wildcards):
    """The network that saw no family of the dataset's fold."""
    return checkpoint_path(wildcards.variant, fold_of(wildcards.dataset), wildcards.seed)


def kept_out(wildcards):
    return sorted(family for family, fold in PAIRED_FOLD.items() if fold == wildcards.heldout)


def unpaired(wildcards):
    """Datasets that may pretrain a network: none of a family of the fold."""
    return [dataset for dataset in DATASETS if CATALOGUE[dataset].family not in kept_out(wildcards)]


def pretraining_settings(wildcards):
    """All that decides a pretraining besides its data and its seed, as JSON text."""
    own, pretraining = NETWORKS["pretraining"][wildcards.variant], config["transfer"]["pretraining"]
    shared = ("clip", "average_decay", "precision", "measurements", "patience", "still", "save_every")
    optimisation = ("learning_rate", "weight_decay", "warm_up")
    content = {
        "losses": own["losses"],
        "augment": own["augment"],
        "masking": own["masking"],
        "size": pretraining["size"] | own["size"],
        "batch": pretraining["batch"],
        "p_synthetic": own.get("p_synthetic", pretraining["p_synthetic"]),
        "device": config["pretraining"]["device"],
        "training": {"spectra": round(own["length"] * pretraining["spectra"])}
        | {key: config["pretraining"][key] for key in shared}
        | {key: pretraining[key] for key in optimisation},
    }
    if "modalities" in own:
        content["modalities"] = own["modalities"]
    return json.dumps(content)


def learned_settings(wildcards):
    """All that decides what is made of a checkpoint, as JSON text."""
    learned = config["transfer"]["learned"]
    main = wildcards.variant in learned["variants"]
    names = learned["methods"] if main else learned["methods"][:1]
    draws = [learned["draws"]] + [learned["control_draws"]] * (len(names) - 1)
    content = {
        "methods": {
            name: {**learned["fitting"], "draws": count, **NETWORKS["methods"][name]}
            for name, count in zip(names, draws)
        },
        "sizes": learned["sizes"] if main else learned["ablation"]["sizes"],
        "choices": {"random": learned["draws"]},
        "max_targets": config["transfer"]["max_targets"],
        "targets": config["transfer"]["targets"],
        "levels": learned["levels"],
        "device": config["pretraining"]["device"],
    }
    return json.dumps(content | {key: config["phase_0"][key] for key in CHOICES})


def costed_pair():
    """Source and target of the first pair, on which weights and seconds are measured; nothing without any."""
    first = next((job.split("/")[0] for job in learned_jobs()), None)
    if first is None:
        return None, None
    return first, learned_pairs(first, config["transfer"]["learned"]["variants"][0])[0]


def transfer_cost_settings():
    first = types.SimpleNamespace(variant=config["transfer"]["learned"]["variants"][0])
    return json.dumps(json.loads(learned_settings(first)) | config["transfer"]["cost"])


CHOICES = ("preprocessings", "max_lv", "inner_splits", "savgol_window", "savgol_order")  # of classical methods
# The specimens of a dataset measured by other instruments, whether or not these have references.
MEASURED_ALSO = {id: [other for other in CATALOGUE[id].paired_with if other in DATASETS] for id in DATASETS}
PAIRED_FOLD = paired_folds()
NETWORKS = read_networks("config/transfer_networks.yaml")
PRETRAININGS = NETWORKS["pretraining"]
