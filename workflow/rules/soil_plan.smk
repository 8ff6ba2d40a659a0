# What the jobs of the soil study read and are told, and which there are.


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


def soil_written(folder):
    """A table of soil_learned for every split and seed."""
    return expand(
        f"<results>/soil/{folder}/{{split}}/seed{{seed}}.parquet",
        split=SOIL_SPLITS,
        seed=range(config["soil"]["seeds"]),
    )


def soil_drawn(wildcards):
    """The figures and tables of the study that this run can draw."""
    return drawn(*(name for name in FIGURES if name.split("_")[1] == "soil"))


def soil_main(block):
    """Weights of the main autoencoder ("vae") or NIR encoder ("bridge") of a split and seed."""
    name = {"vae": SOIL_VAES, "bridge": SOIL_BRIDGES}[block][0]
    return f"<results>/soil/{block}/{name}/{{split}}/seed{{seed}}.safetensors"


def soil_answers(folder, extension, splits, seeds):
    return expand(f"<results>/soil/{folder}/{{split}}/seed{{seed}}.{extension}", split=splits, seed=range(seeds))


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
SOIL_ANSWERS = ("soil_band_bias", "soil_sensitivity", "soil_shift", "soil_extended")
BAND_SPLITS = [split for split in SOIL_SPLITS if split != "independent"][: config["soil"]["band_bias"]["folds"]]
BAND_SEEDS = min(config["soil"]["band_bias"]["seeds"], config["soil"]["seeds"])
if not SOIL["bridged"]:
    EMPTY += SOIL_ANSWERS
elif "independent" not in SOIL_SPLITS:
    EMPTY.append("soil_shift")
