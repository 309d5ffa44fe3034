"""What every assay of the list must keep: the same class runs over all of them."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from lamella.assays import ASSAYS
from lamella.assays.contract import PanelKind, Picture, Settings
from lamella.errors import ImageError
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.table.edits import Edit, Target
from lamella.table.rows import Observation
from lamella.table.wells import Design, Well
from lamella.virtual.membrane import Membrane, render_membrane

SHAPE = (160, 200)
READOUT_PANELS = ("dose_response", "plate")


def read_cells(path: Path, plane: int) -> np.ndarray:
    """Grainy cells on both sides of a smooth stripe that gets narrower."""
    rng = np.random.default_rng(plane)
    cells = rng.normal(1000.0, 200.0, SHAPE).astype(np.float32)
    half = 40 - 10 * plane
    cells[:, 100 - half : 100 + half] = 1000.0 + rng.normal(0, 2.0, (SHAPE[0], 2 * half))
    return cells


def read_membrane(path: Path, plane: int) -> np.ndarray:
    """Violet cells on a membrane with pores."""
    scene = Membrane().sized(SHAPE, pixel_um=1.5)
    field = render_membrane(20, scene=scene, rng=np.random.default_rng(plane))
    return field.image.astype(np.float32)


READERS = {"transwell": read_membrane, "invasion": read_membrane}


def good(assay):
    """A reader of pictures that the assay can measure."""
    return READERS.get(assay.name, read_cells)


def read_damaged(path: Path, plane: int) -> np.ndarray:
    raise ImageError(f"{path}: the file is damaged. Copy it again.")


def read_nan(path: Path, plane: int) -> np.ndarray:
    return np.full(SHAPE, np.nan, np.float32)


def read_flat(path: Path, plane: int) -> np.ndarray:
    return np.zeros(SHAPE, np.float32)


def read_tiny(path: Path, plane: int) -> np.ndarray:
    return np.zeros((1, 1), np.float32)


def unit_of(reader, *, frames: int = 3, well: str = "B02", edits=()) -> Unit:
    taken = tuple(
        Frame(Path(f"{well}.tif"), i, SHAPE, reader, index=i, time_h=4.0 * i) for i in range(frames)
    )
    return Unit("P1", well, (Series("1", taken, pixel_um=1.5),), edits)


def measured(assay, unit: Unit) -> tuple[list[Observation], list[Picture]]:
    found = list(assay.measure(unit, assay.settings()))
    rows = [item for item in found if isinstance(item, Observation)]
    return rows, [item for item in found if isinstance(item, Picture)]


DESIGN = Design(
    (Well("P1", "B02", "1", "vehicle"), Well("P1", "B03", "1", "test")),
    protocol={"proliferation_control": "none"},
)


@pytest.fixture(scope="module", params=ASSAYS, ids=lambda assay: assay.name)
def assay(request):
    return request.param


@pytest.fixture(scope="module")
def rows(assay):
    return [
        row
        for well in ("B02", "B03")
        for row in measured(assay, unit_of(good(assay), well=well))[0]
    ]


@pytest.fixture(scope="module")
def settled(assay, rows):
    return list(assay.settle(rows, DESIGN, assay.settings()))


class TestEveryAssay:
    def test_it_needs_no_setting_and_describes_each(self, assay):
        assert issubclass(assay.settings, Settings)
        assay.settings()
        for name, field in assay.settings.model_fields.items():
            assert field.description, f"setting '{name}' says nothing about itself"

    def test_an_unknown_setting_is_refused(self, assay):
        with pytest.raises(ValueError, match="no_such_setting"):
            assay.settings(no_such_setting=1)

    def test_its_metrics_have_one_name_each_and_a_label(self, assay):
        names = [metric.name for metric in assay.metrics]
        assert len(names) == len(set(names))
        assert all(metric.label for metric in assay.metrics)
        assert all(metric.formula for metric in assay.metrics if not metric.level)

    def test_its_readouts_and_panels_name_its_metrics(self, assay):
        names = {metric.name for metric in assay.metrics}
        assert assay.readouts
        assert set(assay.readouts) <= names
        for panel in assay.panels:
            assert panel.kind in get_args(PanelKind)
            assert panel.title
            assert not panel.metric or panel.metric in names
            if panel.kind in READOUT_PANELS:
                assert panel.metric in assay.readouts
        for name in assay.readouts:
            assert assay.metric(name).better in ("higher", "lower")

    def test_it_can_be_sent_to_another_process(self, assay):
        for function in (assay.measure, assay.settle):
            assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301

    def test_measuring_twice_gives_the_same(self, assay):
        first, second = (measured(assay, unit_of(good(assay))) for _ in range(2))
        assert first[0] == second[0]
        for one, other in zip(first[1], second[1], strict=True):
            assert np.array_equal(one.labels, other.labels)
            assert np.array_equal(one.preview, other.preview)

    def test_pictures_are_full_size_labels_and_small_greys(self, assay):
        for picture in measured(assay, unit_of(good(assay)))[1]:
            assert (picture.labels.shape, picture.labels.dtype) == (SHAPE, np.uint8)
            assert picture.preview.dtype == np.uint8
            assert max(picture.preview.shape) <= 480

    @pytest.mark.parametrize("reader", [read_damaged, read_nan, read_flat, read_tiny])
    def test_a_bad_picture_becomes_flagged_rows(self, assay, reader):
        found, _ = measured(assay, unit_of(reader))
        told = [row for row in found if row.flag and row.reason]
        assert {row.frame for row in told} >= {0, 1, 2}
        assay.settle(found, DESIGN, assay.settings())

    def test_one_damaged_frame_costs_only_itself(self, assay):
        unit = unit_of(good(assay))
        series = unit.series[0]
        spoilt = replace(series.frames[1], reader=read_damaged)
        frames = (series.frames[0], spoilt, series.frames[2])
        found, pictures = measured(assay, replace(unit, series=(replace(series, frames=frames),)))
        assert {row.frame for row in found} >= {0, 1, 2}
        assert [picture.frame for picture in pictures] == [0, 2]
        assert any("damaged" in (row.reason or "") for row in found if row.frame == 1)

    def test_rows_state_known_metrics_and_no_hidden_nan(self, assay, settled):
        names = {metric.name for metric in assay.metrics}
        for row in settled:
            assert row.metric in names
            assert row.assay == assay.name
            for number in (row.value, row.low, row.high):
                assert number is None or np.isfinite(number)
            silent = row.value is None and row.text is None and row.low is None
            assert not silent or (row.flag and row.reason), row

    def test_every_place_has_each_value_once(self, settled):
        places = [(r.plate, r.well, r.field, r.frame, r.metric, r.object) for r in settled]
        # The read-out at a stated time stands beside the rows of the frames.
        assert len(places) == len(set(places))

    def test_an_interval_holds_its_value(self, settled):
        for row in settled:
            if row.value is not None:
                assert row.low is None or row.low <= row.value + 1e-9 * abs(row.value), row
                assert row.high is None or row.high >= row.value - 1e-9 * abs(row.value), row

    def test_settling_a_settled_table_changes_nothing(self, assay, settled):
        assert list(assay.settle(settled, DESIGN, assay.settings())) == settled

    def test_the_order_of_rows_does_not_matter(self, assay, rows, settled):
        shuffled = random.Random(7).sample(rows, len(rows))
        assert list(assay.settle(shuffled, DESIGN, assay.settings())) == settled

    def test_the_order_of_wells_in_the_map_does_not_matter(self, assay, rows, settled):
        turned = Design(DESIGN.wells[::-1], DESIGN.protocol)
        assert list(assay.settle(rows, turned, assay.settings())) == settled

    def test_settling_leaves_its_input_alone(self, assay, rows):
        before = list(rows)
        assay.settle(rows, DESIGN, assay.settings())
        assert rows == before

    def test_a_well_has_one_readout(self, assay, settled):
        for name in assay.readouts:
            for well in ("B02", "B03"):
                mine = [
                    row
                    for row in settled
                    if (row.metric, row.well, row.field, row.frame) == (name, well, "", None)
                ]
                # Further read-outs may need what this study does not state.
                assert len(mine) == 1 or (not mine and name != assay.readouts[0]), name

    def test_excluded_rows_stay_and_do_not_count(self, assay, rows):
        out = [replace(r, flag="excluded", reason="bubble") if r.well == "B03" else r for r in rows]
        after = assay.settle(out, DESIGN, assay.settings())
        assert sum(row.well == "B03" for row in after) >= sum(row.well == "B03" for row in rows)
        for row in after:
            if row.well == "B03" and row.field == "" and row.metric in assay.readouts:
                assert row.value is None or row.flag == "excluded"

    def test_no_rows_give_no_rows(self, assay):
        assert list(assay.settle([], Design(), assay.settings())) == []

    def test_an_edit_of_another_place_changes_nothing(self, assay):
        edit = Edit(
            "1", "mask", Target(field="other"), data={"polygons": [[[0, 0], [9, 0], [9, 9]]]}
        )
        assert (
            measured(assay, unit_of(good(assay), edits=(edit,)))[0]
            == (measured(assay, unit_of(good(assay)))[0])
        )

    def test_methods_are_told_in_sentences(self, assay):
        told = assay.methods_text(assay.settings())
        assert told.endswith(".")
        assert len(told.split()) > 20


DUMMY = """
from lamella.assays.contract import Assay, Panel, Settings
from lamella.table.rows import Metric, Observation

class NoSettings(Settings):
    pass

def measure(unit, settings):
    for series in unit.series:
        for frame in series.frames:
            yield Observation("mean", float(frame.read().mean()), well=unit.well, frame=frame.index)

def settle(rows, design, settings):
    return list(rows)

ASSAY = Assay("dummy", "Dummy", NoSettings, (Metric("mean", "Mean", "counts", "higher", "mean"),),
              ("mean",), measure, settle, (Panel("table", "Wells", "mean"),), lambda s: "Mean.")
"""

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import lamella
lamella.__path__.insert(0, sys.argv[1] + "/lamella")
import lamella.assays
from pathlib import Path
import numpy as np
from lamella.inputs.images.series import Frame, Series, Unit
assay = next(a for a in lamella.assays.ASSAYS if a.name == "dummy")
frame = Frame(Path("x"), 0, (4, 4), lambda path, plane: np.ones((4, 4), np.float32))
unit = Unit("P", "A01", (Series("1", (frame,)),))
print([row.value for row in assay.measure(unit, assay.settings())])
"""


def test_an_assay_is_added_with_one_file_and_one_line(tmp_path):
    import lamella.assays

    source = Path(lamella.assays.__file__).parent
    copy = tmp_path / "lamella" / "assays"
    copy.mkdir(parents=True)
    for path in source.rglob("*.py"):
        target = copy / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (copy / "dummy.py").write_text(DUMMY, encoding="utf-8")
    listed = (copy / "__init__.py").read_text(encoding="utf-8")
    assert listed.count('    "scratch",\n') == 1
    added = listed.replace('    "scratch",\n', '    "scratch",\n    "dummy",\n')
    (copy / "__init__.py").write_text(added, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[1.0]", done.stderr
