# Study 3, soil: from mid-infrared to cheap NIR. docs/explanation/soil.md says what lies where and what is compared.

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
SOIL_SPLITS = [f"fold{number}" for number in range(min(config["folds"]["n_splits"], config["soil"]["max_folds"]))]
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
        runtime=growing(10),
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
        runtime=growing(10),
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


rule soil_classical:
    input:
        data=soil_contents(),
        folds=soil_folds(),
    output:
        predictions="<results>/soil/predictions/classical/{split}.parquet",
        record="<results>/soil/predictions/classical/{split}.json",
    log:
        "<logs>/soil_classical/<run>/{split}.log",
    benchmark:
        "<results>/benchmarks/soil_classical/{split}.tsv"
    wildcard_constraints:
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        data=folders(SOIL_DATA),
        settings=soil_settings("heads", asls=config["asls"]),
        seed=config["seed"],
        code=code_digest("soil_classical"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_classical --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.predictions:q}"
        " --record {output.record:q} &> {log:q}"


rule soil_learned:
    input:
        data=soil_contents(),
        folds=soil_folds(),
        vaes=soil_checkpoints("vae"),
        bridges=soil_checkpoints("bridge"),
    output:
        predictions="<results>/soil/predictions/learned/{split}/seed{seed}.parquet",
        record="<results>/soil/predictions/learned/{split}/seed{seed}.json",
        latents="<results>/soil/latents/{split}/seed{seed}.parquet",
        spectra="<results>/soil/spectra/{split}/seed{seed}.parquet",
        examples="<results>/soil/examples/{split}/seed{seed}.parquet",
    log:
        "<logs>/soil_learned/<run>/{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_learned/{split}-seed{seed}.tsv"
    wildcard_constraints:
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        data=folders(SOIL_DATA),
        settings=lambda wildcards: soil_settings(
            "heads", untrained=soil_variants("vae", int(wildcards.seed), trained=False)
        ),
        seed=config["seed"],
        code=code_digest("soil_learned"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_learned --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --encoder-seed {wildcards.seed} --vaes {input.vaes:q} --bridges {input.bridges:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.predictions:q}"
        " --record {output.record:q} --latents {output.latents:q} --spectra {output.spectra:q}"
        " --examples {output.examples:q} &> {log:q}"


def soil_written(folder):
    """A table of soil_learned for every split and seed."""
    return expand(
        f"<results>/soil/{folder}/{{split}}/seed{{seed}}.parquet",
        split=SOIL_SPLITS,
        seed=range(config["soil"]["seeds"]),
    )


rule soil_scores:
    input:
        data=soil_contents(),
        classical=expand("<results>/soil/predictions/classical/{split}.parquet", split=SOIL_SPLITS),
        learned=soil_written("predictions/learned"),
        latents=soil_written("latents"),
        spectra=soil_written("spectra"),
        examples=soil_written("examples"),
    output:
        scores="<results>/scores/soil/properties.parquet",
        record="<results>/scores/soil/properties.json",
        spectra="<results>/metrics/soil_spectra.parquet",
        distances="<results>/metrics/soil_distances.parquet",
    log:
        "<logs>/soil_scores/<run>.log",
    benchmark:
        "<results>/benchmarks/soil_scores.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        data=folders(SOIL_DATA),
        settings=json.dumps({"bootstrap": config["soil"]["bootstrap"]}),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("soil_scores"),
    shell:
        "python -m etalon.stages.soil_scores --run {params.run} --data {params.data:q}"
        " --predictions {input.classical:q} {input.learned:q} --latents {input.latents:q} --spectra {input.spectra:q}"
        " --examples {input.examples:q} --settings {params.settings:q} --seed {params.seed} --out {output.scores:q}"
        " --record {output.record:q} --out-spectra {output.spectra:q} --out-distances {output.distances:q} &> {log:q}"


def soil_drawn(wildcards):
    """The figures and tables of the study that this run can draw."""
    return drawn(*(name for name in FIGURES if name.split("_")[1] == "soil"))


rule soil:
    input:
        soil_drawn,
