"""Each transform does to a spectrum what its name says, to every spectrum differently, and nothing at amplitude 0."""

import pytest
import torch

from etalon.augment.band import BandDropout, straighten
from etalon.augment.baseline import Drift, Tilt
from etalon.augment.compose import TRANSFORMS, Compose, Sometimes, named
from etalon.augment.noise import Noise
from etalon.augment.scatter import Scatter
from etalon.augment.shift import Resolution, Trend, WavelengthShift, broaden, displace
from etalon.augment.transform import physical_axis, spread
from etalon.errors import BadInputError

NIR = torch.arange(1100.0, 2500.0, 4.0, dtype=torch.float64)
UNCHANGED = {
    "drift": Drift(0.0),
    "tilt": Tilt(0.0),
    "scatter": Scatter(0.0, 0.0, 0.0),
    "noise": Noise(0.0),
    "trend": Trend(0.0, 0.0),
    "band_dropout": BandDropout(0.0),
    "shift": WavelengthShift(0.0, 0.0),
    "resolution": Resolution(0.0),
}
MIR = (1e7 / torch.arange(4000.0, 600.0, -4.0, dtype=torch.float64)).contiguous()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(axis, centre, fwhm):
    return torch.exp(-4.0 * torch.log(torch.tensor(2.0)) * ((axis - centre) / fwhm) ** 2)


def spectra(n=6, axis=NIR):
    """Broad bands on an offset."""
    random = generator(7)
    t = torch.linspace(0.0, 1.0, len(axis), dtype=torch.float64)
    centres, heights = torch.rand((n, 5, 1), generator=random), torch.rand((n, 5, 1), generator=random)
    return (0.5 + (heights * gaussian(t, centres, 0.1)).sum(dim=1)).float()


def snv(x):
    return (x - x.mean(dim=1, keepdim=True)) / x.std(dim=1, keepdim=True)


def area(y, axis=NIR):
    return torch.trapezoid(y.double(), axis)


def fwhm_of(band, axis=NIR):
    """Width of a Gaussian band, from its second moment."""
    share = band.double() / band.double().sum(dim=1, keepdim=True)
    mean = (share * axis).sum(dim=1, keepdim=True)
    return 2.3548 * (share * (axis - mean) ** 2).sum(dim=1).sqrt()


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("axis", [NIR, MIR], ids=["nm", "mir"])
class TestEveryTransform:
    def test_amplitude_zero_changes_nothing(self, name, axis):
        x = spectra(axis=axis)
        assert torch.equal(UNCHANGED[name](x, axis, generator()), x)

    def test_depends_on_the_generator_alone_and_leaves_its_input_as_it_was(self, name, axis):
        x, transform = spectra(axis=axis), TRANSFORMS[name]()
        before = x.clone()
        first = transform(x, axis, generator(3))
        assert torch.equal(x, before)
        assert torch.equal(transform(x, axis, generator(3)), first)
        assert not torch.equal(transform(x, axis, generator(4)), first)
        assert first.dtype == torch.float32
        assert first.isfinite().all()

    def test_every_spectrum_is_disturbed_differently(self, name, axis):
        x = spectra(n=1, axis=axis).repeat(6, 1)
        # A slit much narrower than the steps of the grid does nothing, so a wide one is asked for.
        transform = Resolution(60.0) if name == "resolution" else TRANSFORMS[name]()
        disturbance = transform(x, axis, generator()) - x
        distances = torch.cdist(disturbance.double(), disturbance.double())
        assert (distances + torch.eye(6) > 1e-5).all()

    def test_amplitudes_follow_the_spectrum(self, name, axis):
        x, transform = spectra(axis=axis), TRANSFORMS[name]()
        torch.testing.assert_close(transform(100.0 * x, axis, generator()), 100.0 * transform(x, axis, generator()))


def test_drift_is_a_cubic_of_at_most_the_amplitude():
    x = spectra(n=200)
    curves = (Drift(0.3)(x, NIR, generator()) - x).double()
    assert curves.diff(n=4, dim=1).abs().max() < 1e-5
    rms = curves.square().mean(dim=1).sqrt() / spread(x)[:, 0]
    assert rms.max() <= 0.3 + 1e-5
    assert 0.12 < rms.mean() < 0.18  # uniform from 0 to 0.3


def test_drift_is_smooth_in_wavenumber_for_the_mid_infrared():
    x = torch.zeros((4, len(MIR))) + torch.linspace(0.0, 1.0, len(MIR))
    curves = (Drift()(x, MIR, generator()) - x).double()  # MIR is even in wavenumber
    assert curves.diff(n=4, dim=1).abs().max() < 1e-5


def test_tilt_is_a_straight_line_through_zero_in_the_middle():
    x = spectra(n=50)
    lines = (Tilt(0.5)(x, NIR, generator()) - x).double() / spread(x)
    assert lines.diff(n=2, dim=1).abs().max() < 1e-5
    assert lines.mean(dim=1).abs().max() < 1e-5
    assert 0.4 < lines.abs().max() <= 0.5 + 1e-5


def test_snv_removes_gain_and_offset_but_not_the_power():
    x = spectra()
    assert not torch.allclose(Scatter(power=0.0)(x, NIR, generator()), x, atol=1e-2)
    torch.testing.assert_close(snv(Scatter(power=0.0)(x, NIR, generator())), snv(x), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(snv(Scatter(gain=0.0, offset=0.0)(x, NIR, generator())), snv(x), atol=1e-2)


def test_noise_is_independent_from_point_to_point_and_grows_to_the_ends():
    x = spectra(n=1).repeat(400, 1)
    noise = (Noise(0.1)(x, NIR, generator()) - x).double() / spread(x)
    neighbours = (noise[:, 1:] * noise[:, :-1]).mean() / noise.square().mean()
    assert neighbours.abs() < 0.02
    rms = noise.square().mean(dim=0).sqrt()
    middle, ends = rms[150:200].mean(), 0.5 * (rms[:25].mean() + rms[-25:].mean())
    assert 0.04 < middle < 0.12  # root mean square of a uniform SD up to 0.1: 0.058, and some growth
    assert ends > 1.5 * middle


def test_a_dropped_band_is_straight_inside_and_unchanged_outside():
    x = spectra(n=3)
    start = torch.tensor([[1500.0], [1101.0], [2390.0]], dtype=torch.float64)
    patched = straighten(x, NIR, start, start + 105.0)
    for row in range(3):
        outside = ((NIR - start[row] - 52.5).abs() >= 52.5).nonzero()[:, 0]
        assert torch.equal(patched[row, outside], x[row, outside])
        edge = int(torch.searchsorted(NIR, start[row], right=True)) - 1
        window = patched[row, edge : edge + 27].double()
        assert window.diff(n=2).abs().max() < 1e-6
        assert not torch.equal(patched[row], x[row])


def test_dropped_windows_are_within_their_width_and_reach_everywhere():
    x = torch.randn((500, len(NIR)), generator=generator(1))
    changed = BandDropout(0.1)(x, NIR, generator()) != x
    assert changed.sum(dim=1).max() <= 0.1 * len(NIR) + 1
    assert changed[:, 1:-1].any(dim=0).all()
    assert not changed[:, [0, -1]].any()


def test_shift_moves_a_peak_by_the_amount():
    band = gaussian(NIR, 1800.0, 80.0).float().repeat(3, 1)
    amount = torch.tensor([[-6.0], [0.0], [10.5]], dtype=torch.float64)
    moved = displace(band, NIR, amount)
    centre = (moved.double() * NIR).sum(dim=1) / moved.double().sum(dim=1)
    torch.testing.assert_close(centre, 1800.0 + amount[:, 0], atol=0.01, rtol=0)


def test_stretch_moves_the_ends_apart_and_leaves_the_middle():
    line = NIR.float().repeat(100, 1)
    moved = (line - WavelengthShift(shift=0.0, stretch=3.0)(line, NIR, generator()))[:, 1:-1]  # ends are held
    assert moved[:, len(NIR) // 2 - 1].abs().max() < 0.01
    inner = moved[:, 10:-10]
    assert (inner[:, 0] * inner[:, -1] < 0.0).float().mean() > 0.9
    assert 2.0 < inner.abs().max() <= 3.0


def test_shift_of_the_mid_infrared_counts_in_wavenumbers():
    wavenumber = 1e7 / MIR
    line = wavenumber.float().repeat(50, 1)
    moved = (WavelengthShift(shift=2.0, stretch=0.0)(line, MIR, generator()) - line)[:, 1:-1]
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=2e-3, rtol=0)
    assert 1.5 < moved.abs().max() <= 2.0 + 1e-3


@pytest.mark.parametrize("step", [2.0, 4.0])
def test_resolution_broadens_a_band_by_the_slit_and_keeps_its_area(step):
    axis = torch.arange(1100.0, 2500.0, step, dtype=torch.float64)
    band = gaussian(axis, 1800.0, 30.0).float().repeat(3, 1)
    slit = torch.tensor([[0.0], [20.0], [40.0]], dtype=torch.float64)
    broad = broaden(band, axis, slit, largest=40.0)
    torch.testing.assert_close(area(broad, axis), area(band, axis), rtol=1e-4, atol=0)
    torch.testing.assert_close(fwhm_of(broad, axis), (30.0**2 + slit[:, 0] ** 2).sqrt(), rtol=5e-3, atol=0)


def test_resolution_keeps_a_constant_on_an_uneven_grid():
    axis = physical_axis(MIR[::7].square().sqrt().cumsum(0))  # steps that grow
    flat = torch.full((4, len(axis)), 3.0)
    torch.testing.assert_close(Resolution(30.0)(flat, axis, generator()), flat)


def test_trend_smooths_and_adds_something_slow():
    x = spectra(n=40) + 0.05 * torch.randn((40, len(NIR)), generator=generator(2))
    smoothed = Trend(amplitude=0.0)(x, NIR, generator())
    assert smoothed.diff(dim=1).square().mean() < 0.8 * x.diff(dim=1).square().mean()
    wave = (Trend(smoothing=0.0)(x, NIR, generator()) - x) / spread(x)
    assert 0.15 < wave.abs().max() <= 0.2 + 1e-5
    assert wave.diff(dim=1).abs().max() < 0.01


def test_compose_applies_in_the_order_given():
    def double(x, axis, generator):
        return 2.0 * x

    def add_one(x, axis, generator):
        return x + 1.0

    x = torch.ones((1, len(NIR)))
    assert Compose([double, add_one])(x, NIR, generator())[0, 0] == 3.0
    assert Compose([add_one, double])(x, NIR, generator())[0, 0] == 4.0
    assert Compose([])(x, NIR, generator()) is x


def test_sometimes_meets_the_share_of_the_spectra():
    x = spectra(n=1).repeat(1000, 1)
    met = (Sometimes(Tilt(), p=0.3)(x, NIR, generator()) != x).any(dim=1)
    assert 0.25 < met.float().mean() < 0.35  # SD 0.0145


def test_names_give_their_transforms_in_order():
    chain = named(["tilt", "noise"])
    assert [sometimes.transform for sometimes in chain.transforms] == [Tilt(), Noise()]
    x = spectra()
    assert not torch.equal(named(TRANSFORMS)(x, NIR, generator()), x)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(BadInputError, match=r"drift, tilt, .*resolution, found 'jitter'"):
        named(["drift", "jitter"])
