"""Laws that a count of cells must keep, on membranes drawn by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lamella.errors import MeasurementError
from lamella.vision.cells import CellSettings, StainModel, count_cells
from lamella.vision.mosaic import counted_once, place_tiles
from lamella.vision.pixel_classes import MarkedPicture, Stroke, learn_pixel_classes
from lamella.vision.stain import CRYSTAL_VIOLET, pooled_stain

WHITE = np.array([200.0, 205.0, 190.0])
FLUORESCENCE = CellSettings(light="fluorescence")


def membrane(cells=(), *, size=(300, 400), pores=40, seed=0, density=1.3, radius=10):
    """A membrane of 1 um pixels with pores (rings of 8 um) and violet discs at (x, y)."""
    rng = np.random.default_rng(seed)
    dye, grey = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for x, y in rng.integers(0, size[::-1], (pores, 2)):
        cv2.circle(grey, (int(x), int(y)), 4, 0.9, 2, cv2.LINE_AA)
    for x, y in cells:
        cv2.circle(dye, (x, y), radius, density, -1, cv2.LINE_AA)
    dye, grey = cv2.GaussianBlur(dye, (0, 0), 1.0), cv2.GaussianBlur(grey, (0, 0), 0.7)
    depth = dye[..., None] * np.array(CRYSTAL_VIOLET) + grey[..., None] / np.sqrt(3)
    return (WHITE * np.exp(-depth) + rng.normal(0, 2, (*size, 3))).astype(np.float32)


CELLS = [(50, 50), (150, 60), (260, 70), (80, 180), (200, 200), (218, 200), (330, 220)]


def test_seven_discs_are_seven_cells_at_their_places():
    found = count_cells(membrane(CELLS), pixel_um=1.0)
    assert found.count == 7
    nearest = [np.hypot(*(found.points_px - cell).T).min() for cell in CELLS]
    assert max(nearest) < 3
    assert found.low <= 7 <= found.high
    # 314 px of disc, drawn up to half a pixel and a third of its density wider.
    assert found.median_cell_area_um2 == pytest.approx(350, rel=0.15)


def test_pores_alone_count_nothing_and_tell_the_pixel_size():
    found = count_cells(membrane(pores=60))
    assert found.count == found.low == found.high == found.inside == 0
    assert not found.labels.any()
    assert found.pore_count > 30
    assert found.pore_pixel_um_estimate == pytest.approx(1.0, rel=0.1)
    assert found.levels.scale_from == "pores"


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("light", ["bright_field", "fluorescence"])
def test_noise_counts_nothing(seed, light):
    rng = np.random.default_rng(seed)
    shape = (240, 300, 3) if light == "bright_field" else (240, 300)
    for noise in (rng.normal(128, 20, shape), rng.integers(0, 256, shape)):
        counts = noise.astype(np.float32)
        for picture in (counts, cv2.GaussianBlur(counts, (0, 0), 1.5)):
            assert count_cells(picture, settings=CellSettings(light)).count == 0
            assert count_cells(picture, pixel_um=1.0, settings=CellSettings(light)).count == 0


def test_mirroring_and_turning_keep_the_count():
    picture = membrane(CELLS)
    for turned in (picture[:, ::-1], picture[::-1], picture.transpose(1, 0, 2)):
        assert count_cells(np.ascontiguousarray(turned), pixel_um=1.0).count == 7


@pytest.mark.parametrize("factor", [0.8, 1.2, 257.0])
def test_light_and_bit_depth_keep_the_count(factor):
    picture = membrane(CELLS) * np.float32(factor)
    found = count_cells(picture, pixel_um=1.0)
    assert found.count == 7
    assert found.levels.white == pytest.approx(WHITE * factor, rel=0.02)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_finer_or_coarser_camera_keeps_the_count(factor):
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(membrane(CELLS), None, fx=factor, fy=factor, interpolation=how)
    found = count_cells(picture, pixel_um=1 / factor)
    assert found.count == 7
    assert found.labels.shape == picture.shape[:2]


def test_a_cell_on_the_left_or_top_border_belongs_to_the_field_and_one_on_the_right_does_not():
    edges = {"left": (2, 150), "top": (200, 2), "right": (397, 150), "bottom": (200, 297)}
    found = count_cells(membrane([(100, 100), *edges.values()], pores=0), pixel_um=1.0)
    assert (found.count, found.inside) == (5, 3)
    outside = found.points_px[~found.belongs]
    assert (outside[:, 0] > 390).any()
    assert (outside[:, 1] > 290).any()


def test_nothing_is_counted_where_the_field_is_excluded():
    right = np.zeros((300, 400), bool)
    right[:, 180:] = True
    found = count_cells(membrane(CELLS), pixel_um=1.0, exclude=right)
    assert found.count == 3
    assert not found.labels[right].any()


def test_half_the_stain_is_still_the_same_cells():
    assert count_cells(membrane(CELLS, density=0.6), pixel_um=1.0).count == 7


def test_spots_no_larger_than_a_pore_are_not_cells():
    spots = count_cells(membrane(CELLS, radius=4), pixel_um=1.0)
    assert spots.count == 0


def test_the_dye_is_learnt_from_the_picture_and_pooled_over_a_batch():
    picture = count_cells(membrane(CELLS), pixel_um=1.0).levels
    assert picture.stain_from == "picture"
    assert StainModel(picture.stain).angle_to(StainModel()) < 6
    batch = pooled_stain([StainModel(picture.stain, source="picture"), StainModel()])
    assert count_cells(membrane(CELLS), pixel_um=1.0, stain=batch).levels.stain_from == "given"


@pytest.mark.parametrize("pixel_um", [0.325, None])
def test_nuclei_that_shine_are_counted_by_the_same_interface(pixel_um):
    rng = np.random.default_rng(4)
    light = np.zeros((400, 500), np.float32)
    places = [(x + int(rng.integers(-9, 9)), y) for x in range(50, 480, 60) for y in (60, 180, 300)]
    for x, y in places:
        cv2.circle(light, (x, y), 18, float(rng.uniform(40, 120)), -1)
    light = cv2.GaussianBlur(light, (0, 0), 2) + 100 + rng.normal(0, 3, light.shape)
    found = count_cells(light.astype(np.float32), pixel_um=pixel_um, settings=FLUORESCENCE)
    assert found.count == len(places)
    assert found.pore_count == 0
    assert found.levels.stain == ()


def coloured(channel):
    picture = np.zeros((200, 200, 3), np.float32)
    picture[..., channel] = count_ground()
    return picture


def count_ground():
    ground = np.random.default_rng(0).normal(50, 2, (200, 200))
    cv2.circle(ground, (100, 100), 15, 200.0, -1)
    return ground.astype(np.float32)


def test_nuclei_in_one_colour_say_which_channel_was_taken():
    found = count_cells(coloured(2), settings=FLUORESCENCE)
    assert "blue" in dict(found.flags)["channel_chosen"]
    assert found.count == 1


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((1, 1, 3)), "too small"),
        (np.zeros((200, 200)), "is grey"),
        (np.full((200, 200, 3), 7.0), "same grey"),
        (np.zeros((200, 200, 4)), "4 channels"),
        (np.full((200, 200, 3), np.nan), "finite"),
        (np.zeros(5), "too small"),
    ],
)
def test_a_picture_that_cannot_be_counted_is_refused_with_its_reason(picture, message):
    with pytest.raises(MeasurementError, match=message):
        count_cells(picture.astype(np.float32))


@pytest.mark.parametrize("pixel_um", [0.01, 100.0])
def test_a_pixel_size_at_which_no_cell_fits_is_refused(pixel_um):
    with pytest.raises(MeasurementError, match="Check pixel_um"):
        count_cells(membrane(CELLS), pixel_um=pixel_um)


@pytest.mark.parametrize("pixel_um", [0.3, 3.0])
def test_a_pixel_size_that_the_pores_deny_is_flagged(pixel_um):
    found = count_cells(membrane(CELLS), pixel_um=pixel_um)
    assert "pixel_size_contradicts_pores" in dict(found.flags)


def test_without_pores_and_pixel_size_the_scale_is_told_to_be_a_guess():
    found = count_cells(membrane(CELLS, pores=0))
    assert found.count == 7
    assert "scale_guessed" in dict(found.flags)


def test_tiles_are_placed_and_a_cell_that_two_tiles_show_counts_once():
    whole = membrane(
        [(x, y) for x in range(30, 600, 60) for y in range(40, 280, 60)], size=(300, 600)
    )
    corners = np.array([[0, 0], [251, 6]])
    tiles = [whole[y : y + 290, x : x + 340] for x, y in corners]
    mosaic = place_tiles(tiles, stage_px=np.array([[0.0, 0.0], [265.0, 0.0]]))
    assert mosaic.corners_px.round().tolist() == corners.tolist()
    assert mosaic.linked.all()
    points = [count_cells(tile, pixel_um=1.0).points_px for tile in tiles]
    once, origin = counted_once(points, mosaic, tile_px=(340, 290), same_px=10)
    shown = count_cells(whole[:296, :591], pixel_um=1.0).count
    assert len(once) == len(origin) == shown < sum(map(len, points))


def test_tiles_with_nothing_in_common_lie_where_the_stage_says():
    rng = np.random.default_rng(0)
    tiles = [rng.normal(size=(100, 120)).astype(np.float32) for _ in range(2)]
    mosaic = place_tiles(tiles, stage_px=np.array([[0.0, 0.0], [90.0, 5.0]]))
    assert not mosaic.linked.any()
    assert mosaic.corners_px.round().tolist() == [[0, 0], [90, 5]]


def marked():
    strokes = (
        *(Stroke("cell", ((x - 4.0, y), (x + 4.0, y)), 3.0) for x, y in CELLS[:4]),
        Stroke("bare", ((20.0, 280.0), (380.0, 280.0)), 3.0),
        Stroke("bare", ((20.0, 120.0), (380.0, 130.0)), 3.0),
    )
    return MarkedPicture(membrane(CELLS), strokes, 20.0)


def test_strokes_and_seed_alone_decide_the_classes():
    other = membrane([(60, 200), (300, 90)], seed=5)
    maps = [
        learn_pixel_classes([marked()], seed=3).probability(other, name="cell", cell_px=20.0)
        for _ in range(2)
    ]
    assert np.array_equal(*maps)
    classes = learn_pixel_classes([marked()], seed=3)
    assert count_cells(other, pixel_um=1.0, classes=classes).count == 2


DIRT = [(60, 110), (180, 130), (300, 150), (130, 250), (360, 40), (250, 255)]
OTHER_CELLS = [(60, 200), (300, 90), (150, 100), (200, 240), (360, 260)]
OTHER_DIRT = [(40, 40), (200, 60), (330, 200), (120, 150), (260, 120), (90, 260)]


def spoilt(cells, dirt, *, hue=CRYSTAL_VIOLET, needles=False, seed=0):
    """The membrane with grains of another hue, or needles of the dye itself."""
    layer = np.zeros((300, 400), np.float32)
    for k, (x, y) in enumerate(dirt):
        if needles:
            dx, dy = 22 * np.cos(0.7 * k), 22 * np.sin(0.7 * k)
            ends = (round(x - dx), round(y - dy)), (round(x + dx), round(y + dy))
            cv2.line(layer, *ends, 1.6, 5, cv2.LINE_AA)
        else:
            cv2.circle(layer, (x, y), 9, 1.2, -1, cv2.LINE_AA)
    depth = cv2.GaussianBlur(layer, (0, 0), 1.0)[..., None] * np.array(hue)
    return (membrane(cells, seed=seed) * np.exp(-depth)).astype(np.float32)


@pytest.mark.parametrize(
    "look",
    [{"hue": (0.5, 0.84, 0.2)}, {"hue": (0.8, 0.55, 0.2)}, {"needles": True}],
    ids=["redder grains", "bluer grains", "needles of the dye"],
)
def test_a_dozen_strokes_on_one_field_take_the_dirt_out_of_another(look):
    strokes = [Stroke("cell", ((x - 4.0, y), (x + 4.0, y)), 2.0) for x, y in CELLS[:4]]
    for k, (x, y) in enumerate(DIRT[:5]):
        # Along a needle, across a grain.
        angle, reach = (0.7 * k, 14) if "needles" in look else (0.0, 4)
        dx, dy = reach * np.cos(angle), reach * np.sin(angle)
        strokes.append(Stroke("dirt", ((x - dx, y - dy), (x + dx, y + dy)), 1.5))
    strokes += [Stroke("bare", ((20.0, 280.0), (100.0, 280.0)), 3.0)]
    strokes += [Stroke("bare", ((20.0, 80.0), (30.0, 90.0)), 3.0)]
    classes = learn_pixel_classes([MarkedPicture(spoilt(CELLS, DIRT, **look), tuple(strokes), 20)])
    other = spoilt(OTHER_CELLS, OTHER_DIRT, seed=5, **look)
    assert count_cells(other, pixel_um=1.0).count == len(OTHER_CELLS) + len(OTHER_DIRT)
    assert count_cells(other, pixel_um=1.0, classes=classes).count == len(OTHER_CELLS)


def test_strokes_weigh_as_much_as_held_out_ones_were_told_right():
    classes = learn_pixel_classes([marked()])
    # Six strokes, all told right by trees that had not seen them: Laplace's rule gives 7 to 1.
    assert classes.most == pytest.approx([np.log(7.0)] * 2)
    odds = classes.log_odds(membrane(CELLS), name="cell", cell_px=20.0)
    assert odds.max() == pytest.approx(np.log(7.0), rel=1e-6)
    assert odds.min() == pytest.approx(-np.log(7.0), rel=1e-6)


def test_strokes_that_contradict_themselves_change_nothing():
    """Half of the cells called cells, half of them not: held-out strokes are told wrong."""
    lines = [((x - 4.0, y), (x + 4.0, y)) for x, y in CELLS]
    strokes = [Stroke("cell" if k % 2 else "no", line, 3.0) for k, line in enumerate(lines)]
    classes = learn_pixel_classes([MarkedPicture(membrane(CELLS), tuple(strokes), 20.0)])
    assert max(classes.most) < np.log(3.0)
    assert count_cells(membrane(CELLS), pixel_um=1.0, classes=classes).count == 7


def test_strokes_of_one_class_are_refused():
    one = MarkedPicture(membrane(), (Stroke("cell", ((20.0, 20.0),)),), 20.0)
    with pytest.raises(MeasurementError, match="two classes"):
        learn_pixel_classes([one])


def test_a_class_that_nobody_marked_is_named_as_missing():
    classes = learn_pixel_classes([marked()])
    with pytest.raises(MeasurementError, match="No stroke is of class 'pore'"):
        classes.probability(membrane(), name="pore", cell_px=20.0)
