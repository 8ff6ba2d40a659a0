"""Every task of a dataset across datasets: zero-shot, with local samples, and from each single training set."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from etalon.errors import NotRunError
from etalon.evaluate.embedding_experiment import SetOutcome
from etalon.evaluate.local_adaptation import Prediction, Transferred, adapt, pair_records
from etalon.evaluate.lodo import MIN_TEST_SPECIMENS, Member, Transfer, local_draws, pairs, plan

ZERO_SHOT = ("zero_shot", 0)
ADAPTED = ("slope_bias", "spiked", "local_only")
TOO_FEW = f"too few specimens: fewer than {MIN_TEST_SPECIMENS} would be left to test"


@dataclass(frozen=True)
class Contest:
    """Methods of one kind, by what they are made of.

    Attributes
    ----------
    column : of the records that names them, "method" or "head"
    names : all of them
    make : fits them on the training sets of a task; raises NotRunError where none of them can be
    make_pair : predictions of a test set from a single training set; raises NotRunError likewise
    pair_names : what `make_pair` gives
    common : what else names their records
    unavailable : methods that cannot run on this machine, with the reason; not among `names`
    """

    column: str
    names: Sequence[str]
    make: Callable[[Transfer], Transferred]
    make_pair: Callable[[Transfer], dict[str, Prediction]]
    pair_names: Sequence[str]
    common: Mapping[str, str]
    unavailable: Mapping[str, str] = field(default_factory=dict)


def run_tasks(
    dataset: str, members: Sequence[Member], contest: Contest, settings: Mapping[str, Any], seed: int
) -> SetOutcome:
    """Return the predictions of every task of a dataset that belongs to a group, and what did not run and why.

    Parameters
    ----------
    members : of the groups of the dataset, itself included
    settings : "max_per_set", "sizes" (numbers of local samples) and "draws" of each
    """
    parts, choices = [pd.DataFrame()], []
    gaps: list[dict[str, Any]] = []
    sizes = settings["sizes"]
    everywhere = [ZERO_SHOT, *itertools.product(ADAPTED, sizes)]
    for member in (member for member in members if member.dataset == dataset):
        gaps += _gaps(contest, member, contest.unavailable, everywhere)
        try:
            transfer = plan(member, members, settings["max_per_set"], seed)
            model = contest.make(transfer)
        except NotRunError as error:
            reasons = dict.fromkeys(contest.names, error.reason)
            gaps += _gaps(contest, member, reasons, everywhere)
            continue
        draws, too_many = local_draws(member, sizes, settings["draws"], seed)
        parts.append(adapt(model, member, model.transfer.y, draws).rename(columns={"name": contest.column}))
        choices += [_choice(contest, model, name, choice) for name, choice in model.choices.items()]
        ran = [n for n in sizes if n not in too_many]
        # Calibrations on local samples alone need no training set.
        gaps += _gaps(contest, member, model.not_run, [ZERO_SHOT, *itertools.product(ADAPTED[:-1], ran)])
        reasons = dict.fromkeys(contest.names, TOO_FEW)
        gaps += _gaps(contest, member, reasons, itertools.product(ADAPTED, too_many))
        found, missing = _pairs(contest, transfer)
        parts += [found.rename(columns={"name": contest.column})]
        gaps += missing
    rows = pd.concat(parts, ignore_index=True)
    return SetOutcome(rows.assign(**contest.common) if len(rows) else rows, choices, gaps=gaps)


def _pairs(contest: Contest, transfer: Transfer) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the predictions from every single training set, and those that did not run."""
    parts, test = [pd.DataFrame()], transfer.test
    missing = dict(transfer.left_out)
    for pair in pairs(transfer) if contest.pair_names else ():
        source = pair.sources[0].member
        try:
            parts.append(pair_records(contest.make_pair(pair), source, test))
        except NotRunError as error:
            missing[source.dataset] = error.reason
    gaps = [
        _place(contest, test, name) | {"condition": "train_test", "pair": f"{source}>{test.dataset}", "reason": reason}
        for (source, reason), name in itertools.product(missing.items(), contest.pair_names)
    ]
    return pd.concat(parts, ignore_index=True), gaps


def _gaps(
    contest: Contest, member: Member, reasons: Mapping[str, str], conditions: Iterable[tuple[str, int]]
) -> Iterator[dict[str, Any]]:
    """Yield what says that methods did not run, for each condition and number of local samples."""
    for (name, reason), (condition, n) in itertools.product(reasons.items(), conditions):
        about = {"condition": condition, "amplitude": float(n), "amplitude_unit": "samples", "reason": reason}
        yield _place(contest, member, name) | about


def _place(contest: Contest, member: Member, name: str) -> dict[str, Any]:
    return {"task": "regression", "target": member.task.target, **contest.common, contest.column: name}


def _choice(contest: Contest, model: Transferred, name: str, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the record says of the zero-shot calibration of one method."""
    transfer = model.transfer
    return _place(contest, transfer.test, name) | {
        "condition": "zero_shot",
        "repeat": 0,
        "fold": 0,
        "n_train": len(transfer.y),
        "group": str(transfer.test.key),
        "training_sets": {source.member.dataset: len(source.rows) for source in transfer.sources},
        "left_out": transfer.left_out,
        "representation": transfer.representation,
        "choice": choice,
    }
