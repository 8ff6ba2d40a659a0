# Encoders and what they are judged by: which variants, folds of families and seeds there are, what each experiment reads
# and is told, and which experiments make a metrics table.

from collections import Counter

from etalon.evaluate.lodo_groups import neighbours
from etalon.seeds import derive_seed


def scores_of(wildcards):
    """Files with the scores that a metrics table gathers."""
    return scores_in(*TABLES[wildcards.table])


def scores_in(classical, encoders):
    """Scores of experiments on datasets and of others on variants: one table, or one a variant, of what leaves predictions;
    else one a job."""
    names = []
    for experiment in classical:
        jobs = [f"{experiment}/{name}" for name in JUDGED.get(experiment, LABELLED)]
        names += [experiment] if jobs and experiment in PREDICTED else jobs
    for experiment, variants in encoders.items():
        for variant in variants:
            jobs = [f"{experiment}/{training}" for training in trainings([variant], experiment)]
            names += [f"{experiment}/{variant}"] if jobs and experiment in ENCODER_EXPERIMENTS else jobs
    return [f"<results>/scores/{name}.parquet" for name in names]


def predictions_of(kind):
    """The predictions, or their records, that one table of scores is made of."""

    def files(wildcards):
        experiment, _, variant = wildcards.scored.partition("/")
        own = trainings([variant], experiment) if variant else JUDGED.get(experiment, LABELLED)
        return [f"<results>/predictions/{experiment}/{name}.{kind}" for name in own]

    return files


def sets_scored(wildcards):
    return JUDGED.get(wildcards.scored.partition("/")[0], LABELLED)


def read_variants(path):
    """The variants of the configuration, checked and with the defaults of their schema."""
    variants = yaml.safe_load(Path(path).read_text())
    try:
        validate(variants, "../schemas/variants.schema.yaml")
    except WorkflowError as error:
        stop(f"{path}: {explain(error.__context__)}")
    for block in ("variants", "synthetic", "metadata", "scaling", "finalists", "seeds_of"):
        if unknown := [name for name in config["encoders"][block] if name not in variants]:
            stop(f"config: encoders.{block}: no variant {unknown[0]!r} in {path}")
    return variants


def fold_families():
    """Fold of each family: the largest families first, each to the fold with the fewest datasets so far."""
    families = Counter(CATALOGUE[dataset].family for dataset in DATASETS)
    folds, sizes = {}, [0] * min(config["encoders"]["family_folds"], len(families))
    for family, size in sorted(families.items(), key=lambda item: (-item[1], item[0])):
        smallest = sizes.index(min(sizes))
        folds[family], sizes[smallest] = f"fold{smallest}", sizes[smallest] + size
    return folds


def held_out(heldout):
    """Datasets of a fold: those that are judged with the checkpoints that saw none of its families."""
    return [dataset for dataset in DATASETS if FOLD_OF[CATALOGUE[dataset].family] == heldout]


def judged(heldout, experiment="encoders"):
    """The datasets of a fold that an experiment judges."""
    return [dataset for dataset in held_out(heldout) if dataset in JUDGED.get(experiment, LABELLED)]


def trainings(variants, experiment="encoders"):
    """Variant, fold and seed of encoders, as their files are named; some experiments take the first seeds only."""
    return [
        f"{variant}/{heldout}/seed{seed}"
        for variant in variants
        for heldout in FOLDS
        if judged(heldout, experiment)
        for seed in range(min(seeds_of(variant), SEEDS.get(experiment, seeds_of(variant))))
    ]


def evidence_jobs():
    """Dataset, features and seed of each job of evidence_transfer, as its files are named."""
    evidence = config["transfer"]["evidence"]
    if unknown := [name for name in evidence["features"] if name != SPECTRA and name not in VARIANTS]:
        stop(f"config: transfer.evidence.features: no variant {unknown[0]!r} in config/variants.yaml")
    seeds = {name: 1 if name == SPECTRA else min(seeds_of(name), evidence["seeds"]) for name in evidence["features"]}
    return [
        f"{dataset}/{name}/seed{seed}"
        for name in evidence["features"]
        for dataset in DATASETS
        if MEASURED_ALSO[dataset]
        for seed in range(seeds[name])
    ]


def features_checkpoint(wildcards):
    """The weights of the encoder that embeds a dataset and its partners, whose family it never saw."""
    if wildcards.features == SPECTRA or VARIANTS[wildcards.features]["encoder"] == "fs":
        return []
    heldout = FOLD_OF[CATALOGUE[wildcards.dataset].family]
    return f"<results>/checkpoints/{wildcards.features}/{heldout}/seed{wildcards.seed}.safetensors"


def seeds_of(variant):
    if VARIANTS[variant]["encoder"] == "fs":
        return 1
    return config["encoders"]["seeds_of"].get(variant, config["encoders"]["seeds"])


def with_weights(variants):
    return [variant for variant in variants if VARIANTS[variant]["encoder"] != "fs"]


def checkpoints(variants):
    return trainings(with_weights(variants))


def training_sets(wildcards):
    """Datasets that train an encoder: none of a held-out family, and of the others those of the variant's share."""
    left_out = families_of(wildcards)
    families = sorted({CATALOGUE[dataset].family for dataset in DATASETS} - set(left_out))
    if (share := VARIANTS[wildcards.variant]["scale"].get("families", 1)) < 1:
        families.sort(key=lambda family: derive_seed(config["seed"], "families", wildcards.heldout, family))
        families = families[: max(1, round(share * len(families)))]
    return [dataset for dataset in DATASETS if CATALOGUE[dataset].family in families]


def families_of(wildcards):
    """The families of a fold; as `unlicensed`, those with a set that weights for others must not be trained on."""
    if wildcards.heldout == UNLICENSED:
        return sorted({CATALOGUE[dataset].family for dataset in DATASETS if not CATALOGUE[dataset].weights})
    return sorted(family for family, fold in FOLD_OF.items() if fold == wildcards.heldout)


def training_settings(wildcards):
    """All that decides a training besides its data and its seed, as JSON text."""
    variant, pretraining = VARIANTS[wildcards.variant], config["pretraining"]
    own = pretraining["fsnl" if variant["encoder"] == "fsnl" else "perceiver"]
    shared = ("clip", "average_decay", "precision", "measurements", "patience", "still", "save_every")
    optimisation = ("learning_rate", "weight_decay", "warm_up")
    scale = variant["scale"]
    content = {
        "variant": {key: value for key, value in variant.items() if key not in ("gpus", "scale")},
        "size": own["size"] | {"width": round(own["size"]["width"] * scale.get("width", 1))},
        "batch": own["batch"],
        "device": pretraining["device"],
        "training": {"spectra": round(pretraining["spectra"] * scale.get("spectra", 1))}
        | {key: pretraining[key] for key in shared}
        | {key: own[key] for key in optimisation},
    }
    if variant["encoder"] == "perceiver":
        content["masking"] = {key: own[key] for key in ("n_visible", "n_masked", "mask_share")}
    return json.dumps(content)


def gpus_of(wildcards):
    return VARIANTS[wildcards.variant]["gpus"]


def launcher(wildcards):
    """What starts the processes of a training: several share its groups."""
    if gpus_of(wildcards) == 1:
        return "-m"
    return f"-m torch.distributed.run --standalone --nproc-per-node {gpus_of(wildcards)} -m"


def curves_of(wildcards):
    """The curves of the trainings that a table gathers."""
    if wildcards.curves == "pretraining":
        return expand("<results>/pretraining/{training}.parquet", training=checkpoints(MAIN))
    return expand("<results>/transfer/pretraining/{training}.parquet", training=transfer_checkpoints())


def mapped():
    return [dataset for heldout in FOLDS for dataset in held_out(heldout) if dataset in LABELLED]


def corpus_settings(wildcards):
    return json.dumps(CORPORA[wildcards.corpus] | {"asls": config["asls"]})


def corpus_shards(corpus):
    return [f"<results>/corpus/{corpus}/shard{shard}.safetensors" for shard in range(CORPORA[corpus]["shards"])]


def corpus_of(wildcards):
    """The generated spectra, for the variants that are trained on some."""
    return corpus_shards("training") if VARIANTS[wildcards.variant]["p_synthetic"] > 0 else []


def checkpoint_of(wildcards):
    """The weights of an encoder; `fs` has none."""
    if VARIANTS[wildcards.variant]["encoder"] == "fs":
        return []
    return "<results>/checkpoints/{variant}/{heldout}/seed{seed}.safetensors"


def fs_index(wildcards):
    """The embeddings of `fs`, for the heads that join them to those of a learned encoder."""
    if VARIANTS[wildcards.variant]["encoder"] == "fs" or FS is None:
        return []
    return f"<results>/embeddings/{FS}/{{heldout}}/seed0/index.json"


def head_sets(wildcards):
    """Datasets that the prior of a head is pooled over: none of a held-out family."""
    return [dataset for heldout in other_folds(wildcards) for dataset in judged(heldout)]


def other_folds(wildcards):
    return [heldout for heldout in FOLDS if heldout != wildcards.heldout]


def head_indices(wildcards):
    return [f"<results>/embeddings/{FS}/{heldout}/seed0/index.json" for heldout in other_folds(wildcards)]


def prior_of(folder):
    """The prior of the pretrained head of `fs`, where an experiment has that head."""

    def prior(wildcards):
        heads = SETTINGS[experiment_of(folder, wildcards)]()["heads"]
        return "<results>/heads/{heldout}.json" if wildcards.variant == FS and PRETRAINED in heads else []

    return prior


def costed_encoders():
    """Variant, encoder and weights of each finalist. Times do not depend on what weights were trained on."""
    weights = f"<results>/checkpoints/{{}}/{FOLDS[0]}/seed0.safetensors"
    kinds = {variant: VARIANTS[variant]["encoder"] for variant in FINALISTS}
    return [(variant, kind, "none" if kind == "fs" else weights.format(variant)) for variant, kind in kinds.items()]


# What the rules of experiments on encoders have in common: each of these returns a function of wildcards.


def experiment_of(folder, wildcards):
    return folder.format(**wildcards)


def datasets_read(folder):
    return lambda wildcards: contents(data_of(folder, wildcards))


def data_of(folder, wildcards):
    """Datasets that an experiment reads: besides those that it judges, those that train its heads."""
    experiment = experiment_of(folder, wildcards)
    sets = judged(wildcards.heldout, experiment)
    return neighbours_of(sets) if experiment == "encoder_lodo" else sets


def neighbours_of(datasets):
    """The datasets that share an analyte with some, these included."""
    found = {other for dataset in datasets for other in NEIGHBOURS[dataset]}
    return [dataset for dataset in LODO if dataset in found]


def folds_read(folder):
    return lambda wildcards: expand(
        "<data>/splits/{dataset}.parquet", dataset=judged(wildcards.heldout, experiment_of(folder, wildcards))
    )


def folders_judged(folder):
    return lambda wildcards: folders(judged(wildcards.heldout, experiment_of(folder, wildcards)))


def origin_read(folder):
    return lambda wildcards: origins(data_of(folder, wildcards))


def encoder_read(reads):
    """Its weights, or its embeddings."""
    return checkpoint_of if reads == "checkpoint" else "<results>/embeddings/{variant}/{heldout}/seed{seed}/index.json"


def encoder_options(reads):
    def of_checkpoint(wildcards, input):
        return f"--encoder {VARIANTS[wildcards.variant]['encoder']} --checkpoint {input.encoder or 'none'}"

    def of_index(wildcards, input):
        more = {"--fs-index": input.fs, "--prior": input.get("prior")}
        return " ".join([f"--index {input.encoder}", *(f"{name} {path}" for name, path in more.items() if path)])

    return of_checkpoint if reads == "checkpoint" else of_index


def more_options(folder):
    def options(wildcards):
        experiment = experiment_of(folder, wildcards)
        if experiment == "encoder_lodo":
            return f"--training {' '.join(folders(data_of(folder, wildcards)))}"
        return "--experiment downstream" if experiment == "downstream" else ""

    return options


def experiment_settings(folder):
    return lambda wildcards: json.dumps(SETTINGS[experiment_of(folder, wildcards)]())


def chosen(block, *names):
    """Some keys of a block of the configuration."""
    return {name: config[block][name] for name in names}


# What decides an experiment besides its data, and is told to its stage.
SETTINGS = {
    "encoders": lambda: chosen("embedding", "heads", "inner_splits", "repeats", "max_rows"),
    "downstream": lambda: chosen("embedding", "inner_splits", "repeats", "max_rows")
    | {key: value for key, value in config["downstream"].items() if key != "seeds"},
    "encoder_robustness": lambda: chosen("embedding", "max_rows")
    | {
        "amplitudes": config["robustness"]["amplitudes"],
        "asls": config["asls"],
        "heads": [
            head for head in config["embedding"]["heads"] if head in ("ridge", "evidence", "fs_evidence", "kernels")
        ],
        "max_spectra": config["embedding"]["robustness"]["max_spectra"],
    },
    "cost": lambda: chosen("cost", "repeats", "heads")
    | {block: config[block] for block in ("phase_0", "asls", "embedding", "downstream", "fine_tuning")},
    "fine_tuning": lambda: {key: value for key, value in config["fine_tuning"].items() if key != "seeds"}
    | chosen("embedding", "repeats"),
    "encoder_metadata": lambda: chosen("embedding", "inner_splits", "repeats", "max_rows")
    | {"heads": [head for head in config["embedding"]["heads"] if head in ("ridge", "evidence", "logistic")]},
    "encoder_lodo": lambda: chosen("lodo", "sizes", "draws", "max_per_set", "heads")
    | chosen("embedding", "max_rows")
    | chosen("downstream", "n_pcs", "in_context_rows", "n_estimators", "tabpfn", "tabicl")
    | {"asls": config["asls"]},
    "classical_lodo": lambda: chosen("lodo", "sizes", "draws", "max_per_set", "min_overlap")
    | chosen("phase_0", *CHOICES)
    | {"asls": config["asls"]},
    "few_shot": lambda: chosen("few_shot", "sizes", "draws", "max_test", "max_targets", "heads")
    | chosen("embedding", "max_rows"),
    "classical_few_shot": lambda: chosen("few_shot", "sizes", "draws", "max_test", "max_targets")
    | chosen("phase_0", *CHOICES),
    "cross_instrument": lambda: chosen("cross_instrument", "transfer", "heads")
    | chosen("embedding", "repeats", "max_rows"),
    "classical_cross_instrument": lambda: chosen("cross_instrument", "transfer")
    | chosen("embedding", "repeats")
    | chosen("phase_0", *CHOICES),
    "classical_transfer": lambda: chosen("transfer", "sizes", "choices", "max_targets", "targets")
    | chosen("phase_0", *CHOICES),
    "evidence_transfer": lambda: chosen("transfer", "sizes", "choices", "max_targets", "targets")
    | {"levels": config["transfer"]["learned"]["levels"]}
    | chosen("phase_0", *CHOICES),
    **STUDY_SETTINGS,
}


PRETRAINED = "pretrained_kernels"
SPECTRA = "spectra"  # in place of an encoder
VARIANTS = read_variants("config/variants.yaml")
CORPORA = {"training": config["pretraining"]["synthetic"], "realism": config["synthetic_realism"]["corpus"]}
FS = next((name for name in config["encoders"]["variants"] if VARIANTS[name]["encoder"] == "fs"), None)
FOLD_OF = fold_families()
# What is held out of the weights that the package carries, which are of this variant.
UNLICENSED, SHIPPED = "unlicensed", "fsnl_episodic_asls"
FOLDS = sorted({FOLD_OF[CATALOGUE[dataset].family] for dataset in LABELLED})
# The datasets that share an analyte with others, and which these are.
NEIGHBOURS = neighbours({dataset: CATALOGUE[dataset] for dataset in DATASETS})
LODO = list(NEIGHBOURS)
PARTNERS = {id: [other for other in CATALOGUE[id].paired_with if other in LABELLED] for id in LABELLED}
# The datasets that an experiment judges, where these are not all with references or classes.
MEASURED = [dataset for dataset in LABELLED if CATALOGUE[dataset].targets]
PAIRED = [dataset for dataset in MEASURED if PARTNERS[dataset]]
JUDGED = {
    **dict.fromkeys(("encoder_lodo", "classical_lodo"), LODO),
    **dict.fromkeys(("cross_instrument", "classical_cross_instrument"), PAIRED),
    **dict.fromkeys(("few_shot", "classical_few_shot"), MEASURED),
    "classical_transfer": [dataset for dataset in DATASETS if MEASURED_ALSO[dataset]],
    "evidence_transfer": evidence_jobs(),
    "learned_transfer": learned_jobs(),
    **STUDIED,
    # The soil study chooses its own datasets, and scores them together.
    "soil": ["properties"] if config["soil"]["sets"] else [],
}
# Experiments on datasets, and those on encoders: the folder of predictions of each stage, and what it reads of an encoder.
EXPERIMENTS = ("classical", "tabpfn", "classical_robustness", "tabpfn_robustness")
PREDICTED = (*EXPERIMENTS, "classical_lodo", "classical_cross_instrument")
ON_ENCODERS = {
    "embedding_heads": ("{heads}", "index"),
    "embedding_robustness": ("encoder_robustness", "checkpoint"),
    "embedding_lodo": ("encoder_lodo", "checkpoint"),
    "embedding_metadata": ("encoder_metadata", "checkpoint"),
    "cross_instrument": ("cross_instrument", "index"),
    "fine_tuning": ("fine_tuning", "checkpoint"),
}
ENCODER_EXPERIMENTS = ("encoders", "downstream", *(folder for folder, _ in ON_ENCODERS.values() if "{" not in folder))
# Seeds of an encoder, from the first, that an experiment takes; all of them where nothing stands here.
SEEDS = {
    "encoder_robustness": config["embedding"]["robustness"]["seeds"],
    "encoder_lodo": config["lodo"]["seeds"],
    "downstream": config["downstream"]["seeds"],
    "fine_tuning": config["fine_tuning"]["seeds"],
    "few_shot": config["few_shot"]["seeds"],
    "cross_instrument": config["cross_instrument"]["seeds"],
}
MAIN, FINALISTS, SYNTHETIC, TOLD, SCALED = (
    config["encoders"][key] for key in ("variants", "finalists", "synthetic", "metadata", "scaling")
)
COSTED = [dataset for dataset in MEASURED if dataset in config["cost"]["datasets"]] or MEASURED[:1]
UNTRAINED = [variant for variant in MAIN if not VARIANTS[variant]["losses"]]
# The experiments in each metrics table, on datasets and with variants of encoders; figures depend on the smallest table
# that holds what they show.
TABLES = {
    "embedding_baselines": (("classical", "tabpfn"), {}),
    "embedding_robustness": (EXPERIMENTS, {}),
    "embedding_encoders": (("classical", "tabpfn"), {"encoders": MAIN}),
    "embedding_encoder_robustness": (
        ("classical", "classical_robustness"),
        {"encoders": MAIN, "encoder_robustness": MAIN},
    ),
    "embedding_lodo": (("classical_lodo",), {"encoder_lodo": FINALISTS}),
    "embedding_synthetic": (
        ("classical", "classical_robustness", "classical_lodo"),
        {"encoders": SYNTHETIC, "encoder_robustness": SYNTHETIC, "encoder_lodo": SYNTHETIC},
    ),
    "embedding_scaling": ((), {"encoders": SCALED}),
    "embedding_metadata": (("classical",), {"encoders": UNTRAINED, "encoder_metadata": TOLD}),
    "embedding_downstream": (
        ("classical", "tabpfn"),
        {"encoders": FINALISTS, "downstream": FINALISTS, "fine_tuning": with_weights(FINALISTS)},
    ),
    "embedding_few_shot": (("classical_few_shot",), {"few_shot": FINALISTS}),
    "embedding_cross_instrument": (("classical_cross_instrument",), {"cross_instrument": FINALISTS}),
    "transfer": (("classical_transfer", "evidence_transfer", "learned_transfer"), {}),
    **STUDY_TABLES,
    "soil": (("soil",), {}),
}
# Without two datasets that share specimens, or two families that share an analyte, there is nothing to gather.
EMPTY = [table for table, experiments in TABLES.items() if not scores_in(*experiments)]
TABLES = {table: experiments for table, experiments in TABLES.items() if table not in EMPTY}
EMPTY += [] if LATENT_PAIRS else ["transfer_latent_map"]
EMPTY += [] if learned_jobs() else ["transfer_pretraining", "transfer_cost"]
if "soil" in EMPTY:
    EMPTY += ["soil_spectra", "soil_distances"]
