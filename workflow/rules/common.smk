# What the rules share: the checked configuration, the datasets it selects, and the params that ask for a new run.

import ast
import fnmatch
import functools
import hashlib
import json
import os
import re
import sys
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


def growing(amount):
    """Memory (MB) or time (min) that a job is given: twice as much with each new attempt, where a profile retries."""
    return lambda wildcards, attempt: amount * 2 ** (attempt - 1)


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


def folders(datasets):
    return [folder_of(dataset).replace("<data>", config["data_dir"]) for dataset in datasets]


def contents(datasets):
    """What a job waits for that reads whole datasets: their baselines, which are made of all the rest.

    One file a dataset: with hundreds of datasets the lists of inputs are what planning takes its time for.
    """
    return [f"{folder_of(dataset)}/baseline_asls.npy" for dataset in datasets]


def origins(datasets):
    """One digest of the origins of many datasets."""
    return hashlib.sha256(" ".join(map(origin_of, datasets)).encode()).hexdigest()[:16]


check_config("../schemas/config.schema.yaml")

CATALOGUE = read_catalogue(config["catalogue"])
DATASETS = select(**config["datasets"])
LABELLED = [dataset for dataset in DATASETS if CATALOGUE[dataset].targets or CATALOGUE[dataset].label]
# Folder in results/ of figures and tables.
DRAWN = config["run"] if config["figures_from"] == "run" else f"reference_figures/{config['reference_run']}"

# Jobs start the interpreter that runs Snakemake, whether or not its environment is activated.
os.environ.update(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.getenv('PATH')}")
if config["mirror"]:
    os.environ.update(ETALON_MIRROR=config["mirror"])
