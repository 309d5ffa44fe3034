"""What must hold for the gap of any picture, whatever it shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lamella.vision.gap import find_gap
from lamella.vision.outline import polygons
from lamella.vision.preview import preview
from lamella.vision.registration import shift_between

# A threshold may move a pixel of the outline; more than half a percent is another outline.
SAME = 0.995


def wound(seed=0, *, tilt_deg=8.0, width=0.3, side=(420, 560), depth=60.0):
    """A rendered wound: tissue of blurred noise, a straight tilted gap, camera noise; its truth."""
    rng = np.random.default_rng(seed)
    height, length = side
    cells = cv2.GaussianBlur(rng.normal(size=side).astype(np.float32), (0, 0), 2.0)
    y, x = np.mgrid[:height, :length].astype(np.float32)
    slope = np.tan(np.radians(tilt_deg))
    across = (x - length / 2 - slope * (y - height / 2)) * np.cos(np.radians(tilt_deg))
    truth = np.abs(across) < width * length / 2
    counts = 1000 + depth * np.where(truth, 0, cells / cells.std()) + rng.normal(0, 2, side)
    return counts.astype(np.float32), truth


def overlap(first, second):
    either = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / either if either else 1.0


@given(seed=st.integers(0, 50), tilt=st.floats(-60, 60), width=st.floats(0.12, 0.45))
@settings(max_examples=12)
def test_a_rendered_wound_has_its_area(seed, tilt, width):
    counts, truth = wound(seed, tilt_deg=tilt, width=width)
    gap = find_gap(counts)
    assert gap.alone == "open"
    assert overlap(gap.mask, truth) >= 0.90
    assert gap.low_px <= truth.sum() <= gap.high_px


@given(seed=st.integers(0, 50), tilt=st.floats(-45, 45))
@settings(max_examples=8)
def test_a_mirrored_or_turned_picture_has_the_mirrored_or_turned_gap(seed, tilt):
    counts, _ = wound(seed, tilt_deg=tilt)
    mask = find_gap(counts).mask
    assert overlap(find_gap(counts[:, ::-1]).mask[:, ::-1], mask) >= SAME
    assert overlap(find_gap(counts[::-1]).mask[::-1], mask) >= SAME
    assert overlap(np.rot90(find_gap(np.rot90(counts)).mask, -1), mask) >= SAME


@pytest.mark.parametrize("side", [(1043, 1411), (1531, 1530), (1000, 1302)], ids=str)
def test_a_picture_that_blocks_do_not_fill_is_mirrored_and_turned_alike(side):
    counts, truth = wound(4, tilt_deg=20.0, side=side)
    mask = find_gap(counts).mask
    assert mask.shape == side
    assert overlap(mask, truth) >= 0.90
    assert overlap(find_gap(counts[:, ::-1]).mask[:, ::-1], mask) >= SAME
    assert overlap(find_gap(counts[::-1]).mask[::-1], mask) >= SAME
    assert overlap(np.rot90(find_gap(np.rot90(counts)).mask, -1), mask) >= SAME


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int32", "float64"])
@pytest.mark.parametrize("side", [(420, 560), (1040, 1400), (1043, 1411)], ids=str)
def test_counts_of_any_stored_type_have_the_same_gap_to_the_pixel(kind, side):
    counts = np.clip(np.round(wound(6, side=side)[0] - 880), 0, 255).astype(np.float32)
    stored, floats = find_gap(counts.astype(kind)), find_gap(counts)
    assert np.array_equal(stored.mask, floats.mask)
    assert (stored.low_px, stored.high_px) == (floats.low_px, floats.high_px)


@given(gain=st.floats(1e-3, 1e3), offset=st.floats(-1e3, 1e4))
@settings(max_examples=10)
def test_gain_and_offset_of_the_camera_leave_the_gap(gain, offset):
    counts, _ = wound(3)
    # float32 keeps seven digits: an offset beyond a million spreads would eat the picture.
    scaled = (counts * gain + min(offset, 1e4 * gain)).astype(np.float32)
    assert overlap(find_gap(scaled).mask, find_gap(counts).mask) >= SAME


def test_twelve_bits_and_their_eight_bit_copy_have_the_same_gap():
    counts, _ = wound(5, depth=250.0)
    twelve = np.clip(np.round(counts), 0, 4095)
    eight = np.floor(twelve / 16)
    sixteen = twelve * 16
    reference = find_gap(twelve.astype(np.float32)).mask
    assert overlap(find_gap(eight.astype(np.float32)).mask, reference) >= SAME
    assert overlap(find_gap(sixteen.astype(np.float32)).mask, reference) >= SAME
    assert overlap(find_gap((twelve / 4095).astype(np.float32)).mask, reference) >= SAME


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_larger_or_smaller_copy_has_the_same_gap_when_the_pixel_size_is_told(factor):
    counts, _ = wound(7, side=(840, 1120))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    copy = cv2.resize(counts, None, fx=factor, fy=factor, interpolation=how)
    mask = find_gap(counts, pixel_um=1.6).mask
    other = find_gap(copy, pixel_um=1.6 / factor).mask
    assert other.mean() == pytest.approx(mask.mean(), rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_tissue_alone_and_dish_alone_are_given_no_gap(seed):
    rng = np.random.default_rng(seed)
    tissue = cv2.GaussianBlur(rng.normal(100, 60, (500, 640)).astype(np.float32), (0, 0), 2)
    dish = rng.normal(100, 2, (500, 640)).astype(np.float32)
    for picture in (tissue, dish):
        gap = find_gap(picture)
        assert gap.alone == "one_class"
        assert gap.area_px == gap.low_px == gap.high_px == 0


def test_a_gap_is_sought_only_where_a_wound_has_been():
    counts, truth = wound(2)
    left = np.zeros_like(truth)
    left[:, : truth.shape[1] // 2] = True
    gap = find_gap(counts, search=left)
    assert not (gap.mask & ~cv2.dilate(left.view(np.uint8), np.ones((9, 9))).view(bool)).any()
    assert gap.area_px == pytest.approx((truth & left).sum(), rel=0.1)


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 70), st.integers(1, 70)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    ),
    st.sampled_from([None, 0.01, 1.2, 500.0]),
)
@settings(max_examples=40)
def test_no_picture_stops_the_search(counts, pixel_um):
    gap = find_gap(counts, pixel_um=pixel_um)
    assert gap.mask.shape == gap.valid.shape == counts.shape
    assert gap.low_px <= gap.area_px <= gap.high_px <= counts.size
    assert gap.alone == "open" or gap.reason


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf])
def test_a_picture_of_one_grey_level_is_unusable_and_says_why(value):
    gap = find_gap(np.full((120, 90), value, np.float32))
    assert gap.alone == "unusable"
    assert "no structure" in gap.reason


@given(dx=st.integers(-30, 30), dy=st.integers(-30, 30), seed=st.integers(0, 20))
@settings(max_examples=10)
def test_a_drifted_stage_is_found_to_the_pixel(dx, dy, seed):
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(size=(400, 460)).astype(np.float32), (0, 0), 2)
    shift = shift_between(field[40:360, 40:420], field[40 - dy : 360 - dy, 40 - dx : 420 - dx])
    assert shift.dx_px == pytest.approx(dx, abs=0.6)
    assert shift.dy_px == pytest.approx(dy, abs=0.6)
    assert shift.confidence > 0.2


def test_two_different_fields_share_no_drift():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 300, 300)).astype(np.float32)
    assert shift_between(first, second).confidence < 0.1


def test_frames_of_different_size_are_not_compared():
    with pytest.raises(ValueError, match="cannot be compared"):
        shift_between(np.ones((9, 9), np.float32), np.ones((9, 8), np.float32))


def test_outlines_enclose_the_mask_they_were_taken_from():
    _, truth = wound(1)
    largest = np.array(polygons(truth, scale=0.5)[0], np.float32)
    # The polygon runs through pixel centres: half a pixel of each edge lies outside it.
    assert cv2.contourArea(largest) * 4 == pytest.approx(truth.sum(), rel=0.02)


def test_a_preview_is_small_and_uses_the_whole_range():
    counts, _ = wound(1)
    small = preview(counts, long_side_px=200)
    assert max(small.shape) == 200
    assert (small.min(), small.max()) == (0, 255)


@pytest.mark.parametrize("noise", [0.0, 30.0])
def test_the_black_border_of_a_microscope_is_no_wound(noise):
    counts, truth = wound(4)
    height, width = counts.shape
    y, x = np.mgrid[:height, :width]
    seen = np.hypot(y - height / 2, x - width / 2) < 0.56 * height
    bordered = np.where(seen, counts, 20 + np.random.default_rng(0).normal(0, noise, counts.shape))
    gap = find_gap(bordered.astype(np.float32))
    # The rim of a few pixels where the field fades counts to either side.
    assert overlap(gap.valid, seen) >= 0.98
    assert overlap(gap.mask & seen, truth & seen) >= 0.90
