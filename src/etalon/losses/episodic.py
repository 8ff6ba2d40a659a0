"""Episodes of calibration: targets made for measured spectra, ridge solved on some rows and scored on the others."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from etalon.models.function_space import BASES, physical_axis

N_TARGETS = 2
MAX_CONCENTRATIONS = 4
MAX_BANDS = 3
BAND_WIDTHS_NM = (15.0, 60.0)  # SD of a Gaussian; on a basis in cm-1 the same number of its functions
BAND_AMPLITUDES = (0.03, 1.0)  # of the SD within the set
NON_LINEAR_SHARE = 0.3
START_LOG_ALPHA = -6.2
LEVELS = (-1.5, 1.5)  # added to log alpha
LOSS_FLOOR = 0.002  # a share of unexplained variance that no target is pushed beyond


def episodic_ridge(blocks: Sequence[Tensor], targets: Tensor, n_support: int, log_alpha: Tensor) -> Tensor:
    r"""Return the loss of an episode: ridge regression on its first rows, scored on the others.

    .. math:: \frac{1}{2T} \sum_{a} \sum_t \log\left(
        \frac{\mathrm{mean}_{query} (\hat y_t - y_t)^2}{\mathrm{var}(y_t)} + 0.002 \right), \quad
        \hat y = K_{qs} (K_{ss} + a I)^{-1} y_s

    at the two ridge levels :math:`a = e^{\log \alpha \pm 1.5}`. K is the mean over blocks of linear kernels, all
    centred by the support and scaled to a mean diagonal of 1 there; the targets are centred by the support. The
    gradient flows through the solution (Bertinetto et al. 2019, Meta-learning with differentiable closed-form solvers,
    arXiv:1805.08136).

    Parameters
    ----------
    blocks : each of shape (n, d_b)
    targets : shape (n, T), none of them constant
    n_support : rows that ridge is solved on
    log_alpha : shape (), logarithm of the ridge relative to the mean diagonal of the kernel
    """
    # Double precision: solving costs next to nothing, and autocast leaves it alone.
    K = torch.stack([_kernel(block.double(), n_support) for block in blocks]).mean(dim=0)  # (n, n_support)
    y = targets.double()
    centre = y[:n_support].mean(dim=0)
    levels = log_alpha.double().exp() * K.new_tensor(LEVELS).exp()
    systems = K[:n_support] + levels[:, None, None] * torch.eye(n_support, dtype=K.dtype, device=K.device)
    dual = torch.cholesky_solve((y[:n_support] - centre).expand(len(LEVELS), -1, -1), torch.linalg.cholesky(systems))
    predicted = K[n_support:] @ dual + centre  # (levels, n_query, T)
    error = (predicted - y[n_support:]).square().mean(dim=1)
    return (error / y.var(dim=0, correction=0) + LOSS_FLOOR).log().mean().float()


def _kernel(block: Tensor, n_support: int) -> Tensor:
    """Return the linear kernel of all rows with the support, shape (n, n_support)."""
    centred = block - block[:n_support].mean(dim=0)
    size = centred[:n_support].square().sum(dim=1).mean()
    return centred @ centred[:n_support].T / size.clamp_min(1e-20)


def make_targets(
    intensities: Tensor,
    wavelengths: Tensor,
    modality: str,
    axis_unit: str,
    generator: torch.Generator,
    concentrations: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return spectra, shape (n, L), and targets for them, shape (n, T).

    Real spectra get two analytes of 1 to 3 Gaussian bands each, added in random positive concentrations, which are the
    targets; `NON_LINEAR_SHARE` of these as a power of the concentration. Spectra with known concentrations stay as
    they are, and up to four components are drawn.

    Parameters
    ----------
    intensities, wavelengths, modality, axis_unit : spectra of one set, see `etalon.models.encoder.GridBatch`
    generator : on the device of the spectra or on the CPU
    concentrations : shape (n, n_components)
    """
    if concentrations is not None:
        varying = (concentrations.std(dim=0) > 1e-6).nonzero().flatten()
        drawn = torch.randperm(len(varying), generator=generator, device=generator.device)[:MAX_CONCENTRATIONS]
        if len(drawn):
            return intensities, concentrations[:, varying[drawn.to(varying.device)]].to(intensities)
    device, n = intensities.device, len(intensities)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=generator.device).to(device)

    bands = _analytes(wavelengths.to(device), modality, axis_unit, uniform).to(intensities)
    # SD 1, so that an amplitude is the SD of what is added at the top of the bands.
    amounts = math.sqrt(12.0) * uniform(n, N_TARGETS)
    low, high = (math.log(amplitude) for amplitude in BAND_AMPLITUDES)
    amplitudes = (low + (high - low) * uniform(N_TARGETS)).exp() * _within_sd(intensities)
    powers = torch.where(uniform(N_TARGETS) < NON_LINEAR_SHARE, 3.0 ** (2.0 * uniform(N_TARGETS) - 1.0), 1.0)
    return intensities + (amounts * amplitudes) @ bands, amounts**powers


def _analytes(wavelengths: Tensor, modality: str, axis_unit: str, uniform: Callable[..., Tensor]) -> Tensor:
    """Return the spectra of two random analytes, shape (2, L), largest value about 1."""
    axis = torch.as_tensor(physical_axis(wavelengths.numpy(force=True), modality, axis_unit)).to(wavelengths)
    narrow, wide = (width * BASES[modality].spacing / BASES["nir"].spacing for width in BAND_WIDTHS_NM)
    shape = (N_TARGETS, MAX_BANDS, 1)
    centres = axis.min() + (axis.max() - axis.min()) * uniform(*shape)
    widths = narrow + (wide - narrow) * uniform(*shape)
    number = 1.0 + (MAX_BANDS * uniform(N_TARGETS, 1, 1)).floor()
    present = torch.arange(MAX_BANDS, device=number.device)[:, None] < number
    heights = (0.3 + 0.7 * uniform(*shape)) * present
    bands = (heights * torch.exp(-0.5 * ((axis - centres) / widths) ** 2)).sum(dim=1)
    return bands / bands.amax(dim=1, keepdim=True)


def _within_sd(intensities: Tensor) -> Tensor:
    """Return the SD of spectra about their mean, pooled over channels; for equal ones a thousandth of their own SD."""
    within = (intensities - intensities.mean(dim=0)).square().mean().sqrt()
    return torch.maximum(within, 1e-3 * intensities.std(dim=1).mean())


def drop_blocks(n_blocks: int, generator: torch.Generator) -> list[bool]:
    """Return which blocks an episode keeps: the first, which is learned, always, so that it also works alone.

    All of them in 60 % of episodes, the first alone in 20 %, the first and some of the others in 20 %.
    """
    draw = torch.rand((), generator=generator, device=generator.device).item()
    if draw < 0.6 or n_blocks == 1:
        return [True] * n_blocks
    if draw < 0.8:
        return [True] + [False] * (n_blocks - 1)
    some = (torch.rand(n_blocks - 1, generator=generator, device=generator.device) < 0.5).tolist()
    some[int(torch.randint(n_blocks - 1, (), generator=generator, device=generator.device))] = True
    return [True, *some]
