"""Stage pretrain_head: the prior of the kernel evidence head, pooled over the datasets of all folds but one."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.chemometrics.pooled_prior import PoolTask, pool
from etalon.code_digest import code_digest
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.embeddings import load_index
from etalon.evaluate.pretrained_head import learning_curve, pool_tasks
from etalon.evaluate.provenance import describe, sha256
from etalon.stages.arguments import parser, run
from etalon.storage import load_metadata, save_json


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, nargs="*", required=True, help="folders of the datasets to pool")
    arguments.add_argument("--indices", type=Path, nargs="*", required=True, help="indices of their embeddings by fs")
    arguments.add_argument("--heldout", required=True, help="the fold of families that is left out")
    arguments.add_argument("--heldout-families", nargs="+", required=True, help="its families")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    arguments.add_argument("--out", type=Path, required=True, help="prior and provenance to write, JSON")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    index_of = {dataset: path for path in args.indices for dataset in load_index(path)["datasets"]}
    tasks, pooled, not_run = [], [], {}
    with threadpool_limits(args.threads):
        for folder in tqdm(args.data, desc="datasets", unit="set"):
            try:
                found = tasks_of(folder, index_of, args.heldout_families, args.settings)
            except NotRunError as error:
                not_run[folder.name] = error.reason
                continue
            tasks += found
            pooled += [folder.name] if found else []
        prior = pool(tasks).as_dict() if tasks else None
        curve = learning_curve(tasks, args.seed)
    content = {"prior": prior, "learning_curve": curve, "tasks": len(tasks), "datasets": pooled, "not_run": not_run}
    content |= {"families": sorted({task.family for task in tasks}), "heldout": args.heldout}
    content |= {"inputs": {path.parent.parent.name: sha256(path) for path in args.indices}}
    content |= describe(args.settings, args.seed, {}) | {"code": code_digest("etalon.evaluate.pretrained_head")}
    save_json(args.out, content | {"seconds": round(time.monotonic() - started, 2)})


def tasks_of(
    folder: Path, index_of: Mapping[str, Path], heldout_families: Sequence[str], settings: Mapping[str, Any]
) -> list[PoolTask]:
    """Return the tasks of a dataset that may be pooled.

    Raises
    ------
    BadInputError : it is of a held-out family, or in no index
    NotRunError : it could not be had, or is recorded as not embedded
    """
    family = load_metadata(folder).family
    if family in heldout_families:
        raise BadInputError("command line", "--data", "no dataset of a held-out family", f"{folder.name} ({family})")
    if folder.name not in index_of:
        raise BadInputError("command line", "--indices", f"embeddings of {folder.name}", "none")
    return pool_tasks(folder, index_of[folder.name], **settings)


if __name__ == "__main__":
    run(main)
