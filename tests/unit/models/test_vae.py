"""The autoencoder's start against principal components, and what a frozen decoder promises."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from etalon.errors import BadInputError
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(60, 5)) @ rng.normal(size=(5, 24)) + 0.05 * rng.normal(size=(60, 24))).astype(np.float32)


def test_without_noise_a_linear_start_is_principal_components(spectra):
    model = VAE(24, latents=5, width=8, layers=1)
    model.start_linear(torch.as_tensor(spectra), noise_sd=1e-6)
    pca = PCA(5, svd_solver="full").fit(spectra)
    expected = pca.inverse_transform(pca.transform(spectra))
    np.testing.assert_allclose(model(torch.as_tensor(spectra)).detach().numpy(), expected, atol=2e-4)
    latents = model.encode(torch.as_tensor(spectra))[0].detach().numpy()
    np.testing.assert_allclose(np.cov(latents, rowvar=False), np.eye(5), atol=1e-3)


def test_with_noise_a_linear_start_is_the_posterior_of_probabilistic_components(spectra):
    noise = 0.5
    model = VAE(24, latents=3, width=8, layers=2)
    model.start_linear(torch.as_tensor(spectra), noise)
    mean, logvar = (part.detach().numpy() for part in model.encode(torch.as_tensor(spectra)))
    W = model.decoder.linear.weight.detach().numpy().astype(float)
    # Tipping and Bishop 1999: M = W'W + s2 I; mean M^-1 W'(x - centre), covariance s2 M^-1.
    M = W.T @ W + noise**2 * np.eye(3)
    expected = (spectra - spectra.mean(axis=0)) @ W @ np.linalg.inv(M)
    np.testing.assert_allclose(mean, expected, atol=1e-4)
    np.testing.assert_allclose(np.exp(logvar[0]), noise**2 * np.diag(np.linalg.inv(M)), rtol=1e-4)


def test_a_latent_of_zeros_is_the_mean_spectrum_at_the_start(spectra):
    model = VAE(24, latents=4, width=8, layers=1)
    model.start_linear(torch.as_tensor(spectra), 0.1)
    np.testing.assert_allclose(model.decode(torch.zeros(1, 4)).detach().numpy()[0], spectra.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("unfrozen", [False, True])
def test_only_an_unfrozen_decoder_gets_gradients(unfrozen):
    vae = VAE(12, latents=3, width=8, layers=1)
    model = NIRToMIR(7, vae, width=8, unfrozen=unfrozen)
    model(torch.randn(5, 7)).square().mean().backward()
    got = [parameter.grad is not None for parameter in model.mir.decoder.parameters()]
    assert all(got) if unfrozen else not any(got)
    assert not any(parameter.requires_grad for parameter in model.mir.encoder.parameters())
    assert all(parameter.requires_grad for parameter in vae.parameters()), "the autoencoder itself is left alone"


def test_wrong_sizes_are_named():
    with pytest.raises(BadInputError, match="latents: expected 1 to 4"):
        VAE(4, latents=5)
    with pytest.raises(BadInputError, match="expected 4 channels, found 6"):
        VAE(4, latents=2).encode(torch.zeros(1, 6))
    with pytest.raises(BadInputError, match="more than 3 scans"):
        VAE(4, latents=3).start_linear(torch.zeros(3, 4), 0.1)
