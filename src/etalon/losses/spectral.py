"""How a reconstructed spectrum differs from the measured one: values, slopes and curvature, bands, angle.

All take spectra on equally spaced points, shape (B, P), and `mask`, bool of that shape, True where the error counts.
All return a scalar, 0 where prediction and target are equal.
"""

import torch
from torch import Tensor

UNIT_FLOOR = 0.05
FLAT = 1e-8  # variance of a spectrum that has no unit of its own, such as a deviation from the mean of equal spectra


def squared_error(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the mean squared error over masked points."""
    return _mean((prediction - target).square(), mask)


def derivative_error(prediction: Tensor, target: Tensor, mask: Tensor, lag: int = 4) -> Tensor:
    r"""Return the mean squared error of first and second differences over `lag` points, each in units of its own.

    .. math:: \sum_{k=1}^{2} \frac{\langle (\Delta^k \hat x - \Delta^k x)^2 \rangle}
              {\langle (\Delta^k x)^2 \rangle + 0.05 \, \mathrm{var}(x)}

    Differences that touch a masked point count. The unit is that of each spectrum, without gradient; its floor is there
    for spectra that are all but straight, next to which any error would be huge. A flat spectrum is taken in unit 1.
    """
    floor = UNIT_FLOOR * target.var(dim=1, keepdim=True, correction=0)
    total, touched = prediction.new_zeros(()), mask
    for _ in range(2):
        prediction, target = (x[:, lag:] - x[:, :-lag] for x in (prediction, target))
        touched = touched[:, lag:] | touched[:, :-lag]
        unit = (target.square().mean(dim=1, keepdim=True) + floor).detach()
        unit = torch.where(unit > FLAT, unit, torch.ones_like(unit))
        total = total + _mean((prediction - target).square() / unit, touched)
    return total


def peak_error(prediction: Tensor, target: Tensor, mask: Tensor, half_width: int = 8) -> Tensor:
    """Return the mean squared error weighted by `prominence` of the target: bands count more than slopes."""
    weight = prominence(target, half_width) * mask
    return (weight * (prediction - target).square()).sum() / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)


def prominence(spectra: Tensor, half_width: int = 8) -> Tensor:
    """Return how far a point lies above or below the chord through those `half_width` away, over its mean.

    Shape (B, P), without gradient; the ends have the weight of the nearest point with a chord.
    """
    h = half_width
    with torch.no_grad():
        bend = (spectra[:, h:-h] - 0.5 * (spectra[:, : -2 * h] + spectra[:, 2 * h :])).abs()
        bend = bend / bend.mean(dim=1, keepdim=True).clamp_min(torch.finfo(bend.dtype).tiny)
        return torch.nn.functional.pad(bend[:, None], (h, h), mode="replicate")[:, 0]


def spectral_angle(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    r"""Return the mean angle, in radians, between masked parts of prediction and target.

    Kruse et al. 1993, doi:10.1016/0034-4257(93)90013-N, in the form
    :math:`2 \arctan(\lVert u - v \rVert / \lVert u + v \rVert)` of unit vectors, whose gradient stays finite for
    parallel ones.
    """
    tiny = 1e-8
    u, v = (torch.nn.functional.normalize(x * mask, dim=1, eps=tiny) for x in (prediction, target))
    apart, along = ((x.square().sum(dim=1) + tiny**2).sqrt() for x in (u - v, u + v))
    return (2.0 * torch.atan2(apart, along)).mean()


SPECTRAL = {
    "mse": squared_error,
    "derivative": derivative_error,
    "peaks": peak_error,
    "angle": spectral_angle,
}


def _mean(error: Tensor, mask: Tensor) -> Tensor:
    return (error * mask).sum() / mask.sum().clamp_min(1)
