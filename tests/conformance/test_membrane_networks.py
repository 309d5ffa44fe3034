"""Do Cellpose, StarDist and InstanSeg count behind the same interface, and only with weights that
the person at the keyboard names?

None of them is installed for these tests. The stand-ins take the arguments of the real classes
and no others: https://cellpose.readthedocs.io/en/v3.1.1.1/api.html and /en/latest/api.html
(`CellposeModel`), https://github.com/stardist/stardist (`StarDist2D.predict_instances`),
https://github.com/instanseg/instanseg (`InstanSeg.eval_small_image`).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from lamella.app.cli import main
from lamella.errors import MeasurementError, MissingExtraError, SettingsError
from lamella.study import make_plan, with_weights
from lamella.vision import counters
from lamella.vision.cells import count_cells
from lamella.vision.counters import Weights, network_labels
from lamella.vision.labelled_cells import field_of_labels

VIOLET = np.array([0.71, 0.69, 0.14])
CELLS = [(40 + 60 * (k % 5), 40 + 55 * (k // 5)) for k in range(20)]


def membrane(cells=CELLS) -> np.ndarray:
    dye = np.zeros((280, 340), np.float32)
    for at in cells:
        cv2.circle(dye, at, 10, 1.3, -1, cv2.LINE_AA)
    noise = np.random.default_rng(1).normal(0, 2, (280, 340, 3))
    depth = cv2.GaussianBlur(dye, (0, 0), 1.0)[..., None] * VIOLET
    return (200 * np.exp(-depth) + noise).clip(0, 255).astype(np.uint8)


def dark_objects(grey: np.ndarray) -> np.ndarray:
    """What a good network would find: connected objects darker than half way to the cells."""
    dark = grey < (grey.min() + np.median(grey)) / 2
    return cv2.connectedComponents(cv2.medianBlur(dark.astype(np.uint8), 5))[1]


class Seen:
    """What the stand-ins were given and what they return."""

    def __init__(self) -> None:
        self.made: dict[str, object] = {}
        self.called: dict[str, object] = {}
        self.labels: object = None

    def answer(self, grey: np.ndarray) -> object:
        return dark_objects(grey) if self.labels is None else self.labels


def module(monkeypatch, name: str, **members: object) -> None:
    made = ModuleType(name)
    vars(made).update(members)
    monkeypatch.setitem(sys.modules, name, made)


def put_cellpose(monkeypatch, seen: Seen, *, version: int) -> None:
    class Three:
        def __init__(
            self,
            gpu=False,
            pretrained_model=False,
            model_type=None,
            mkldnn=True,
            diam_mean=30.0,
            device=None,
            nchan=2,
            pretrained_model_ortho=None,
            backbone="default",
        ):
            seen.made = {"weights": pretrained_model, "type": model_type} | tensors_only()

        def eval(
            self,
            x,
            batch_size=8,
            resample=True,
            channels=None,
            channel_axis=None,
            z_axis=None,
            normalize=True,
            invert=False,
            rescale=None,
            diameter=None,
            flow_threshold=0.4,
            cellprob_threshold=0.0,
        ):
            seen.called = {"channels": channels, "axis": channel_axis, "diameter": diameter}
            return seen.answer(x if x.ndim == 2 else x.mean(axis=2)), [], []

    class Four(Three):
        def __init__(
            self,
            gpu=False,
            pretrained_model="cpsam",
            model_type=None,
            diam_mean=None,
            device=None,
            nchan=None,
            use_bfloat16=True,
        ):
            seen.made = {"weights": pretrained_model, "type": model_type} | tensors_only()

    module(monkeypatch, "cellpose")
    if version == 3:
        module(monkeypatch, "cellpose.models", CellposeModel=Three, Cellpose=object)
    else:
        module(monkeypatch, "cellpose.models", CellposeModel=Four)


def put_stardist(monkeypatch, seen: Seen, *, channels: int = 1) -> None:
    class StarDist2D:
        def __init__(self, config, name=None, basedir="."):
            assert config is None
            seen.made = {"weights": str(Path(basedir) / name)}
            self.config = SimpleNamespace(n_channel_in=channels)

        def predict_instances(
            self, img, axes=None, normalizer=None, sparse=True, prob_thresh=None, nms_thresh=None
        ):
            seen.called = {"axes": axes, "low": float(img.min()), "high": float(img.max())}
            return seen.answer(img if img.ndim == 2 else img.mean(axis=2)), {"points": []}

    def normalize(x, pmin=3, pmax=99.8, axis=None, clip=False, eps=1e-20, dtype=np.float32):
        low, high = np.percentile(x, (pmin, pmax), axis=axis, keepdims=True)
        return ((x - low) / (high - low + eps)).astype(dtype)

    module(monkeypatch, "stardist")
    module(monkeypatch, "stardist.models", StarDist2D=StarDist2D)
    module(monkeypatch, "csbdeep")
    module(monkeypatch, "csbdeep.utils", normalize=normalize)


def put_instanseg(monkeypatch, seen: Seen) -> None:
    class InstanSeg:
        def __init__(
            self,
            model_type="brightfield_nuclei",
            device=None,
            image_reader="tiffslide",
            verbosity=1,
        ):
            seen.made = {"net": model_type}
            self.small_image_threshold = 3 * 1500 * 1500

        def eval_small_image(
            self,
            image,
            pixel_size=None,
            normalise=True,
            return_image_tensor=True,
            target="all_outputs",
            rescale_output=True,
        ):
            seen.called = {"pixel_size": pixel_size, "target": target}
            assert not return_image_tensor
            found = np.asarray(seen.answer(image.mean(axis=2)), np.float32)
            return found if found.ndim != 2 else found[None, None]

    jit = SimpleNamespace(load=lambda path, map_location=None: ("TorchScript", path))
    module(monkeypatch, "torch", jit=jit)
    module(monkeypatch, "instanseg", InstanSeg=InstanSeg)


def tensors_only() -> dict[str, object]:
    return {"tensors_only": os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")}


PUT = {
    "cellpose 3": lambda patch, seen: put_cellpose(patch, seen, version=3),
    "cellpose 4": lambda patch, seen: put_cellpose(patch, seen, version=4),
    "stardist": put_stardist,
    "instanseg": put_instanseg,
}


@pytest.fixture(autouse=True)
def nothing_loaded():
    counters._loaded.cache_clear()
    yield
    counters._loaded.cache_clear()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def field(tmp_path: Path) -> Path:
    path = tmp_path / "field.png"
    cv2.imwrite(str(path), membrane()[..., ::-1])
    return path


def weights_for(network: str, folder: Path, content: bytes = b"weights") -> Path:
    if network != "stardist":
        (folder / "weights.pt").write_bytes(content)
        return folder / "weights.pt"
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text("{}", encoding="utf-8")
    (model / "weights_best.h5").write_bytes(content)
    return model


def measured(capsys, path: Path, *more: str) -> tuple[int, list[dict], str]:
    code = main(["measure", "transwell", str(path), "--pixel-um", "1", "--json", *more])
    told = capsys.readouterr()
    return code, json.loads(told.out)["rows"] if told.out else [], told.err


def counts(rows: list[dict]) -> dict[str | None, dict]:
    return {row["object"]: row for row in rows if row["metric"] == "cell_count"}


@pytest.mark.parametrize("network", PUT)
def test_a_network_counts_with_the_weights_that_a_person_names(
    network, seen, field, tmp_path, monkeypatch, capsys
):
    PUT[network](monkeypatch, seen)
    name = network.split()[0]
    path = weights_for(name, tmp_path)
    _, rows, _ = measured(capsys, field, "--set", f"counter={name}", "--weights", str(path))
    found = counts(rows)
    assert found[None]["value"] == found["automatic"]["value"] == len(CELLS)
    assert found[None]["flag"] == "counted_by_network"
    assert Weights.of(path).sha256 in found[None]["reason"]
    # Single discs far apart: outline, area and dye agree, so the interval is a few cells wide.
    assert len(CELLS) - 5 < found[None]["low"] < len(CELLS) < found[None]["high"] < len(CELLS) + 5
    inside = next(row for row in rows if row["metric"] == "cells_inside")
    assert inside["value"] == len(CELLS)
    density = next(row for row in rows if row["metric"] == "cell_density")
    assert density["value"] == pytest.approx(len(CELLS) / (280 * 340e-6))


def test_a_file_has_the_sha256_that_any_other_tool_computes(tmp_path):
    (tmp_path / "weights").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert Weights.of(tmp_path / "weights").sha256 == known == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize("version", [3, 4])
def test_cellpose_loads_tensors_only_and_is_told_what_its_version_takes(
    version, seen, tmp_path, monkeypatch
):
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
    put_cellpose(monkeypatch, seen, version=version)
    weights = Weights.of(weights_for("cellpose", tmp_path))
    image = membrane().astype(np.float32)
    network_labels(image, name="cellpose", weights=weights)
    assert seen.made == {"weights": str(weights.path), "type": None, "tensors_only": "1"}
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ
    grey = [0, 0] if version == 3 else None
    assert seen.called == {"channels": grey, "axis": -1, "diameter": None}
    network_labels(image[..., 0], name="cellpose", weights=weights, cell_px=18.0)
    assert seen.called == {"channels": grey, "axis": None, "diameter": 18.0}


@pytest.mark.parametrize(("channels", "axes"), [(1, "YX"), (3, "YXC")])
def test_stardist_gets_the_channels_it_was_trained_on_and_percentiles(
    channels, axes, seen, tmp_path, monkeypatch
):
    put_stardist(monkeypatch, seen, channels=channels)
    weights = Weights.of(weights_for("stardist", tmp_path))
    image = membrane().astype(np.float32)
    network_labels(image, name="stardist", weights=weights)
    assert seen.made["weights"] == str(weights.path)
    assert seen.called["axes"] == axes
    assert seen.called["low"] < 0.1
    assert 0.9 < seen.called["high"] < 1.5
    if channels == 3:
        with pytest.raises(MeasurementError, match="wants 3 channels"):
            network_labels(image[..., 0], name="stardist", weights=weights)


def test_instanseg_gets_torchscript_and_the_pixel_size_and_is_asked_for_cells(
    seen, tmp_path, monkeypatch
):
    put_instanseg(monkeypatch, seen)
    weights = Weights.of(weights_for("instanseg", tmp_path))
    image = membrane().astype(np.float32)
    network_labels(image, name="instanseg", weights=weights, pixel_um=0.65)
    assert seen.made["net"] == ("TorchScript", str(weights.path))
    assert seen.called == {"pixel_size": 0.65, "target": "cells"}


@pytest.mark.parametrize("name", counters.COUNTERS)
def test_a_package_that_is_not_there_is_named_with_the_command(
    name, field, tmp_path, capsys, monkeypatch
):
    for package in ("cellpose", "stardist", "instanseg", "torch"):
        monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    path = weights_for(name, tmp_path)
    with pytest.raises(MissingExtraError, match=f"pip install {name}"):
        network_labels(membrane().astype(np.float32), name=name, weights=Weights.of(path))
    _, rows, _ = measured(capsys, field, "--set", f"counter={name}", "--weights", str(path))
    count = counts(rows)[None]
    assert count["value"] is None
    assert f"pip install {name}" in count["reason"]


def test_without_weights_nothing_is_counted_and_the_option_is_named(field, capsys, monkeypatch):
    monkeypatch.delenv("LAMELLA_WEIGHTS", raising=False)
    code, rows, told = measured(capsys, field, "--set", "counter=cellpose")
    assert (code, rows) == (1, [])
    assert "--weights FILE" in told


def test_weights_that_are_not_there_are_told_before_anything_is_counted(field, capsys):
    code, rows, told = measured(
        capsys, field, "--set", "counter=cellpose", "--weights", "/nowhere/weights.pt"
    )
    assert (code, rows) == (1, [])
    assert "/nowhere/weights.pt: there are no weights" in told


def test_the_variable_stands_in_for_the_option(field, seen, tmp_path, monkeypatch, capsys):
    put_cellpose(monkeypatch, seen, version=4)
    path = weights_for("cellpose", tmp_path)
    monkeypatch.setenv("LAMELLA_WEIGHTS", str(path))
    _, rows, _ = measured(capsys, field, "--set", "counter=cellpose")
    assert counts(rows)[None]["value"] == len(CELLS)


def test_a_setting_cannot_name_weights(field, seen, tmp_path, monkeypatch, capsys):
    put_cellpose(monkeypatch, seen, version=3)
    path = weights_for("cellpose", tmp_path)
    stated = ("--set", "counter=cellpose", "--set", f"weights={path}")
    code, rows, told = measured(capsys, field, *stated)
    assert (code, rows) == (1, [])
    assert "never read from a study" in told
    assert not seen.made


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (np.zeros((280, 341), np.int32), "280 x 341 px for a picture of 280 x 340"),
        (np.zeros((2, 280, 340), np.int32), "2 x 280 x 340 px"),
        (np.full((280, 340), 0.5), "no whole numbers"),
        (np.full((280, 340), -1), "no whole numbers"),
        (np.full((280, 340), np.nan), "no numbers"),
        (np.full((280, 340), "a"), "no numbers"),
    ],
    ids=["one column more", "a stack", "halves", "negative", "nan", "text"],
)
def test_what_is_no_label_image_is_no_count(
    labels, why, seen, field, tmp_path, monkeypatch, capsys
):
    put_cellpose(monkeypatch, seen, version=4)
    seen.labels = labels
    path = weights_for("cellpose", tmp_path)
    _, rows, _ = measured(capsys, field, "--set", "counter=cellpose", "--weights", str(path))
    count = counts(rows)[None]
    assert count["value"] is None
    assert count["flag"] == "not_counted"
    assert why in count["reason"]


def test_no_object_is_a_count_of_0_without_an_interval_and_told_to_disagree(
    seen, field, tmp_path, monkeypatch, capsys
):
    put_cellpose(monkeypatch, seen, version=4)
    seen.labels = np.zeros((280, 340), np.uint16)
    path = weights_for("cellpose", tmp_path)
    _, rows, _ = measured(capsys, field, "--set", "counter=cellpose", "--weights", str(path))
    count = counts(rows)[None]
    assert (count["value"], count["low"], count["high"]) == (0, None, None)
    doubts = {row["object"]: row["reason"] for row in rows if row["metric"] == "quality"}
    assert "no interval is known" in doubts["no_interval"]
    assert f"cellpose counts 0 cells, Lamella {len(CELLS)}" in doubts["counters_disagree"]


def test_tiles_without_an_interval_have_none_and_are_counted(seen, tmp_path, monkeypatch, capsys):
    put_cellpose(monkeypatch, seen, version=4)
    path = weights_for("cellpose", tmp_path)
    wide = membrane([(40, 60), (170, 150), (300, 200)])
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    for name, part in (("t1", wide[:, :220]), ("t2", wide[:, 120:])):
        cv2.imwrite(str(tiles / f"A01_{name}.png"), part[..., ::-1])
    stated = ("tile_columns=2", "tile_overlap_percent=45", "counter=cellpose")
    more = [word for each in stated for word in ("--set", each)]
    pattern = ("--pattern", "{well}_{field}.png")
    _, rows, _ = measured(capsys, tiles, *more, *pattern, "--weights", str(path))
    inside = [row for row in rows if row["metric"] == "cells_inside"]
    assert sum(row["value"] for row in inside) == 3
    assert all(row["low"] is row["high"] is None for row in inside)


def test_labels_with_gaps_in_their_numbers_are_counted_once_each():
    image = membrane([(60, 60), (140, 150)]).astype(np.float32)
    base = count_cells(image, pixel_um=1.0)
    labels = dark_objects(image.mean(axis=2)).astype(np.int32)
    assert labels.max() == 2
    found = field_of_labels(image, labels, base, pixel_um=1.0, by="somebody")
    assert found.count == found.inside == 2
    nearest = [np.hypot(*(found.points_px - at).T).min() for at in ((60, 60), (140, 150))]
    assert max(nearest) < 1
    # Two discs of 10 px radius and density 1.3, each dulled by grey and noise only.
    assert found.integrated_density == pytest.approx(2 * np.pi * 100 * 1.3, rel=0.1)
    assert np.isnan(found.low)
    gappy = counters._checked(np.where(labels == 2, 900, labels), (280, 340), "somebody")
    assert sorted(np.unique(gappy)) == [0, 1, 2]


def test_cells_on_the_right_and_lower_border_belong_to_the_neighbour():
    image = membrane([(60, 60), (335, 100), (100, 276)]).astype(np.float32)
    base = count_cells(image, pixel_um=1.0)
    labels = dark_objects(image.mean(axis=2)).astype(np.int32)
    found = field_of_labels(image, labels, base, pixel_um=1.0, by="somebody")
    assert (found.count, found.inside) == (3, 1)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    (folder / "images" / "P1").mkdir(parents=True)
    (folder / "plates").mkdir()
    for well in ("A01", "A02"):
        cv2.imwrite(str(folder / "images" / "P1" / f"{well}_f1.png"), membrane()[..., ::-1])
    (folder / "plates" / "P1.csv").write_text(
        "plate,well,batch,role,compound,dose\nP1,A01,1,vehicle,,\nP1,A02,1,test,X,1 uM\n",
        encoding="utf-8",
    )
    (folder / "study.toml").write_text(
        '[study]\ntitle = "Networks"\n\n[[assay]]\nkind = "transwell"\n'
        'images = "images/{plate}/{well}_{field}.png"\npixel_um = 1.0\n\n'
        '[assay.settings]\ncounter = "cellpose"\n',
        encoding="utf-8",
    )
    return folder


def test_other_weights_are_another_recipe_and_a_copy_is_not(study, tmp_path):
    plan = make_plan(study)
    assert not plan.broken, [finding.message for finding in plan.broken]
    hashes = []
    for name, content in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        (tmp_path / name).write_bytes(content)
        calls = with_weights(plan, tmp_path / name).calls
        hashes.append({call.settings_hash for call in calls})
    assert hashes[0] != hashes[1]
    assert hashes[0] == hashes[2]


def test_a_run_measures_again_when_the_weights_change_and_says_which(
    study, seen, tmp_path, monkeypatch, capsys
):
    put_cellpose(monkeypatch, seen, version=4)
    run = ["run", str(study), "--workers", "1", "--weights"]
    path = weights_for("cellpose", tmp_path, b"one")
    main([*run, str(path)])
    seen.called = {}
    counters._loaded.cache_clear()
    main([*run, str(path)])
    assert not seen.called  # kept
    weights_for("cellpose", tmp_path, b"two")
    main([*run, str(path)])
    assert seen.called
    told = json.loads((study / "results" / "run.json").read_text(encoding="utf-8"))
    assert Weights.of(path).sha256 in json.dumps(told)
    capsys.readouterr()


def test_a_run_without_weights_stops_before_it_measures(study, monkeypatch, capsys):
    monkeypatch.delenv("LAMELLA_WEIGHTS", raising=False)
    assert main(["run", str(study)]) == 1
    assert "a study cannot name" in capsys.readouterr().err
    assert not (study / "results").exists()


def test_a_study_that_names_weights_is_refused(study, seen, tmp_path, monkeypatch, capsys):
    put_cellpose(monkeypatch, seen, version=4)
    path = weights_for("cellpose", tmp_path)
    text = (study / "study.toml").read_text(encoding="utf-8")
    for stated in (f'weights = "{path}"', f'weights = {{ path = "{path}", sha256 = "0" }}'):
        (study / "study.toml").write_text(f"{text}{stated}\n", encoding="utf-8")
        assert any("never read from a study" in one.message for one in make_plan(study).broken)
        assert main(["run", str(study)]) == 1
    capsys.readouterr()
    assert not seen.made


def test_weights_that_change_under_way_are_not_loaded(seen, tmp_path, monkeypatch):
    put_cellpose(monkeypatch, seen, version=4)
    path = weights_for("cellpose", tmp_path)
    named = Weights.of(path)
    path.write_bytes(b"something else")
    with pytest.raises(SettingsError, match="have changed since the run began"):
        network_labels(membrane().astype(np.float32), name="cellpose", weights=named)
    assert not seen.made


def test_a_folder_that_is_no_stardist_model_is_told(tmp_path, monkeypatch, seen):
    put_stardist(monkeypatch, seen)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="a StarDist model is a folder with"):
        network_labels(
            membrane().astype(np.float32),
            name="stardist",
            weights=Weights.of(tmp_path / "empty"),
        )
