"""Calibration transfer by learned corrections of spectra, behind the interface of the classical methods."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from etalon.chemometrics.transfer import SourceCalibration, Transfer
from etalon.models.encoder import GridBatch
from etalon.train.pair_fitting import Pairs, Trained, fit_networks
from etalon.train.transfer_member import Plan, Units, choose_settings, fit_base, prepare_member

DROPOUT_PASSES = 10


Samples = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Transferred:
    """What becomes of spectra.

    Attributes
    ----------
    whole : base on all pairs, shape (n, p)
    base : that of each member, shape (K, n, p); added : the same, by its network
    sd : shape (n, p): how unsure the members are, by the plan's difficulty; 0 where that is "none"
    """

    whole: np.ndarray
    base: np.ndarray
    added: np.ndarray
    sd: np.ndarray

    def members(self, share: float) -> np.ndarray:
        """Return the transferred spectra of each member, shape (K, n, p), with a share of what was added."""
        return self.base + share * self.added

    def spectra(self, share: float) -> np.ndarray:
        """Return the transferred spectra, shape (n, p)."""
        return self.whole + share * self.added.mean(axis=0)


class LearnedTransfer(Transfer):
    r"""Networks correct target spectra; the source calibration, as it is, predicts from the result.

    .. math:: \hat x_s = b(x_t) + \frac{\alpha}{K} \sum_k f_k(x_t)

    b is the base of the plan, on all pairs, f what a network adds. Each network is trained without a share of the
    pairs; on these one number :math:`\alpha` between 0 and 1 says how much of the corrections is to be believed, by
    least squares on predictions. Where nothing is gained the base is left.

    Parameters
    ----------
    place : see `etalon.train.pair_network.PatchCorrection`
    network : untrained, see `etalon.train.pair_network.make_network`; left as it is
    points : of its input
    specimens : the transfer samples' numbers in `calibration.groups`, shape (N,); None where the calibration never saw
        their references

    Attributes
    ----------
    share_ : α
    fold_ : for each transfer sample the member that did not see it, shape (N,)
    calibrations_ : of each member, the source calibration without the specimens of its share: errors of samples whose
        references a calibration was fitted to are smaller than those that intervals are for
    scores_ : its absolute error of prediction by that member and calibration, over its difficulty, shape (N,)
    channel_scores_ : the same of the transferred spectrum, shape (N, p)
    """

    def __init__(
        self,
        calibration: SourceCalibration,
        place: GridBatch,
        network: nn.Module,
        points: int,
        plan: Plan,
        seed: int,
        specimens: np.ndarray | None = None,
    ):
        super().__init__(calibration)
        self.network, self.plan, self.seed, self.specimens = network, plan, seed, specimens
        self.units = Units(calibration, place, points)

    def _fit(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        _fit_all([self], [(source, target, y)])

    def _prepare(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> list[Pairs]:
        """Lay out the members; return what the network of each is trained on."""
        settings = choose_settings(self.plan, self.calibration, source, target, y)
        self._whole = fit_base(self.units, settings, source, target)
        self.fold_ = np.arange(len(y)) % self.plan.members
        seen = [self.fold_ != k for k in range(self.fold_.max() + 1)]
        found = [prepare_member(self.units, self.plan, settings, source[own], target[own]) for own in seen]
        self._members = [member for member, _ in found]
        return [pairs for _, pairs in found]

    def _finish(self, source: np.ndarray, target: np.ndarray, y: np.ndarray) -> None:
        """Take from the pairs that each member did not see what is believed of it, and its errors."""
        found = self.transferred(target)
        own = self.fold_, np.arange(len(y))
        self.share_ = self._believed(source - found.base[own], found.added[own])
        self._usual_sd = found.sd.mean(axis=0)
        spectra = found.members(self.share_)[own]
        difficulty, channels = self.difficulty(found)
        shares = [self.fold_ == k for k in range(len(self._members))]
        self.calibrations_ = [self._without(share) for share in shares]
        errors = np.empty(len(y))
        for calibration, share in zip(self.calibrations_, shares, strict=True):
            errors[share] = calibration.predict(spectra[share]) - y[share]
        self.scores_ = np.abs(errors) / difficulty
        self.channel_scores_ = np.abs(spectra - source) / channels

    def _without(self, share: np.ndarray) -> SourceCalibration:
        return self.calibration if self.specimens is None else self.calibration.without(self.specimens[share])

    def _believed(self, rest: np.ndarray, added: np.ndarray) -> float:
        """Return the share of corrections, shape (N, p), that predicts best what the base has left, shape (N, p)."""
        wanted, found = self.units.predicted(rest), self.units.predicted(added)
        power = float(found @ found)
        return float(np.clip(found @ wanted / power, 0.0, 1.0)) if power > 0 else 0.0

    def transform(self, spectra: np.ndarray) -> np.ndarray:
        return self.transferred(spectra).spectra(self.share_)

    @torch.no_grad()
    def transferred(self, spectra: np.ndarray) -> Transferred:
        """Return what each member makes of target spectra, shape (n, p)."""
        spectra = np.asarray(spectra, dtype=np.float64)
        whole, base, added, variance = self._whole.views(spectra)[self.plan.base], [], [], []
        for number, member in enumerate(self._members):
            views = member.views(spectra)
            base.append(views[self.plan.base])
            if member.network is None:
                added.append(np.zeros_like(base[-1]))
                variance.append(np.zeros_like(base[-1]))
                continue
            passes = self._passes(member.network, member.inputs(views, self.plan.inputs, self.units), number)
            each = member.size * self.units.spectra(passes[:, 0])
            added.append(each.mean(axis=0))
            if self.plan.difficulty == "head":
                variance.append((member.size * self.units.spectra((0.5 * passes[0, 1]).exp())) ** 2)
            else:
                variance.append(each.var(axis=0))
        members = np.stack(base), np.stack(added)
        between = np.var(members[0] + members[1], axis=0) if self.plan.difficulty == "members" else 0.0
        return Transferred(whole, *members, np.sqrt(np.mean(variance, axis=0) + between))

    def _passes(self, trained: Trained, inputs: Tensor, number: int) -> Tensor:
        """Return what is added and its log variance, of one pass or several with dropout, (passes, 2, n, points)."""
        several = self.plan.difficulty == "dropout"
        trained.network.train(several)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed + number)
            found = [trained(inputs) for _ in range(DROPOUT_PASSES if several else 1)]
        trained.network.eval()
        return torch.stack([torch.stack([one.added, one.log_variance]) for one in found])

    def difficulty(self, found: Transferred) -> tuple[np.ndarray, np.ndarray]:
        """Return by what errors of predictions, shape (n,), and of spectra, shape (n, p), are measured.

        1 plus the spread relative to the transfer samples' mean spread: the constant keeps an unsure measure of
        being unsure from ruling (Papadopoulos & Haralambous 2011, doi:10.1016/j.neunet.2011.05.008).
        """
        line = self.calibration.line[0] ** 2
        tiny = np.finfo(float).tiny
        own, usual = np.sqrt(found.sd**2 @ line), np.sqrt(self._usual_sd**2 @ line)
        return 1.0 + own / max(usual, tiny), 1.0 + found.sd / np.maximum(self._usual_sd, tiny)


def fit_together(transfers: Sequence[LearnedTransfer], samples: Sequence[Samples]) -> None:
    """Fit several transfers of one network and plan, each to its transfer samples: `Transfer.fit`, in less time.

    Parameters
    ----------
    samples : source spectra, target spectra and references of each
    """
    checked = [_as_floats(*own) for own in samples]
    for transfer, own in zip(transfers, checked, strict=True):
        transfer._check(*own)
    _fit_all(transfers, checked)


def _as_floats(source: np.ndarray, target: np.ndarray, y: np.ndarray) -> Samples:
    return np.asarray(source, dtype=float), np.asarray(target, dtype=float), np.asarray(y, dtype=float)


def _fit_all(transfers: Sequence[LearnedTransfer], samples: Sequence[Samples]) -> None:
    prepared = [transfer._prepare(*own) for transfer, own in zip(transfers, samples, strict=True)]
    # Where both instruments measured the same there is nothing to learn, and no network.
    places = [(t, k) for t, tasks in enumerate(prepared) for k, pairs in enumerate(tasks) if pairs.size > 0]
    if places:
        first = transfers[0]
        trained = fit_networks(
            first.network,
            [prepared[t][k] for t, k in places],
            [transfers[t].seed + k for t, k in places],
            steps=first.plan.steps,
            batch=first.plan.batch,
            rate=first.plan.learning_rate,
            heteroscedastic=first.plan.difficulty == "head",
        )
        for (t, k), network in zip(places, trained, strict=True):
            members = transfers[t]._members
            members[k] = replace(members[k], size=prepared[t][k].size, network=network)
    for transfer, own in zip(transfers, samples, strict=True):
        transfer._finish(*own)
