"""PNG, JPEG and BMP written byte by byte: what their bytes mean is known without a program."""

import struct
import zlib

import pytest

from lamella.errors import ImageError
from lamella.inputs.images.formats import inspect
from lamella.inputs.images.pictures import read_bmp, read_png


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(path, size, rows, *, bits=8, colour=0, extra=b""):
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


def test_few_grey_levels_are_counts_and_are_not_spread(tmp_path):
    path = png(tmp_path / "a.png", (4, 1), [b"\x1b"], bits=2)
    assert read_png(path, 0).tolist() == [[0, 1, 2, 3]]
    path = png(tmp_path / "b.png", (8, 1), [b"\xa5"], bits=1)
    assert read_png(path, 0).tolist() == [[1, 0, 1, 0, 0, 1, 0, 1]]


def test_a_palette_gives_its_colours(tmp_path):
    palette = chunk(b"PLTE", bytes([0, 0, 0, 10, 20, 30]))
    path = png(tmp_path / "a.png", (2, 1), [b"\1\0"], colour=3, extra=palette)
    assert read_png(path, 0).tolist() == [[[10, 20, 30], [0, 0, 0]]]


def test_grey_with_alpha_is_grey(tmp_path):
    path = png(tmp_path / "a.png", (2, 1), [b"\7\xff\x09\x01"], colour=4)
    assert read_png(path, 0).tolist() == [[7, 9]]


@pytest.mark.parametrize(("per_metre", "pixel_um"), [(806452, 1.24), (3780, None)])
def test_the_physical_size_counts_unless_it_is_for_screens(tmp_path, per_metre, pixel_um):
    size = chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
    header, _ = inspect(png(tmp_path / "a.png", (1, 1), [b"\0"], extra=size))
    assert header.pixel_um == (None if pixel_um is None else pytest.approx(pixel_um, rel=1e-5))


def test_a_changed_byte_of_the_pixels_is_found_in_silence(tmp_path, capfd):
    path = png(tmp_path / "a.png", (64, 64), [bytes(range(64))] * 64)
    data = bytearray(path.read_bytes())
    data[-20] ^= 255  # the last bytes of the compressed pixels
    path.write_bytes(data)
    with pytest.raises(ImageError, match="a checksum differs"):
        read_png(path, 0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("height", [2, -2])
def test_a_bitmap_may_begin_at_the_top_or_at_the_bottom(tmp_path, height):
    rows = [b"\1\2\3" + b"\0", b"\4\5\6" + b"\0"]  # blue, green, red; padded to four bytes
    body = b"".join(rows if height < 0 else rows[::-1])
    info = struct.pack("<IiiHHIIiiII", 40, 1, height, 1, 24, 0, len(body), 0, 0, 0, 0)
    path = tmp_path / "a.bmp"
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + info + body)
    assert read_bmp(path, 0).tolist() == [[[3, 2, 1]], [[6, 5, 4]]]


def test_a_packed_bitmap_is_refused_with_advice(tmp_path):
    info = struct.pack("<IiiHHIIiiII", 40, 4, 1, 1, 8, 1, 0, 0, 0, 0, 0)
    path = tmp_path / "a.bmp"
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info)
    with pytest.raises(ImageError, match="Save it as PNG"):
        inspect(path)
