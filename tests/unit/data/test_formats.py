"""Files of instruments: each format against numbers that were put into it, and what garbage comes to."""

import os
import signal
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from spc_io import SPC
from spc_io.high_level.even_axis import EvenAxis

from etalon.data.formats import asd, isolated, jcamp_dx, matlab, opus, spc, two_columns
from etalon.data.formats.recognise import format_of
from etalon.errors import BadInputError

AXIS = np.linspace(1100.0, 2500.0, 71)
SPECTRA = np.array([2 + np.sin(AXIS / 200), 1 + np.cos(AXIS / 150)])
READERS = {"jcamp_dx": jcamp_dx, "spc": spc, "opus": opus, "asd": asd, "matlab": matlab, "two_columns": two_columns}


def write_jcamp(path: Path, spectrum=SPECTRA[0], axis=AXIS, xunits="NANOMETERS", yunits="ABSORBANCE") -> Path:
    lines = [
        f"{axis[i]:.4f} " + " ".join(f"{round(value * 1e6)}" for value in spectrum[i : i + 10])
        for i in range(0, len(axis), 10)
    ]
    head = ["##TITLE=a", "##JCAMP-DX=4.24", "##DATA TYPE=INFRARED SPECTRUM", f"##XUNITS={xunits}", f"##YUNITS={yunits}"]
    head += [f"##FIRSTX={axis[0]}", f"##LASTX={axis[-1]}", f"##NPOINTS={len(axis)}", "##XFACTOR=1", "##YFACTOR=1e-6"]
    path.write_text("\n".join([*head, "##XYDATA=(X++(Y..Y))", *lines, "##END="]))
    return path


def write_spc(path: Path, kinds=(3, 2)) -> Path:
    """`kinds`: codes of the axis (3 nanometres, 1 wavenumbers) and the quantity (2 absorbance), which spc-io omits."""
    file = SPC(xarray=EvenAxis(AXIS[0], AXIS[-1], len(AXIS)))
    file.add_subfile(yarray=SPECTRA[0], w=0, z=0)
    content = bytearray(file.to_spc_raw().to_bytes())
    content[28:30] = bytes(kinds)
    path.write_bytes(content)
    return path


def write_asd(path: Path, step=1.0, kind=1, reference=None) -> Path:
    header = bytearray(484)
    header[:3], header[186], header[199] = b"as7", kind, 2
    struct.pack_into("<ff", header, 191, 350.0, step)
    struct.pack_into("<h", header, 204, len(AXIS))
    white = np.ones(len(AXIS)) if reference is None else reference
    path.write_bytes(
        bytes(header)
        + SPECTRA[0].astype("<f8").tobytes()
        + bytes(18)
        + struct.pack("<H", 0)
        + white.astype("<f8").tobytes()
    )
    return path


def test_jcamp_dx(tmp_path):
    scans = jcamp_dx.read(write_jcamp(tmp_path / "a.jdx"))
    np.testing.assert_allclose(scans.axis, AXIS)
    np.testing.assert_allclose(scans.intensities, SPECTRA[:1], atol=1e-6)
    assert (scans.unit, scans.representation, scans.modality) == ("nm", "absorbance", None)


def test_jcamp_dx_in_wavenumbers_and_micrometres(tmp_path):
    falling = np.linspace(1e7 / 1100, 4000, len(AXIS))
    scans = jcamp_dx.read(write_jcamp(tmp_path / "a.jdx", axis=falling, xunits="1/CM", yunits="%T"))
    assert (scans.unit, scans.representation) == ("cm-1", "transmittance_percent")
    assert scans.axis[0] == pytest.approx(1e7 / 1100)
    microns = jcamp_dx.read(write_jcamp(tmp_path / "b.jdx", axis=AXIS / 1000, xunits="MICROMETERS"))
    np.testing.assert_allclose(microns.axis, AXIS)


def test_spc(tmp_path):
    scans = spc.read(write_spc(tmp_path / "a.spc"))
    np.testing.assert_allclose(scans.axis, AXIS)
    np.testing.assert_allclose(scans.intensities, SPECTRA[:1], rtol=1e-6)  # stored in single precision
    assert (scans.unit, scans.representation) == ("nm", "absorbance")
    assert spc.read(write_spc(tmp_path / "b.spc", kinds=(1, 0))).unit == "cm-1"
    assert spc.read(write_spc(tmp_path / "c.spc", kinds=(0, 0))).unit is None


def test_asd(tmp_path):
    scans = asd.read(write_asd(tmp_path / "a.asd", step=2.0))
    np.testing.assert_allclose(scans.axis, 350 + 2 * np.arange(len(AXIS)))
    np.testing.assert_allclose(scans.intensities, SPECTRA[:1])
    assert (scans.unit, scans.representation) == ("nm", "reflectance")
    raw = asd.read(write_asd(tmp_path / "b.asd", kind=0, reference=2 * SPECTRA[0]))
    np.testing.assert_allclose(raw.intensities, 0.5)


def test_matlab_5_and_7_3_hold_the_same(tmp_path):
    content = {"X": SPECTRA, "wl": AXIS, "protein": [12.5, np.nan], "id": np.array(["a", "b"], dtype=object)}
    scipy.io.savemat(tmp_path / "a.mat", content)
    with h5py.File(tmp_path / "b.mat", "w", userblock_size=512) as file:
        file["X"], file["wl"], file["protein"] = SPECTRA.T, AXIS[:, None], np.array([[12.5, np.nan]])
    for name in ("a.mat", "b.mat"):
        scans = matlab.read(tmp_path / name)
        np.testing.assert_allclose(scans.axis, AXIS)
        np.testing.assert_allclose(scans.intensities, SPECTRA)
        np.testing.assert_equal(scans.columns["protein"], [12.5, np.nan])
    assert matlab.read(tmp_path / "a.mat").columns["id"].tolist() == ["a", "b"]


def test_a_matlab_matrix_with_a_spectrum_a_column_is_turned_and_a_doubtful_one_refused(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"X": SPECTRA.T, "wl": AXIS})
    np.testing.assert_allclose(matlab.read(tmp_path / "a.mat").intensities, SPECTRA)
    scipy.io.savemat(tmp_path / "b.mat", {"X": SPECTRA, "wl": AXIS, "index": np.arange(len(AXIS))})
    with pytest.raises(BadInputError, match="one matrix of spectra with one axis, found X on wl, X on index"):
        matlab.read(tmp_path / "b.mat")


@pytest.mark.mirror
def test_opus_of_the_mirror(mirror):
    path = next((mirror / "soil_whrc_mir" / "SPECTRA").iterdir())
    scans = opus.read(path)
    assert format_of(path) == "opus"
    assert (scans.unit, scans.representation, scans.intensities.shape) == ("cm-1", "absorbance", (1, len(scans.axis)))


@pytest.mark.parametrize("text", ["Wavelength (nm)\tA\n{}", "{}", "# nm\n{}"])
@pytest.mark.parametrize("delimiter", ["\t", ";", ",", " "])
def test_two_columns_of_text(tmp_path, text, delimiter):
    path = tmp_path / "a.txt"
    path.write_text(text.format("\n".join(f"{a:.2f}{delimiter}{y:.6f}" for a, y in zip(AXIS, SPECTRA[0], strict=True))))
    scans = two_columns.read(path)
    np.testing.assert_allclose(scans.intensities, SPECTRA[:1], atol=1e-6)
    assert scans.unit == ("nm" if "nm" in text else None)


def test_decimal_commas_in_two_columns(tmp_path):
    (tmp_path / "a.txt").write_text(
        "\n".join(f"{a:.1f};{y:.4f}".replace(".", ",") for a, y in zip(AXIS, SPECTRA[0], strict=True))
    )
    np.testing.assert_allclose(two_columns.read(tmp_path / "a.txt").intensities, SPECTRA[:1], atol=1e-4)


@pytest.mark.parametrize("kind", READERS)
def test_garbage_is_one_line(tmp_path, kind):
    """The larger run, over ten thousand inputs a reader, is a test of its own."""
    rng = np.random.default_rng(0)
    starts = {"opus": b"\x0a\x0a\xfe\xfe", "asd": b"as7", "matlab": b"MATLAB 5.0 MAT-file", "jcamp_dx": b"##TITLE=a\n"}
    path = tmp_path / "garbage"
    for size in (0, 3, 100, 600, 5000):
        path.write_bytes(starts.get(kind, b"") + rng.bytes(size))
        with pytest.raises(BadInputError) as caught:
            READERS[kind].read(path)
        assert "\n" not in str(caught.value)
        assert caught.value.where == str(path)


@pytest.mark.parametrize("kind", ["spc", "asd", "jcamp_dx"])
def test_a_file_cut_short_is_refused(tmp_path, kind):
    path = {"spc": write_spc, "asd": write_asd, "jcamp_dx": write_jcamp}[kind](tmp_path / "whole")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInputError):
        READERS[kind].read(path)


def test_a_header_that_asks_for_all_memory_is_refused(tmp_path):
    path = write_jcamp(tmp_path / "a.jdx")
    path.write_text(path.read_text().replace(f"##NPOINTS={len(AXIS)}", "##NPOINTS=99999999999"))
    with pytest.raises(BadInputError, match="NPOINTS"):
        jcamp_dx.read(path)
    content = bytearray(write_spc(tmp_path / "a.spc").read_bytes())
    struct.pack_into("<i", content, 4, 2**30)
    (tmp_path / "a.spc").write_bytes(content)
    with pytest.raises(BadInputError, match="as many values as the file has room for"):
        spc.read(tmp_path / "a.spc")


# In a child process


def test_files_are_read_in_order(tmp_path):
    files = [(write_jcamp(tmp_path / "a.jdx"), "jcamp_dx"), (write_spc(tmp_path / "b.spc"), "spc")]
    first, second = isolated.read_files(files)
    assert (first.unit, second.unit) == ("nm", "nm")
    np.testing.assert_allclose(first.intensities, second.intensities, atol=1e-6)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "b.spc").write_bytes(b"nothing")
    files = [(write_jcamp(tmp_path / "a.jdx"), "jcamp_dx"), (tmp_path / "b.spc", "spc")]
    with pytest.raises(BadInputError, match=r"b\.spc: file: expected an SPC file"):
        list(isolated.read_files(files))


@pytest.fixture
def broken_reader(tmp_path, monkeypatch):
    """Put a reader in the place of another one, in the child process alone."""

    def put(body: str) -> list[tuple[Path, str]]:
        package = tmp_path / "path"
        package.mkdir()
        code = f"import etalon.data.formats.jcamp_dx as reader\ndef read(path):\n    {body}\nreader.read = read\n"
        (package / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]))
        return [(write_jcamp(tmp_path / "a.jdx"), "jcamp_dx")]

    return put


def test_a_reader_that_crashes_is_a_message(broken_reader):
    files = broken_reader(f"import os; os.kill(os.getpid(), {signal.SIGSEGV.value})")
    with pytest.raises(BadInputError, match=r"a\.jdx: file: expected a sound file, found .*crashed \(SIGSEGV\)"):
        list(isolated.read_files(files))


def test_a_reader_that_hangs_is_a_message(broken_reader):
    files = broken_reader("import time; time.sleep(60)")
    with pytest.raises(BadInputError, match="no end of it"):
        list(isolated.read_files(files, seconds=3))


def test_a_reader_that_asks_for_all_memory_is_a_message(broken_reader):
    with pytest.raises(BadInputError, match="more memory than there is"):
        list(isolated.read_files(broken_reader("import numpy; numpy.zeros(10**12)")))


# Which format


def test_formats_are_known_by_bytes_before_names(tmp_path):
    assert format_of(write_asd(tmp_path / "scan.000")) == "asd"
    assert format_of(write_jcamp(tmp_path / "scan.txt")) == "jcamp_dx"
    (tmp_path / "scan.0").write_bytes(b"\x0a\x0a\xfe\xfe")
    assert format_of(tmp_path / "scan.0") == "opus"
    (tmp_path / "notes.doc").write_bytes(b"hello")
    assert format_of(tmp_path / "notes.doc") is None
