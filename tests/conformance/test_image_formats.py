"""Every image format, through the same class: counts as stored, and nothing trusted."""

import io
import pickle
import struct
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from lamella.errors import ImageError
from lamella.inputs.images import FORMATS, open_images
from lamella.inputs.images.formats import inspect
from lamella.inputs.images.header import MAX_PLANE_BYTES

_RNG = np.random.default_rng(3)
_SHAPE = (48, 64)


def noise(dtype, top, channels=()):
    return _RNG.integers(0, top, (*_SHAPE, *channels)).astype(dtype)


_KINDS = {
    "8 bit": noise(np.uint8, 256),
    "12 bit in 16": noise(np.uint16, 4096),
    "16 bit": noise(np.uint16, 65536),
    "float": _RNG.normal(100, 30, _SHAPE).astype(np.float32),
    "RGB": noise(np.uint8, 256, (3,)),
    "RGB 16 bit": noise(np.uint16, 65536, (3,)),
    "RGBA": noise(np.uint8, 256, (4,)),
}
_CAN = {
    "TIFF": tuple(_KINDS),
    "PNG": tuple(kind for kind in _KINDS if kind != "float"),
    "JPEG": ("8 bit", "RGB"),
    "BMP": ("8 bit", "RGB", "RGBA"),
}


def write(path: Path, pixels: np.ndarray) -> Path:
    """The picture by another program: tifffile or OpenCV (which wants blue first)."""
    if path.suffix == ".tif":
        colour = {"photometric": "rgb"} if pixels.ndim == 3 else {}
        tifffile.imwrite(path, pixels, metadata=None, **colour)
    else:
        order = {2: ..., 3: (..., [2, 1, 0, 3][: pixels.shape[-1]])}[pixels.ndim]
        path.write_bytes(cv2.imencode(path.suffix, np.ascontiguousarray(pixels[order]))[1])
    return path


def written(folder: Path, image_format, kind: str = "8 bit") -> Path:
    return write(folder / f"picture{image_format.suffixes[0]}", _KINDS[kind])


def counts_of(path: Path) -> np.ndarray:
    return open_images(path).units[0].series[0].frames[0].read()


def names(image_format):
    return image_format.name


def bomb(image_format, path: Path, side: int) -> Path:
    """The file of a small picture, its header changed to declare `side` x `side` pixels."""
    data = bytearray(path.read_bytes())
    if image_format.name == "TIFF":
        with tifffile.TiffFile(path) as tif:
            for name in ("ImageWidth", "ImageLength"):
                tag = tif.pages[0].tags[name]
                data[tag.offset + 2 : tag.offset + 12] = struct.pack("<HII", 4, 1, side)
    elif image_format.name == "PNG":
        data[16:24] = struct.pack(">II", side, side)
    elif image_format.name == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    else:
        data[18:26] = struct.pack("<ii", side, side)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("image_format", FORMATS, ids=names)
class TestEveryFormat:
    def test_counts_come_back_as_the_camera_stored_them(self, tmp_path, image_format):
        for kind in _CAN[image_format.name]:
            path = written(tmp_path, image_format, kind)
            expected = _KINDS[kind]
            if image_format.name == "JPEG":  # lossy: another decoder gives the answer
                expected = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), -1)
                expected = expected if expected.ndim == 2 else expected[..., ::-1]
            counts = counts_of(path)
            assert counts.dtype == np.float32, kind
            assert np.array_equal(counts, expected[..., :3] if expected.ndim == 3 else expected)

    def test_the_header_is_read_without_the_pixels(self, tmp_path, image_format):
        pixels = _RNG.integers(0, 256, (700, 900)).astype(np.uint8)
        path = write(tmp_path / f"big{image_format.suffixes[0]}", pixels)
        read = 0

        class Counted(io.FileIO):
            def readinto(self, buffer):
                nonlocal read
                got = super().readinto(buffer)
                read += got
                return got

            def read(self, size=-1):
                nonlocal read
                data = super().read(size)
                read += len(data)
                return data

        with Counted(path) as file:
            header = image_format.inspect(file, path)
        assert header.planes[0].shape == (700, 900)
        assert read < 10_000 < path.stat().st_size / 20

    def test_a_declared_bomb_is_refused_before_it_is_decoded(self, tmp_path, image_format):
        path = bomb(image_format, written(tmp_path, image_format), 40_960)
        tracemalloc.start()
        with pytest.raises(ImageError, match=r"declares 40960 x 40960 pixels, 6\.2 GiB"):
            inspect(path)
        with pytest.raises(ImageError, match="the limit is 2 GiB"):
            image_format.read(path, 0)
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()

    def test_a_file_cut_short_is_told_when_opened_and_refused_when_read(
        self, tmp_path, image_format, capfd
    ):
        path = written(tmp_path, image_format)
        whole = path.read_bytes()
        for part in (0.95, 0.6):
            path.write_bytes(whole[: int(len(whole) * part)])
            inventory = open_images(path)
            rules = {finding.rule for finding in inventory.findings}
            assert rules & {"image-truncated", "image-unreadable"}
            with pytest.raises(ImageError, match=rf"{path.name} cannot be read"):
                inventory.units[0].series[0].frames[0].read()
        assert capfd.readouterr() == ("", "")

    def test_garbage_behind_a_good_beginning_is_refused_in_silence(
        self, tmp_path, image_format, capfd
    ):
        path = written(tmp_path, image_format)
        path.write_bytes(path.read_bytes()[:8] + _RNG.bytes(5000))
        with pytest.raises(ImageError, match=path.name):
            image_format.read(path, 0)
        assert capfd.readouterr() == ("", "")

    @given(data=st.data())
    def test_any_damaged_byte_gives_a_picture_or_one_clear_error(
        self, tmp_path_factory, image_format, data
    ):
        path = written(tmp_path_factory.mktemp("fuzz"), image_format)
        content = bytearray(path.read_bytes())
        # Damage to the pixels is dull; half of the time aim at the header.
        last = data.draw(st.sampled_from([min(400, len(content)), len(content)])) - 1
        for at in data.draw(st.lists(st.integers(0, last), min_size=1, max_size=6)):
            content[at] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        try:
            header, found = inspect(path)
            counts = found.read(path, header.planes[0].index)
        except ImageError as error:
            assert path.name in str(error)
        else:
            assert counts.shape[:2] == header.planes[0].shape
            assert counts.nbytes <= MAX_PLANE_BYTES

    def test_an_empty_a_missing_and_a_strange_file_say_what_they_are(self, tmp_path, image_format):
        path = tmp_path / f"a{image_format.suffixes[0]}"
        path.write_bytes(b"")
        with pytest.raises(ImageError, match="is empty"):
            inspect(path)
        path.write_bytes(b"a table, not an image")
        with pytest.raises(ImageError, match="no image of a known format"):
            inspect(path)
        path.unlink()
        with pytest.raises(ImageError, match="No such file"):
            inspect(path)
        with pytest.raises(ImageError, match="cannot be read"):
            image_format.read(path, 0)

    def test_a_plane_that_does_not_exist_is_refused(self, tmp_path, image_format):
        with pytest.raises(ImageError, match="plane 7 does not exist"):
            image_format.read(written(tmp_path, image_format), 7)

    def test_a_frame_can_be_sent_to_another_process(self, tmp_path, image_format):
        frame = open_images(written(tmp_path, image_format)).units[0].series[0].frames[0]
        assert np.array_equal(pickle.loads(pickle.dumps(frame)).read(), frame.read())  # noqa: S301

    def test_the_content_decides_and_not_the_name(self, tmp_path, image_format):
        path = written(tmp_path, image_format)
        renamed = path.rename(tmp_path / "Größe µ 細胞.tif")
        assert inspect(renamed)[1] is image_format
        assert counts_of(renamed).shape == _SHAPE


def test_the_list_names_each_ending_once():
    suffixes = [suffix for image_format in FORMATS for suffix in image_format.suffixes]
    assert len(suffixes) == len(set(suffixes))
