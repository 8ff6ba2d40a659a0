# Study 3, soil: from mid-infrared to cheap NIR. docs/soil.md says what lies where and what is compared.

# What the jobs of the study read and are told.


def soil_sets(patterns, where):
    """Ids that patterns of the configuration name, in the order of the catalogue."""
    for pattern in patterns:
        if not fnmatch.filter(CATALOGUE, pattern):
            stop(f"config: soil.{where}: no dataset of {config['catalogue']} matches {pattern!r}")
    return [id for id in CATALOGUE if any(fnmatch.fnmatch(id, pattern) for pattern in patterns)]


def soil_partner(dataset):
    """The MIR set of the same specimens as a NIR set; None where there is none, or it is MIR itself."""
    if CATALOGUE[dataset].modality == "mir":
        return None
    return next((other for other in CATALOGUE[dataset].paired_with if CATALOGUE[other].modality == "mir"), None)


def soil_settings(*blocks, **named):
    """Settings of a stage: what the study is, and some blocks of the configuration."""
    return json.dumps({"study": SOIL} | {block: config["soil"][block] for block in blocks} | named)


def soil_variants(block, seed, trained=True):
    """Settings, by name, of the autoencoders ("vae") or NIR encoders ("bridge") that a seed trains; or of untrained ones."""
    found = {}
    for name, own in config["soil"][f"{block}_variants"].items():
        if unknown := sorted(set(own) - set(config["soil"][block]) - {"seeds"}):
            stop(f"config: soil.{block}_variants.{name}: no key {unknown[0]!r} in soil.{block}")
        given = {key: value for key, value in (config["soil"][block] | own).items() if key != "seeds"}
        if seed < own.get("seeds", config["soil"]["seeds"]) and bool(given["steps"]) == trained:
            found[name] = given
    return found


def soil_variant(block):
    """Settings of the stage that trains one of them."""
    return lambda wildcards: soil_settings(**{block: soil_variants(block, 0)[wildcards.variant]})


def soil_checkpoints(block):
    """Weights that the heads of a split and seed read, the main ones first."""
    return lambda wildcards: [
        f"<results>/soil/{block}/{variant}/{wildcards.split}/seed{wildcards.seed}.safetensors"
        for variant in (soil_variants(block, int(wildcards.seed)) if block == "vae" or SOIL["bridged"] else [])
    ]


def soil_contents():
    return [f"{folder_of(dataset)}/metadata.json" for dataset in SOIL_DATA]


def soil_folds():
    return [f"<data>/splits/{dataset}.parquet" for dataset in SOIL["sets"]]


SOIL = {key: config["soil"][key] for key in ("grid", "nir_grid")}
SOIL["independent"] = {
    key: soil_sets(config["soil"]["independent"][key], f"independent.{key}") for key in ("train", "test")
}
SOIL["sets"] = soil_sets(config["soil"]["sets"], "sets")
SOIL["bridged"] = soil_sets(config["soil"]["bridged"], "bridged")
_named = {*SOIL["sets"], *SOIL["independent"]["train"], *SOIL["independent"]["test"]}
SOIL["partners"] = {
    dataset: soil_partner(dataset) for dataset in CATALOGUE if dataset in _named and soil_partner(dataset)
}
SOIL["sets"] = [
    dataset
    for dataset in CATALOGUE
    if dataset in {*SOIL["sets"], *(SOIL["partners"].get(name) for name in SOIL["sets"])}
]
SOIL_DATA = [dataset for dataset in CATALOGUE if dataset in {*_named, *SOIL["sets"], *SOIL["partners"].values()}]
SOIL_SPLITS = [f"fold{number}" for number in range(config["folds"]["n_splits"])]
if SOIL["independent"]["train"] and SOIL["independent"]["test"]:
    SOIL_SPLITS.append("independent")
SOIL_VAES, SOIL_BRIDGES = (list(soil_variants(block, 0)) for block in ("vae", "bridge"))


rule soil_vae:
    input:
        data=soil_contents(),
        folds=soil_folds(),
    output:
        weights="<results>/soil/vae/{variant}/{split}/seed{seed}.safetensors",
        record="<results>/soil/vae/{variant}/{split}/seed{seed}.json",
        curves="<results>/soil/vae/{variant}/{split}/seed{seed}.curves.parquet",
    log:
        "<logs>/soil_vae/<run>/{variant}-{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_vae/{variant}-{split}-seed{seed}.tsv"
    wildcard_constraints:
        variant=one_of(SOIL_VAES),
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        data=folders(SOIL_DATA),
        settings=soil_variant("vae"),
        seed=config["seed"],
        code=code_digest("soil_vae"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_vae --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --variant {wildcards.variant} --encoder-seed {wildcards.seed} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {output.weights:q} --curves {output.curves:q} &> {log:q}"


rule soil_bridge:
    input:
        data=soil_contents(),
        folds=soil_folds(),
        vae=f"<results>/soil/vae/{SOIL_VAES[0]}/{{split}}/seed{{seed}}.safetensors",
    output:
        weights="<results>/soil/bridge/{variant}/{split}/seed{seed}.safetensors",
        record="<results>/soil/bridge/{variant}/{split}/seed{seed}.json",
        curves="<results>/soil/bridge/{variant}/{split}/seed{seed}.curves.parquet",
    log:
        "<logs>/soil_bridge/<run>/{variant}-{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_bridge/{variant}-{split}-seed{seed}.tsv"
    wildcard_constraints:
        variant=one_of(SOIL_BRIDGES),
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        data=folders(SOIL_DATA),
        settings=soil_variant("bridge"),
        seed=config["seed"],
        code=code_digest("soil_bridge"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_bridge --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --variant {wildcards.variant} --encoder-seed {wildcards.seed} --vae {input.vae:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.weights:q}"
        " --curves {output.curves:q} &> {log:q}"


rule soil_trained:
    input:
        [
            f"<results>/soil/{block}/{variant}/{split}/seed{seed}.safetensors"
            for block in ("vae", "bridge")
            for split in SOIL_SPLITS
            for seed in range(config["soil"]["seeds"])
            for variant in soil_variants(block, seed)
        ],
