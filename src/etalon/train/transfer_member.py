"""One network of a learned transfer, with what stands around it: standardisations, means, units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from etalon.chemometrics.transfer import SourceCalibration, Transfer, left_out
from etalon.chemometrics.transfer_pds import PiecewiseDirectStandardisation
from etalon.errors import BadInputError
from etalon.models.encoder import GridBatch
from etalon.models.patches import resampling_of
from etalon.train.pair_fitting import Pairs, Trained

CHANNEL_SD_FLOOR = 0.05  # of the root mean square of the channels' SD
FEWEST_TO_LEAVE_OUT = 4  # pairs: with fewer, a standardisation that leaves some out rests on one or two
# A slope and a bias for each channel: piecewise standardisation through a window of one.
SBC = (0, 1)
VIEWS = ("raw", "pds", "sbc")
DIFFICULTIES = ("none", "members", "dropout", "head")


@dataclass(frozen=True)
class Plan:
    """How corrections are trained.

    Attributes
    ----------
    base : what is corrected: "raw", the target spectrum moved by the difference of the instruments' means; "pds"; or
        "sbc", a slope and a bias for each channel
    inputs : which of these a network sees, that which pretraining knows first
    members : networks, each trained without its share of the pairs
    steps, batch, learning_rate : see `etalon.train.pair_fitting.fit_networks`
    difficulty : what errors are measured by: "none", or the spread of "members", of passes with "dropout", or the
        variance that a "head" was trained to say
    """

    base: str
    inputs: Sequence[str]
    members: int
    steps: int
    batch: int
    learning_rate: float
    difficulty: str = "none"

    def __post_init__(self) -> None:
        for name, found, known in (
            ("base", [self.base], VIEWS),
            ("inputs", self.inputs, VIEWS),
            ("difficulty", [self.difficulty], DIFFICULTIES),
        ):
            if wrong := [value for value in found if value not in known] or (not found and ["nothing"]):
                raise BadInputError("learned transfer", name, f"one of {', '.join(known)}", wrong[0])


class Units:
    """From spectra of a calibration to what networks see, and back.

    Attributes
    ----------
    sd : of the channels on the source instrument, shape (p,), none of them close to 0
    functional : shape (points,): what the calibration makes of an addition in units of `sd`, given on the points
    """

    def __init__(self, calibration: SourceCalibration, place: GridBatch, points: int):
        self.calibration = calibration
        self.resampling = resampling_of(place, points)
        sd = calibration.spectra.std(axis=0)
        self.sd = np.maximum(sd, CHANNEL_SD_FLOOR * np.sqrt(np.mean(sd**2)))
        self.device = place.intensities.device
        weights = torch.from_numpy(calibration.line[0] * self.sd).float().to(self.device)
        origin = torch.zeros(points, requires_grad=True, device=self.device)
        # Resampling is linear: its transpose is the gradient of what the calibration makes of values on the points.
        (self.functional,) = torch.autograd.grad(self.resampling.back(origin) @ weights, origin)

    def predicted(self, additions: np.ndarray) -> np.ndarray:
        """Return what additions to spectra, shape (n, p), change in predictions."""
        return additions @ self.calibration.line[0]

    def shown(self, deviations: np.ndarray) -> Tensor:
        """Return deviations of spectra, shape (n, p), as a network sees them, shape (n, points)."""
        return self.resampling.apply(torch.from_numpy(deviations / self.sd).float().to(self.device))

    def spectra(self, values: Tensor) -> np.ndarray:
        """Return what a network gives, shape (..., points), as an addition to spectra, shape (..., p)."""
        return self.resampling.back(values).double().numpy(force=True) * self.sd


@dataclass(frozen=True)
class Member:
    """A network, trained on some pairs, or None where both instruments measured the same.

    Attributes
    ----------
    mean, target_mean : of the pairs, shape (p,)
    maps : standardisations fitted to the pairs, by name
    size : unit of what the network adds
    """

    mean: np.ndarray
    target_mean: np.ndarray
    maps: Mapping[str, Transfer]
    size: float = 0.0
    network: Trained | None = None

    def views(self, target: np.ndarray) -> dict[str, np.ndarray]:
        """Return target spectra as bases and inputs, each of shape (n, p)."""
        return {"raw": target - self.target_mean + self.mean} | {
            n: map_.transform(target) for n, map_ in self.maps.items()
        }

    def inputs(self, views: Mapping[str, np.ndarray], names: Sequence[str], units: Units) -> Tensor:
        """Return what the network sees, shape (n, n_inputs, points)."""
        return torch.stack([units.shown(views[name] - self.mean) for name in names], dim=1)


def choose_settings(
    plan: Plan, calibration: SourceCalibration, source: np.ndarray, target: np.ndarray, y: np.ndarray
) -> dict[str, tuple[int, int]]:
    """Return half-window and components of each standardisation that a plan asks for."""
    wanted = {plan.base, *plan.inputs}
    settings = {"sbc": SBC} if "sbc" in wanted else {}
    if "pds" in wanted:
        chosen = PiecewiseDirectStandardisation(calibration).fit(source, target, y).chosen_
        assert isinstance(chosen, tuple)
        settings["pds"] = chosen
    return settings


def fit_base(units: Units, settings: Mapping[str, tuple[int, int]], source: np.ndarray, target: np.ndarray) -> Member:
    """Return what stands around a network, fitted to pairs, shape (n, p) each, without one."""
    maps = _standardise(settings, units.calibration, source, target)
    return Member(source.mean(axis=0), target.mean(axis=0), maps)


def prepare_member(
    units: Units, plan: Plan, settings: Mapping[str, tuple[int, int]], source: np.ndarray, target: np.ndarray
) -> tuple[Member, Pairs]:
    """Return what stands around a network to be trained on pairs, shape (n, p) each, and what it is trained on."""
    member = fit_base(units, settings, source, target)
    views = member.views(target)
    # Of pairs that they were fitted to, means and standardisations leave less than they will leave of others.
    for out in left_out(len(source)) if len(source) >= FEWEST_TO_LEAVE_OUT else ():
        for name, view in fit_base(units, settings, source[~out], target[~out]).views(target[out]).items():
            views[name][out] = view
    rest = source - views[plan.base]
    pairs = Pairs(
        member.inputs(views, plan.inputs, units),
        units.shown(rest),
        units.functional,
        torch.from_numpy(units.predicted(rest)).float().to(units.device),
    )
    return member, pairs


def _standardise(
    settings: Mapping[str, tuple[int, int]], calibration: SourceCalibration, source: np.ndarray, target: np.ndarray
) -> dict[str, Transfer]:
    fitted: dict[str, Transfer] = {}
    for name, (half, components) in settings.items():
        # Settings are chosen: nothing has to be left out, so that two pairs are enough.
        fitted[name] = PiecewiseDirectStandardisation(calibration, [half], [components])
        fitted[name]._fit(source, target, np.empty(0))
    return fitted
