# What the rules share: the checked configuration, the datasets it selects, and the params that ask for a new run.

import fnmatch
import functools
import hashlib
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

import yaml
from jsonschema import ValidationError
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from etalon import code_digest as digest
from etalon.catalogue import entry_digest, load_catalogue
from etalon.errors import EtalonError


def stop(message):
    """End before the first job with one line. An exception would be shown with its traceback through Snakemake."""
    sys.exit(f"error: {message}")


def check_config(schema):
    """Validate the configuration and fill in the schema's defaults."""
    try:
        validate(config, schema)
    except WorkflowError as error:
        stop(f"config: {explain(error.__context__)}")


def explain(error: ValidationError):
    """One line that names the key, what was expected and what was found."""
    block = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        unknown = sorted(set(error.instance) - set(known))[0]
        inside = f" in {block}" if block else ""
        return f'unknown key "{unknown}"{inside} (expected one of: {", ".join(known)})'
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f'no key "{missing[0]}"{f" in {block}" if block else ""}'
    return f"{block}: {error.message}"


def read_catalogue(path):
    try:
        return load_catalogue(path)
    except EtalonError as error:
        stop(error)


def select(include, exclude):
    """Ids of the chosen datasets, in the order of the catalogue. A pattern without a match is a misspelt one."""
    for pattern in [*include, *exclude]:
        if not fnmatch.filter(CATALOGUE, pattern):
            stop(f"config: datasets: no dataset of {config['catalogue']} matches {pattern!r}")
    chosen = [id for id in CATALOGUE if any(fnmatch.fnmatch(id, pattern) for pattern in include)]
    return [id for id in chosen if not any(fnmatch.fnmatch(id, pattern) for pattern in exclude)]


def one_of(names):
    return "|".join(map(re.escape, names))


def settings(block, leave_out=(), also=()):
    """One block of the configuration as JSON text; `also` names whole blocks to put into it."""
    content = {key: value for key, value in config[block].items() if key not in leave_out}
    return json.dumps(content | {key: config[key] for key in also})


@functools.cache
def code_digest(stage, *modules):
    """Digest of the code of a stage and of all it imports; `modules` are those it imports by name at run time."""
    return digest.code_digest(f"etalon.stages.{stage}", *modules)


def figure_digest(name):
    return digest.code_digest(f"etalon.figures.{name}")


def reader_digest(wildcards):
    """Digest of the import and of the one reader that the dataset needs."""
    return reader_digest_of(wildcards.dataset)


@functools.cache
def reader_digest_of(dataset):
    return code_digest("import_dataset", f"etalon.data.readers.{CATALOGUE[dataset].reader}")


def source_digest(wildcards):
    """Digest of the catalogue's entry, as far as it decides the imported data."""
    return entry_digest(CATALOGUE[wildcards.dataset])


def origin(wildcards):
    """Digest of all that decides a dataset.

    The import declares one of the files it writes, the metadata, which need not differ when the spectra do; with this
    param a job that reads the dataset is run again even if the session that imported it was interrupted.
    """
    return origin_of(wildcards.dataset)


# Snakemake asks for the params of every waiting job each time it chooses the next one.
@functools.cache
def origin_of(dataset):
    return f"{entry_digest(CATALOGUE[dataset])}-{reader_digest_of(dataset)}-{config['seed']}"


def retry_mark(wildcards):
    """The mark that `retry_downloads` left for a dataset that could not be had."""
    mark = Path(config["data_dir"]) / "raw" / "status" / f"{wildcards.dataset}.retry"
    return [str(mark)] if mark.exists() else []


def folder_of(dataset):
    return f"<data>/{'synthetic' if CATALOGUE[dataset].synthetic else 'real'}/{dataset}"


def imported(wildcards):
    return f"{folder_of(wildcards.dataset)}/metadata.json"


def baseline(wildcards):
    return f"{folder_of(wildcards.dataset)}/baseline_asls.npy"


def asls_threads(wildcards):
    """All cores for a table that is computed in parcels; one for the usual set, whose baselines take a second."""
    size = CATALOGUE[wildcards.dataset].expect
    return 64 if size.n_samples * size.n_channels > 4_000_000 else 1


def everything_imported(wildcards):
    return [f"{folder_of(dataset)}/metadata.json" for dataset in DATASETS]


def scores_of(wildcards):
    """Files with the scores that a metrics table gathers. A dataset without reference values or classes has none."""
    classical, encoders = TABLES[wildcards.table]
    return expand("<results>/scores/{experiment}/{dataset}.json", experiment=classical, dataset=LABELLED) + [
        f"<results>/scores/{experiment}/{path}.json"
        for experiment, variants in encoders.items()
        for path in trainings(variants, experiment)
    ]


def metrics(table):
    """The metrics table that a figure draws: the one of this run, or the one that is shipped."""
    if config["figures_from"] == "run":
        return f"<results>/metrics/{table}.parquet"
    return shipped(table, config["reference_run"])


def drawable(figures):
    """Those whose metrics are there to be drawn: of this run all, of the shipped ones those that have been shipped."""
    if config["figures_from"] == "run":
        return figures
    run = config["reference_run"]
    lacking = {name: [t for t in tables if not is_shipped(t, run)] for name, (tables, *_) in figures.items()}
    for name, tables in lacking.items():
        if tables:
            print(f"{name} is not drawn: results/reference/{run} has no table {', '.join(tables)}", file=sys.stderr)
    return {name: figure for name, figure in figures.items() if not lacking[name]}


def all_metrics(wildcards):
    """The tables that hold all metrics of the run; nothing where figures are drawn from shipped ones."""
    return expand("<results>/metrics/{table}.parquet", table=TABLES) if config["figures_from"] == "run" else []


def shipped_path(table, run):
    return f"results/reference/{run}/metrics/{table}.parquet"


def is_shipped(table, run):
    return Path(shipped_path(table, run)).exists()


def shipped(table, run):
    """A shipped metrics table. No rule writes one, so that drawing it starts no computation."""
    if not is_shipped(table, run):
        stop(f"{shipped_path(table, run)}: expected a shipped metrics table, found no such file")
    return shipped_path(table, run)


def drawn(*names):
    """Files of figures (PDF, PNG) and tables (CSV, TeX)."""
    kinds = {"fig": ("figures", ("pdf", "png")), "tab": ("tables", ("csv", "tex"))}
    return [
        f"results/<drawn>/{folder}/{name}.{format}"
        for name in names
        for folder, formats in [kinds[name.split("_")[0]]]
        for format in formats
    ]


def in_report(name, category, label):
    """The two files of a figure or table by their formats; the one that a browser shows goes into the report."""
    files = {Path(path).suffix[1:]: path for path in drawn(name)}
    shown = "png" if "png" in files else "csv"
    caption = f"../report/{name}.rst"
    return files | {shown: report(files[shown], caption=caption, category=category, labels={"result": label})}


def everything_shipped(wildcards):
    return [shipped(table, config["run"]) for table in TABLES]


def read_variants(path):
    """The variants of the configuration, checked and with the defaults of their schema."""
    variants = yaml.safe_load(Path(path).read_text())
    try:
        validate(variants, "../schemas/variants.schema.yaml")
    except WorkflowError as error:
        stop(f"{path}: {explain(error.__context__)}")
    for block in ("variants", "synthetic", "metadata", "finalists", "seeds_of"):
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


def judged(wildcards):
    return [dataset for dataset in held_out(wildcards.heldout) if dataset in LABELLED]


def folders(datasets):
    return [folder_of(dataset).replace("<data>", config["data_dir"]) for dataset in datasets]


def trainings(variants, experiment="encoders"):
    """Variant, fold and seed of encoders, as their files are named; some experiments take the first seeds only."""
    return [
        f"{variant}/{heldout}/seed{seed}"
        for variant in variants
        for heldout in FOLDS
        for seed in range(min(seeds_of(variant), SEEDS.get(experiment, seeds_of(variant))))
    ]


def seeds_of(variant):
    if VARIANTS[variant]["encoder"] == "fs":
        return 1
    return config["encoders"]["seeds_of"].get(variant, config["encoders"]["seeds"])


def checkpoints(variants):
    return trainings(variant for variant in variants if VARIANTS[variant]["encoder"] != "fs")


def training_sets(wildcards):
    """Datasets that may train an encoder: none of a held-out family."""
    return [dataset for dataset in DATASETS if FOLD_OF[CATALOGUE[dataset].family] != wildcards.heldout]


def contents(datasets):
    """Files of datasets that a job reads: contract and baseline."""
    return [f"{folder_of(dataset)}/{name}" for dataset in datasets for name in ("metadata.json", "baseline_asls.npy")]


def families_of(wildcards):
    return sorted(family for family, fold in FOLD_OF.items() if fold == wildcards.heldout)


def origins(datasets):
    """One digest of the origins of many datasets."""
    return hashlib.sha256(" ".join(map(origin_of, datasets)).encode()).hexdigest()[:16]


def training_settings(wildcards):
    """All that decides a training besides its data and its seed, as JSON text."""
    variant, pretraining = VARIANTS[wildcards.variant], config["pretraining"]
    own = pretraining["fsnl" if variant["encoder"] == "fsnl" else "perceiver"]
    shared = ("spectra", "clip", "average_decay", "precision", "measurements", "patience", "still", "save_every")
    optimisation = ("learning_rate", "weight_decay", "warm_up")
    content = {
        "variant": variant,
        "size": own["size"],
        "batch": own["batch"],
        "device": pretraining["device"],
        "training": {key: pretraining[key] for key in shared} | {key: own[key] for key in optimisation},
    }
    if variant["encoder"] == "perceiver":
        content["masking"] = {key: own[key] for key in ("n_visible", "n_masked", "mask_share")}
    return json.dumps(content)


def mapped():
    return [dataset for heldout in FOLDS for dataset in held_out(heldout) if dataset in LABELLED]


def corpus_settings(wildcards):
    blocks = {"training": config["pretraining"]["synthetic"], "realism": config["synthetic_realism"]["corpus"]}
    return json.dumps(blocks[wildcards.corpus] | {"asls": config["asls"]})


def corpus_of(wildcards):
    """The generated spectra, for the variants that are trained on some."""
    return "<results>/corpus/training.safetensors" if VARIANTS[wildcards.variant]["p_synthetic"] > 0 else []


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


check_config("../schemas/config.schema.yaml")

CATALOGUE = read_catalogue(config["catalogue"])
DATASETS = select(**config["datasets"])
LABELLED = [dataset for dataset in DATASETS if CATALOGUE[dataset].targets or CATALOGUE[dataset].label]
VARIANTS = read_variants("config/variants.yaml")
FS = next((name for name in config["encoders"]["variants"] if VARIANTS[name]["encoder"] == "fs"), None)
FOLD_OF = fold_families()
FOLDS = sorted({FOLD_OF[CATALOGUE[dataset].family] for dataset in LABELLED})
EXPERIMENTS = ("classical", "tabpfn", "classical_robustness", "tabpfn_robustness")
ENCODER_EXPERIMENTS = ("encoders", "encoder_robustness")
# Seeds of an encoder, from the first, that an experiment takes; all of them where nothing stands here.
SEEDS = {"encoder_robustness": config["embedding"]["robustness"]["seeds"]}
MAIN, SYNTHETIC = config["encoders"]["variants"], config["encoders"]["synthetic"]
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
}
# Folder in results/ of figures and tables.
DRAWN = config["run"] if config["figures_from"] == "run" else f"reference_figures/{config['reference_run']}"

# Jobs start the interpreter that runs Snakemake, whether or not its environment is activated.
os.environ.update(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.getenv('PATH')}")
if config["mirror"]:
    os.environ.update(ETALON_MIRROR=config["mirror"])
