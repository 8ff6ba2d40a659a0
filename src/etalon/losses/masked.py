"""Reconstruction of points the encoder did not see."""

from torch import Tensor


def masked_error(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    r"""Return the mean squared error of each spectrum over its masked points, shape (B,).

    .. math:: L_b = \sum_i w_{bi} (\hat{x}_{bi} - x_{bi})^2 \,/\, \sum_i w_{bi}

    He et al. 2022, Masked Autoencoders Are Scalable Vision Learners (arXiv:2111.06377), with points of the axis for
    image patches. Points are not normalised in groups: the depth of a band carries concentration.

    Parameters
    ----------
    prediction, target : shape (B, Q), normalised intensities at masked points and no others
    weight : shape (B, Q) or (Q,), not negative, for example the inverse variance of a wavelength; None for all alike
    """
    error = (prediction - target).square()
    if weight is None:
        return error.mean(dim=1)
    weight = weight.expand_as(error)
    return (weight * error).sum(dim=1) / weight.sum(dim=1)
