"""A folder of images as people leave it: every well, field and frame found, every flaw told."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from lamella.errors import ImageError, SettingsError
from lamella.inputs.images import Acquisition, content_hash, open_images, take_inventory

_PIXELS = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16)


def image(path: Path, *, shape=(12, 16), pixel_um=None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.resize(_PIXELS, shape)
    if path.suffix.lower() in (".tif", ".tiff"):
        extra = {"resolution": (1e4 / pixel_um,) * 2, "resolutionunit": 3} if pixel_um else {}
        tifffile.imwrite(path, pixels, metadata=None, **extra)
    else:
        path.write_bytes(cv2.imencode(path.suffix, pixels.astype(np.uint8))[1].tobytes())
    return path


def plate(root: Path, wells=("B02", "B03"), times=("0h", "2h", "4h"), **extra) -> Path:
    for well in wells:
        for time in times:
            image(root / "images" / "P1" / f"{well}_1_{time}.tif", **extra)
    return root


_STATED = Acquisition(pattern="images/{plate}/{well}_{field}_{time}.tif", pixel_um=1.24)


def rules(inventory):
    return [finding.rule for finding in inventory.findings]


def by_rule(inventory, rule):
    (finding,) = [finding for finding in inventory.findings if finding.rule == rule]
    return finding


class TestSound:
    def test_a_plate_is_wells_of_series_of_frames_in_time_order(self, tmp_path):
        plate(tmp_path, times=("0h", "10h", "2h"))
        inventory = take_inventory(tmp_path, _STATED)
        assert inventory.findings == ()
        assert [(unit.plate, unit.well) for unit in inventory.units] == [
            ("P1", "B02"),
            ("P1", "B03"),
        ]
        (series,) = inventory.units[0].series
        assert (series.field, series.pixel_um) == ("1", 1.24)
        assert [frame.time_h for frame in series.frames] == [0.0, 2.0, 10.0]
        assert [frame.index for frame in series.frames] == [0, 1, 2]
        assert np.array_equal(series.frames[0].read(), _PIXELS.astype(np.float32))

    def test_a_start_shifts_the_times_of_names(self, tmp_path):
        stated = Acquisition(pattern=_STATED.pattern, pixel_um=1.24, start_h=3.0)
        (series,) = take_inventory(plate(tmp_path), stated).units[0].series
        assert [frame.time_h for frame in series.frames] == [3.0, 5.0, 7.0]

    def test_printed_numbers_get_their_times_from_the_interval(self, tmp_path):
        plate(tmp_path, times=("1", "2", "10"))
        stated = Acquisition(pattern=_STATED.pattern, pixel_um=1.24, interval_h=0.5)
        inventory = take_inventory(tmp_path, stated)
        (series,) = inventory.units[0].series
        assert [(f.index, f.time_h) for f in series.frames] == [(0, 0.0), (1, 0.5), (9, 4.5)]

    def test_numbers_in_steps_are_scans_without_holes(self, tmp_path):
        plate(tmp_path, times=("0", "24", "48"))
        inventory = take_inventory(tmp_path, _STATED)
        assert [f.index for f in inventory.units[0].series[0].frames] == [0, 1, 2]
        assert rules(inventory) == ["times-missing"]
        assert "{time}h" in by_rule(inventory, "times-missing").remedy

    def test_serial_numbers_are_an_order_and_no_holes(self, tmp_path):
        plate(tmp_path, times=("1", "7", "999999999"))
        inventory = take_inventory(tmp_path, _STATED)
        assert [f.index for f in inventory.units[0].series[0].frames] == [0, 1, 2]
        assert rules(inventory) == ["times-missing"]

    def test_clock_times_count_from_the_first_picture_of_the_plate(self, tmp_path):
        for clock in ("2026y10m05d_14h30m", "2026y10m06d_02h30m"):
            image(tmp_path / f"VID1_C4_2_{clock}.tif", pixel_um=1.24)
        inventory = take_inventory(tmp_path)
        assert (inventory.read_as, inventory.findings) == ("incucyte", ())
        assert [f.time_h for f in inventory.units[0].series[0].frames] == [0.0, 12.0]

    def test_a_stack_is_a_series_with_the_pixel_size_and_times_that_it_states(self, tmp_path):
        tifffile.imwrite(
            tmp_path / "stack.ome.tif",
            np.stack([_PIXELS] * 3),
            metadata={
                "axes": "TYX",
                "PhysicalSizeX": 0.65,
                "PhysicalSizeY": 0.65,
                "TimeIncrement": 30,
                "TimeIncrementUnit": "min",
            },
        )
        (unit,) = open_images(tmp_path / "stack.ome.tif").units
        (series,) = unit.series
        assert (series.field, series.pixel_um) == ("stack", 0.65)
        assert [(f.plane, f.time_h) for f in series.frames] == [(0, 0.0), (1, 0.5), (2, 1.0)]

    def test_single_images_without_a_known_name_are_fields_of_their_own(self, tmp_path):
        for name in ("treated", "control 10", "control 2"):
            image(tmp_path / f"{name}.png")
        inventory = open_images(tmp_path, pixel_um=1.0)
        fields = [series.field for unit in inventory.units for series in unit.series]
        assert fields == ["control 2", "control 10", "treated"]
        assert inventory.findings == ()

    @pytest.mark.parametrize(
        ("names", "label", "hours"),
        [
            (("f00", "f03", "f06"), "f*", [0.0, 0.5, 1.0]),
            (("10", "9", "8"), "*", [0.0, 0.5, 1.0]),
            (("con.0.5fbs.0h.1", "con.0.5fbs.1h.1"), "con.0.5fbs.*.1", [0.0, 0.5]),
        ],
    )
    def test_numbered_images_are_a_series_once_an_interval_is_stated(
        self, tmp_path, names, label, hours
    ):
        for name in names:
            image(tmp_path / f"{name}.png")
        inventory = open_images(tmp_path, pixel_um=1.0, interval_h=0.5)
        (unit,) = inventory.units
        (series,) = unit.series
        assert (series.field, [frame.time_h for frame in series.frames]) == (label, hours)
        assert by_rule(inventory, "series-guessed").level == "note"

    def test_a_chance_likeness_to_an_instrument_leaves_a_folder_as_it_is(self, tmp_path):
        for name in ("A1_1_00d00h00m", "control", "treated", "blank"):
            image(tmp_path / f"{name}.png")
        inventory = open_images(tmp_path, pixel_um=1.0)
        assert (inventory.read_as, len(inventory.units), inventory.unmatched) == ("", 4, ())

    def test_several_files_may_be_named(self, tmp_path):
        paths = [image(tmp_path / "a" / "x.png"), image(tmp_path / "b" / "x.png")]
        units = open_images(paths, pixel_um=1.0).units
        assert [unit.series[0].field for unit in units] == ["a/x", "b/x"]

    def test_no_pixel_is_decoded_before_it_is_asked_for(self, tmp_path, monkeypatch):
        plate(tmp_path)

        def refuse(*_, **__):
            raise ValueError("decoded")

        monkeypatch.setattr(tifffile.TiffPage, "asarray", refuse)
        inventory = take_inventory(tmp_path, _STATED)
        with pytest.raises(ImageError, match="decoded"):
            inventory.units[0].series[0].frames[0].read()


class TestFlaws:
    def test_all_flaws_of_a_folder_are_told_at_once_and_the_rest_is_kept(self, tmp_path):
        plate(tmp_path, wells=("B02", "B03", "B04", "B05", "B06"))
        images = tmp_path / "images" / "P1"
        (images / "B02_1_2h.tif").unlink()
        (images / "B03_1_0h.tif").write_bytes(b"no image at all")
        whole = (images / "B04_1_0h.tif").read_bytes()
        (images / "B04_1_0h.tif").write_bytes(whole[:-100])
        image(images / "B05_1_0h.tif", shape=(10, 16))
        image(images / "b6_1_0h.tif")
        image(images / "overview.tif")
        stated = Acquisition(pattern=_STATED.pattern)
        inventory = take_inventory(tmp_path, stated)
        assert sorted(rules(inventory)) == [
            "duplicated-image",
            "image-truncated",
            "image-unreadable",
            "missing-frame",
            "mixed-sizes",
            "pixel-size-missing",
            "unmatched-images",
        ]
        assert all(f.place and f.message and f.remedy for f in inventory.findings)
        errors = {f.rule for f in inventory.findings if f.level == "error"}
        assert errors == {"duplicated-image", "image-truncated", "image-unreadable", "mixed-sizes"}
        assert "2 h" in by_rule(inventory, "missing-frame").message
        assert "B02" in by_rule(inventory, "missing-frame").place
        assert "16 x 10" in by_rule(inventory, "mixed-sizes").message
        assert [path.name for path in inventory.unmatched] == ["overview.tif"]
        assert [unit.well for unit in inventory.units] == ["B02", "B03", "B04", "B05", "B06"]
        assert [f.index for f in inventory.units[0].series[0].frames] == [0, 2]
        assert [f.shape for f in inventory.units[3].series[0].frames] == [
            (10, 16),
            (12, 16),
            (12, 16),
        ]
        broken = inventory.units[1].series[0].frames[0]
        assert broken.shape == (12, 16)
        with pytest.raises(ImageError, match="no image of a known format"):
            broken.read()
        with pytest.raises(ImageError, match="ends too early"):
            inventory.units[2].series[0].frames[0].read()

    def test_a_contradicting_pixel_size_is_told_and_the_study_is_believed(self, tmp_path):
        plate(tmp_path, pixel_um=0.62)
        inventory = take_inventory(tmp_path, _STATED)
        assert rules(inventory) == ["pixel-size-contradiction"] * 2
        assert inventory.units[0].series[0].pixel_um == 1.24
        assert inventory.units[0].series[0].problems
        believed = take_inventory(tmp_path, Acquisition(pattern=_STATED.pattern))
        assert believed.findings == ()
        assert believed.units[0].series[0].pixel_um == pytest.approx(0.62, rel=1e-6)

    def test_contradicting_times_are_told_and_the_study_is_believed(self, tmp_path):
        plate(tmp_path)
        stated = Acquisition(pattern=_STATED.pattern, pixel_um=1.24, interval_h=1.0)
        inventory = take_inventory(tmp_path, stated)
        assert rules(inventory) == ["times-contradiction"]
        assert [f.time_h for f in inventory.units[0].series[0].frames] == [0.0, 1.0, 2.0]

    def test_fewer_stated_times_than_scans_are_told(self, tmp_path):
        plate(tmp_path)
        stated = Acquisition(pattern=_STATED.pattern, pixel_um=1.24, times_h=(0.0, 2.0))
        inventory = take_inventory(tmp_path, stated)
        assert by_rule(inventory, "times-missing").message.startswith("times_h has 2 times")

    @pytest.mark.parametrize("names", [(), ("notes.txt",), ("a.czi",)])
    def test_a_folder_without_images_says_so(self, tmp_path, names):
        (tmp_path / "images").mkdir()
        for name in names:
            (tmp_path / "images" / name).write_bytes(b"x")
        inventory = take_inventory(tmp_path, Acquisition(pattern="images/{well}.tif"))
        assert "no-images" in rules(inventory)
        assert inventory.units == ()

    def test_a_missing_folder_and_a_pattern_that_fits_nothing_say_so(self, tmp_path):
        inventory = take_inventory(tmp_path, Acquisition(pattern="pictures/{well}.tif"))
        assert "does not exist" in by_rule(inventory, "no-images").message
        image(tmp_path / "IMG_1.tif")
        inventory = take_inventory(tmp_path, Acquisition(pattern="{well}_{time}.tif"))
        assert by_rule(inventory, "no-images").place == "IMG_1.tif"

    def test_several_channels_are_never_mixed(self, tmp_path):
        for channel in ("GFP", "DAPI"):
            image(tmp_path / f"B02_{channel}.tif")
        stated = Acquisition(pattern="{well}_{channel}", pixel_um=1.0)
        inventory = take_inventory(tmp_path, stated)
        assert (rules(inventory), inventory.units) == (["several-channels"], ())
        stated = Acquisition(pattern="{well}_{channel}", pixel_um=1.0, channel="dapi")
        assert len(take_inventory(tmp_path, stated).units) == 1

    def test_phase_contrast_is_taken_beside_fluorescence_and_that_is_said(self, tmp_path):
        for folder in ("phase", "green"):
            image(tmp_path / folder / "B10_1_00d00h00m.tif")
        inventory = open_images(tmp_path, pixel_um=1.24)
        assert [(f.rule, f.level) for f in inventory.findings] == [("several-channels", "note")]
        assert inventory.units[0].series[0].frames[0].path.parent.name == "phase"

    @pytest.mark.parametrize("pattern", ["../{well}.tif", "images/../../x/{well}.tif"])
    def test_a_pattern_cannot_lead_out_of_the_study(self, tmp_path, pattern):
        (tmp_path / "study").mkdir()
        with pytest.raises(SettingsError, match="leads out of"):
            take_inventory(tmp_path / "study", Acquisition(pattern=pattern))

    def test_an_absolute_folder_that_the_study_states_is_read(self, tmp_path):
        image(tmp_path / "store" / "B02.tif")
        (tmp_path / "study").mkdir()
        stated = Acquisition(pattern=f"{tmp_path}/store/{{well}}.tif", pixel_um=1.0)
        (unit,) = take_inventory(tmp_path / "study", stated).units
        assert unit.well == "B02"

    def test_a_folder_in_place_of_a_pattern_tries_the_presets(self, tmp_path):
        image(tmp_path / "images" / "VID1_C4_2_00d00h00m.tif")
        stated = Acquisition(pattern="images", pixel_um=1.24)
        inventory = take_inventory(tmp_path, stated)
        assert (inventory.read_as, inventory.units[0].well) == ("incucyte", "C04")

    def test_a_path_that_does_not_exist_is_told(self, tmp_path):
        with pytest.raises(ImageError, match="does not exist"):
            open_images(tmp_path / "none")


_PRESET_OF = {"incucyte_export": "incucyte", "incucyte_archive": "incucyte"}
_PRESET_OF |= {"cytation_2": "cytation", "cytation_3": "cytation"}


def test_every_example_name_leads_to_its_well_and_field_on_disk(tmp_path, shared_data):
    with (shared_data("eco") / "filenames" / "examples.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = 0
    for number, row in enumerate(rows):
        if not row["well"] or not row["path"].lower().endswith((".tif", ".tiff", ".png")):
            continue
        image(tmp_path / str(number) / row["path"], pixel_um=1.24)
        preset = _PRESET_OF.get(row["system"], row["system"])
        inventory = take_inventory(tmp_path / str(number), Acquisition(preset=preset))
        (unit,) = inventory.units
        assert unit.plate == row["plate"], row
        assert (unit.well[0], int(unit.well[1:])) == (row["well"][0], int(row["well"][1:])), row
        assert unit.series[0].field == row["field"], row
        found += 1
    assert found >= 38


def test_an_archive_counts_hours_from_the_first_scan_of_the_vessel(tmp_path, shared_data):
    with (shared_data("eco") / "filenames" / "examples.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["system"] == "incucyte_archive"]
    for row in rows:
        image(tmp_path / row["path"], pixel_um=1.24)
    for channel in ("Ph", "C1", "C2"):
        stated = Acquisition(preset="incucyte", channel=channel)
        units = take_inventory(tmp_path, stated).units
        frames = [frame for unit in units for series in unit.series for frame in series.frames]
        expected = [float(row["elapsed_h"]) for row in rows if row["channel"] == channel]
        assert [frame.time_h for frame in frames] == expected, channel


@pytest.mark.parametrize(("plate_format", "well"), [(96, "H04"), (384, "D16")])
def test_numbered_wells_get_their_letter_from_the_plate_format(tmp_path, plate_format, well):
    image(tmp_path / "W00088--P00001--Z00000--T00000--dapi.tif", pixel_um=1.0)
    stated = Acquisition(preset="scanr", plate_format=plate_format)
    assert take_inventory(tmp_path, stated).units[0].well == well
    assert "well-number" in rules(take_inventory(tmp_path, Acquisition(preset="scanr")))


def test_views_of_one_place_are_never_one_series(tmp_path):
    for view in ("R", "D"):
        image(tmp_path / f"scan_Plate_{view}_p00_0_A01f00d4.TIF", pixel_um=1.0)
    inventory = take_inventory(tmp_path)
    assert (rules(inventory), inventory.units) == (["several-views"], ())


def test_two_instruments_in_one_folder_are_told(tmp_path):
    for name in ("r01c01f01p01-ch1sk1fk1fl1", "r01c01f01p01-ch1sk2fk1fl1", "VID1_A1_1_00d00h00m"):
        image(tmp_path / f"{name}.tif", pixel_um=1.0)
    inventory = take_inventory(tmp_path)
    assert inventory.read_as == "operetta"
    assert "two-presets" in rules(inventory)
    assert by_rule(inventory, "unmatched-images").place == "VID1_A1_1_00d00h00m.tif"


def test_the_identity_of_a_file_is_its_content(tmp_path):
    first, second = image(tmp_path / "a.png"), image(tmp_path / "b.png")
    assert content_hash(first) == content_hash(second)
    second.write_bytes(first.read_bytes() + b"\0")
    assert content_hash(first) != content_hash(second)
    with pytest.raises(ImageError, match="cannot be read"):
        content_hash(tmp_path / "none.png")
