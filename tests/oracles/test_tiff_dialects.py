"""TIFF as microscopes, Fiji and OME write it: pages, times, pixel sizes and their traps."""

import struct
import zlib

import numpy as np
import pytest
import tifffile

from lamella.errors import ImageError
from lamella.inputs.images import open_images
from lamella.inputs.images.formats import inspect
from lamella.inputs.images.ome import read_ome
from lamella.inputs.images.tiff_lzw import unpack_lzw

_STACK = np.random.default_rng(5).integers(0, 4096, (4, 40, 56)).astype(np.uint16)

_TIMES = {"axes": "TYX"}


def tiff(path, pixels=_STACK, **how):
    how.setdefault("photometric", "minisblack")
    how.setdefault("metadata", None)
    tifffile.imwrite(path, pixels, **how)
    return path


def series_of(path):
    inventory = open_images(path)
    (unit,) = inventory.units
    (series,) = unit.series
    return series, [finding.rule for finding in inventory.findings]


def counts(path):
    return np.stack([frame.read() for frame in series_of(path)[0].frames])


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"compression": "lzw"},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"compression": "zstd", "tile": (16, 32)},
        {"compression": "packbits"},
        {"rowsperstrip": 7},
        {"tile": (32, 32)},
    ],
    ids=str,
)
def test_every_way_of_packing_holds_the_same_counts(tmp_path, how):
    assert np.array_equal(counts(tiff(tmp_path / "a.tif", **how)), _STACK)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"predictor": True},
        {"rowsperstrip": 1},
        {"byteorder": ">", "rowsperstrip": 7},
        {"tile": (16, 32), "predictor": True},
        {"photometric": "miniswhite"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "colour"])
def test_lzw_is_read_the_fast_way_and_holds_the_same_counts(tmp_path, monkeypatch, how, kind):
    pixels = np.dstack(_STACK[:3]).astype(np.uint8) if kind == "colour" else _STACK.astype(kind)
    if kind == "colour":
        how = {**how, "photometric": "rgb"}
    path = tiff(tmp_path / "a.tif", pixels, compression="lzw", **how)
    with tifffile.TiffFile(path) as file:
        fast = [unpack_lzw(file, page) for page in file.pages]
        slow = [page.asarray() for page in file.pages]
    assert all(np.array_equal(a, b) for a, b in zip(fast, slow, strict=True))
    read = counts(path)
    monkeypatch.setattr("lamella.inputs.images.tiff.unpack_lzw", lambda *_: None)
    assert np.array_equal(counts(path), read)


@pytest.mark.parametrize("damage", ["flipped", "blank", "cut"])
def test_a_damaged_lzw_strip_is_told_and_never_shown(tmp_path, damage):
    path = tiff(tmp_path / "a.tif", _STACK[0], compression="lzw", rowsperstrip=10)
    with tifffile.TiffFile(path) as file:
        start, size = file.pages[0].dataoffsets[1], file.pages[0].databytecounts[1]
    content = bytearray(path.read_bytes())
    middle = slice(start + size // 3, start + 2 * size // 3)
    if damage == "cut":
        del content[start + size // 2 :]
    else:
        spoilt = bytes(size) if damage == "blank" else bytes(b ^ 0xA5 for b in content[middle])
        content[middle] = spoilt[: middle.stop - middle.start]
    path.write_bytes(content)
    with pytest.raises(ImageError, match="cannot be read"):
        series_of(path)[0].frames[0].read()


_RESOLVED = {"resolution": (5000, 5000), "resolutionunit": "CENTIMETER"}


@pytest.mark.parametrize("size", ["one page", "four pages", "colour"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"byteorder": ">", **_RESOLVED},
        {"bigtiff": True, **_RESOLVED},
        {"byteorder": ">", "bigtiff": True, "rowsperstrip": 3, **_RESOLVED},
        {"compression": "zlib", "tile": (16, 32)},
        {"description": "a note of the microscope", "resolution": (96, 96)},
    ],
    ids=str,
)
@pytest.mark.parametrize("part", [1.0, 0.98, 0.5])
def test_the_short_way_and_the_full_parser_find_the_same(tmp_path, monkeypatch, how, size, part):
    pixels = {"one page": _STACK[0], "four pages": _STACK, "colour": np.dstack(_STACK[:3])}[size]
    colour = {"photometric": "rgb"} if size == "colour" else {}
    path = tiff(tmp_path / "a.tif", pixels, **how, **colour)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])

    def found():
        try:
            return inspect(path)[0]
        except ImageError:
            return "unreadable"

    short = found()
    monkeypatch.setattr("lamella.inputs.images.tiff.read_directory", lambda _: None)
    assert found() == short
    assert part < 1 or len(short.planes) == (4 if size == "four pages" else 1)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "f4", "f8"])
def test_counts_of_any_depth_keep_their_values(tmp_path, dtype):
    pixels = np.arange(200, dtype=dtype).reshape(10, 20)
    assert np.array_equal(counts(tiff(tmp_path / "a.tif", pixels))[0], pixels)


def test_packed_twelve_bits_are_unpacked(tmp_path):
    samples = [1, 4095, 2048, 7]
    bits = "".join(f"{sample:012b}" for sample in samples)
    data = int(bits, 2).to_bytes(6, "big")
    path = by_hand(tmp_path / "a.tif", (1, 4), data, bits=12)
    assert counts(path)[0].tolist() == [samples]


def test_a_palette_is_for_display_and_its_indices_are_the_counts(tmp_path):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    green = np.zeros((3, 256), np.uint16)
    green[1] = np.arange(256) * 257
    path = tiff(tmp_path / "a.tif", pixels, photometric="palette", colormap=green)
    assert np.array_equal(counts(path)[0], pixels)


def test_where_zero_is_white_more_light_is_still_more_counts(tmp_path):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = tiff(tmp_path / "a.tif", pixels, photometric="miniswhite")
    assert np.array_equal(counts(path)[0], 255 - pixels.astype(np.float32))


def test_colour_planes_and_alpha_end_as_red_green_blue(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (4, 20, 30)).astype(np.uint8)
    path = tiff(tmp_path / "a.tif", colour[:3], photometric="rgb", planarconfig="separate")
    assert np.array_equal(counts(path)[0], np.moveaxis(colour[:3], 0, -1))
    path = tiff(tmp_path / "b.tif", np.moveaxis(colour, 0, -1), photometric="rgb")
    assert np.array_equal(counts(path)[0], np.moveaxis(colour[:3], 0, -1))
    inks = tiff(tmp_path / "c.tif", np.moveaxis(colour, 0, -1), photometric="separated")
    with pytest.raises(ImageError, match="neither grey nor RGB"):
        counts(inks)


def test_a_pyramid_and_its_thumbnail_are_one_picture(tmp_path):
    path = tmp_path / "a.tif"
    full = np.random.default_rng(0).integers(0, 99, (64, 96)).astype(np.uint16)
    with tifffile.TiffWriter(path) as writer:
        writer.write(full, metadata=None)
        writer.write(full[::2, ::2], metadata=None)
        writer.write(full[::4, ::4], metadata=None, subfiletype=1)
    assert np.array_equal(counts(path), [full])


class TestCalibration:
    @pytest.mark.parametrize(
        ("how", "pixel_um"),
        [
            ({"resolution": (1e4 / 1.24, 1e4 / 1.24), "resolutionunit": "CENTIMETER"}, 1.24),
            ({"resolution": (25400 / 0.65, 25400 / 0.65), "resolutionunit": "INCH"}, 0.65),
            ({"resolution": (96, 96), "resolutionunit": "INCH"}, None),
            ({"resolution": (2, 2), "resolutionunit": "NONE"}, None),
            ({}, None),
        ],
    )
    def test_the_resolution_tags_state_the_pixel_unless_they_are_for_print(
        self, tmp_path, how, pixel_um
    ):
        found = inspect(tiff(tmp_path / "a.tif", **how))[0].pixel_um
        assert found == (None if pixel_um is None else pytest.approx(pixel_um, rel=1e-6))

    @pytest.mark.parametrize(
        ("unit", "per_unit", "pixel_um"),
        [("um", 2, 0.5), ("micron", 4, 0.25), ("\\u00B5m", 2, 0.5), ("mm", 2000, 0.5)],
    )
    def test_imagej_states_pixel_and_interval(self, tmp_path, unit, per_unit, pixel_um):
        path = tmp_path / "a.tif"
        tifffile.imwrite(
            path,
            _STACK,
            imagej=True,
            resolution=(per_unit, per_unit),
            metadata={"axes": "TYX", "unit": unit, "finterval": 1800},
        )
        series, rules = series_of(path)
        assert rules == []
        assert series.pixel_um == pytest.approx(pixel_um)
        assert [frame.time_h for frame in series.frames] == [0.0, 0.5, 1.0, 1.5]

    def test_imagej_without_a_unit_states_nothing(self, tmp_path):
        tifffile.imwrite(
            tmp_path / "a.tif", _STACK, imagej=True, resolution=(2, 2), metadata=_TIMES
        )
        assert series_of(tmp_path / "a.tif")[0].pixel_um is None

    def test_metaxpress_states_the_pixel_in_its_description(self, tmp_path):
        text = (
            '<MetaData><prop id="spatial-calibration-state" type="bool" value="on"/>'
            '<prop id="spatial-calibration-x" type="float" value="0.3222"/>'
            '<prop id="spatial-calibration-units" type="string" value="um"/></MetaData>'
        )
        path = tiff(tmp_path / "a.tif", _STACK[0], description=text)
        assert inspect(path)[0].pixel_um == 0.3222


class TestImagej:
    def test_a_folder_imported_as_slices_is_a_time_series(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", _STACK, imagej=True, metadata={"axes": "ZYX"})
        assert len(series_of(tmp_path / "a.tif")[0].frames) == 4

    def test_channels_are_told_apart(self, tmp_path):
        stack = _STACK.reshape(2, 2, 40, 56)
        tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TCYX"})
        planes = inspect(tmp_path / "a.tif")[0].planes
        assert [(plane.time_index, plane.channel) for plane in planes] == [
            (0, "1"),
            (0, "2"),
            (1, "1"),
            (1, "2"),
        ]
        inventory = open_images(tmp_path / "a.tif")
        assert "several-channels" in [finding.rule for finding in inventory.findings]

    def test_a_stack_with_one_page_for_all_pictures_is_read_whole(self, tmp_path):
        # As ImageJ writes stacks above 4 GiB: one page, the other pictures behind its pixels.
        tifffile.imwrite(tmp_path / "a.tif", _STACK, imagej=True, truncate=True, metadata=_TIMES)
        with tifffile.TiffFile(tmp_path / "a.tif") as tif:
            assert len(tif.pages) == 1
        assert np.array_equal(counts(tmp_path / "a.tif"), _STACK)


class TestOme:
    def ome(self, path, pixels=_STACK, **said):
        tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=said)
        return path

    @pytest.mark.parametrize(
        ("size", "unit", "pixel_um"),
        [(0.65, "µm", 0.65), (650, "nm", 0.65), (0.00065, "mm", 0.65), (1, "pixel", None)],
    )
    def test_the_size_of_a_pixel_has_a_unit(self, tmp_path, size, unit, pixel_um):
        path = self.ome(
            tmp_path / "a.ome.tif", axes="TYX", PhysicalSizeX=size, PhysicalSizeXUnit=unit
        )
        found = series_of(path)[0].pixel_um
        assert found == (None if pixel_um is None else pytest.approx(pixel_um))

    def test_the_times_of_planes_beat_the_regular_interval(self, tmp_path):
        path = self.ome(
            tmp_path / "a.ome.tif",
            axes="TYX",
            TimeIncrement=1,
            TimeIncrementUnit="h",
            Plane={"DeltaT": [0, 3600, 7300, 10800], "DeltaTUnit": ["s"] * 4},
        )
        times = [frame.time_h for frame in series_of(path)[0].frames]
        assert times == pytest.approx([0, 1, 7300 / 3600, 3])

    def test_pages_follow_the_order_of_dimensions(self, tmp_path):
        stack = _STACK.reshape(2, 2, 40, 56)
        path = self.ome(
            tmp_path / "a.ome.tif", stack, axes="CTYX", Channel={"Name": ["Phase", "GFP"]}
        )
        series, rules = series_of(path)
        assert sorted(rules) == ["pixel-size-missing", "several-channels", "times-missing"]
        assert np.array_equal([frame.read() for frame in series.frames], stack[0])

    @pytest.mark.parametrize("axes", ["TCZYX", "ZTCYX", "CZTYX"])
    def test_pages_are_told_apart_in_any_order(self, tmp_path, axes):
        sizes = {"T": 2, "C": 3, "Z": 4}
        stack = np.zeros((*(sizes[axis] for axis in axes[:3]), 8, 9), np.uint16)
        names = {"Name": ["a", "b", "c"]}
        planes = inspect(self.ome(tmp_path / "a.ome.tif", stack, axes=axes, Channel=names))[
            0
        ].planes
        # tifffile writes the pages in the order of the array, the last axis fastest.
        expected = [dict(zip(axes, places, strict=False)) for places in np.ndindex(stack.shape[:3])]
        assert [(p.time_index, p.channel, p.z) for p in planes] == [
            (place["T"], "abc"[place["C"]], str(place["Z"])) for place in expected
        ]

    def test_a_file_of_a_set_takes_its_own_planes_only(self):
        # 2 channels x 3 times, channel fastest: the fourth and fifth plane lie in this file.
        xml = """<OME><Image><Pixels DimensionOrder="XYCZT" SizeC="2" SizeZ="1" SizeT="3">
            <TiffData IFD="0" PlaneCount="3"><UUID FileName="first.tif">a</UUID></TiffData>
            <TiffData IFD="0" FirstC="1" FirstT="1" PlaneCount="2">
            <UUID FileName="second.tif">b</UUID></TiffData></Pixels></Image></OME>"""
        pages = read_ome(xml, file_name="second.tif").pages
        assert {page: (place.channel, place.t) for page, place in pages.items()} == {
            0: (1, 1),
            1: (0, 2),
        }
        assert read_ome(xml, file_name="third.tif") is None

    def test_pixels_that_are_not_square_are_told(self, tmp_path):
        path = self.ome(tmp_path / "a.ome.tif", axes="TYX", PhysicalSizeX=1, PhysicalSizeY=2)
        assert "pixels-not-square" in series_of(path)[1]

    def test_positions_of_one_file_are_fields(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as writer:
            for _ in range(2):
                writer.write(_STACK, photometric="minisblack", metadata={"axes": "TYX"})
        inventory = open_images(tmp_path / "a.ome.tif")
        fields = [unit.series[0].field for unit in inventory.units]
        assert fields == ["a-1", "a-2"]
        assert [len(unit.series[0].frames) for unit in inventory.units] == [4, 4]

    @pytest.mark.parametrize(
        "xml",
        [
            '<!DOCTYPE x [<!ENTITY a "b">]><OME>&a;</OME>',
            "<OME><Image><Pixels SizeT='4'",
            "<OME><Image><Pixels SizeC='1' SizeZ='1' SizeT='many'/></Image></OME>",
            "<OME><Image><Pixels SizeC='9' SizeZ='9' SizeT='99999999'>"
            "<TiffData/></Pixels></Image></OME>",
            "<OME><Image><Pixels SizeC='1' SizeZ='1' SizeT='2'><TiffData/></Pixels></Image></OME>",
        ],
    )
    def test_false_or_hostile_xml_leaves_the_pages_as_they_are(self, tmp_path, xml):
        path = tiff(tmp_path / "a.ome.tif", description=xml.replace("<OME>", "<OME >", 1))
        inventory = open_images(path)
        assert len(inventory.units[0].series[0].frames) == 4


def by_hand(path, shape, data, *, bits=8, compression=1):
    """A TIFF of one strip, written tag by tag."""
    tags = [
        (256, 4, 1, shape[1]),
        (257, 4, 1, shape[0]),
        (258, 3, 1, bits),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, shape[0]),
        (279, 4, 1, len(data)),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + b"\0\0\0\0")
    return path


class TestHostile:
    def test_a_tag_that_stands_twice_counts_once(self, tmp_path):
        path = by_hand(tmp_path / "a.tif", (4, 6), bytes(range(24)))
        data = bytearray(path.read_bytes())
        at = data.index(struct.pack("<HHI", 277, 3, 1))
        data[at : at + 12] = struct.pack("<HHII", 256, 4, 1, 1)  # a second width
        path.write_bytes(data)
        assert (
            open_images(path).units[0].series[0].frames[0].shape == counts(path)[0].shape == (4, 6)
        )

    def test_a_strip_that_swells_beyond_its_size_is_refused(self, tmp_path):
        squeezed = zlib.compress(bytes(2**26), 9)
        path = by_hand(tmp_path / "a.tif", (100, 100), squeezed, compression=8)
        with pytest.raises(ImageError, match=r"a\.tif cannot be read"):
            counts(path)

    def test_a_jpeg_inside_that_declares_more_than_the_page_is_refused(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.zeros((64, 64, 3), np.uint8), compression="jpeg", metadata=None)
        data = bytearray(path.read_bytes())
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
        path.write_bytes(data)
        with pytest.raises(ImageError, match="declares 65500 x 65500"):
            counts(path)

    def test_a_rare_compression_is_named(self, tmp_path):
        path = tiff(tmp_path / "a.tif", _STACK[0].astype(np.uint8), compression="png")
        with pytest.raises(ImageError, match=r"compressed by .*, which is not read"):
            counts(path)

    def test_a_huge_tile_is_refused(self, tmp_path):
        path = tiff(tmp_path / "a.tif", _STACK[0], tile=(16, 16))
        data = bytearray(path.read_bytes())
        with tifffile.TiffFile(path) as tif:
            for name in ("TileWidth", "TileLength"):
                at = tif.pages[0].tags[name].offset
                data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, 2**20)
        path.write_bytes(data)
        with pytest.raises(ImageError, match="the limit is 2 GiB"):
            inspect(path)
