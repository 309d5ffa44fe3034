"""What is seen of the pathway: a picture, a page with sliders, tables, and files for others."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lamella.app.cli import main
from lamella.errors import SettingsError
from lamella.export.models import MODEL_FORMATS
from lamella.export.sbgn import sbgn_text
from lamella.export.sbml import sbml_text
from lamella.report.palette import contrast, heat_colour
from lamella.report.panels.pathway import ABOVE, Shown, draw, fill, ink_on
from lamella.report.pathway_page import write_page
from lamella.signalling.diagram import NODES, activities
from lamella.signalling.models import model

SVG = "{http://www.w3.org/2000/svg}"
SBGN = "{http://sbgn.org/libsbgn/0.2}"


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(2)
    return activities(model("network"), [1e-7, 1e-5], [60.0, 7200.0], rng=rng, draws=20)


@pytest.fixture(scope="module")
def picture(found):
    return ElementTree.fromstring(draw(found, Shown(2, 1)).svg)


def table(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def boxes(picture):
    return {
        group.get("data-node"): group for group in picture.iter(f"{SVG}g") if group.get("data-node")
    }


def test_the_picture_holds_the_guides_line_from_matrix_to_migration(picture):
    assert set(boxes(picture)) == {node.id for node in NODES}
    said = " ".join(picture.itertext())
    for word in ("matrix", "integrin", "FAK pY397", "Src", "p130Cas", "paxillin", "Akt", "ERK"):
        assert word in said
    for word in ("migration", "defactinib", "ATP site", "Hypothesis simulator", "10 µM", "2 h"):
        assert word in said


def test_the_inhibitor_ends_in_bars_and_contested_steps_are_dashed(picture):
    lines = [line for line in picture.iter(f"{SVG}line") if line.get("marker-end")]
    bars = [line for line in lines if line.get("marker-end") == "url(#blocks)"]
    assert len(bars) == 3  # FAK, Pyk2, and the key
    told = {
        group.find(f"{SVG}title").text: group.find(f"{SVG}line")
        for group in picture.iter(f"{SVG}g")
        if group.find(f"{SVG}title") is not None and group.find(f"{SVG}line") is not None
    }
    for words, line in told.items():
        assert bool(line.get("stroke-dasharray")) == ("Against:" in words), words


def test_each_box_has_the_colour_and_the_words_of_its_activity(found, picture):
    for name, group in boxes(picture).items():
        if name not in found.nodes:
            continue
        median = found.median[found.nodes.index(name), 2, 1]
        colour = group.find(f"{SVG}rect").get("fill")
        assert colour == fill(float(median))
        words = group.findall(f"{SVG}text")[1].text
        assert float(words.split(" ")[0]) == pytest.approx(100 * median, rel=0.05, abs=0.51)
    fak = found.median[found.nodes.index("FAK")]
    assert fak[0, 1] == 1 and fak[2, 1] < 0.1 < fak[1, 1]


@pytest.mark.parametrize("share", np.linspace(0, 1.2, 25).tolist())
def test_words_are_read_on_every_colour(share):
    colour = fill(share)
    assert contrast(ink_on(colour), colour) >= 4.5  # WCAG 2.2, level AA


def test_lightness_falls_with_activity_so_that_grey_and_colour_blind_eyes_see_it():
    steps = [contrast("#ffffff", heat_colour(share)) for share in np.linspace(0, 1, 11)]
    assert all(a < b for a, b in pairwise(steps))
    assert fill(1.2) == ABOVE


def test_the_page_holds_all_states_and_needs_no_network(found, tmp_path):
    page = write_page(
        found, model("network"), Shown(1, 1), compound="defactinib", out=tmp_path / "p.html"
    )
    text = page.read_text("utf-8")
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text)
    assert "default-src 'none'" in text and "For research use only" in text
    states = json.loads(re.search(r'id="states">(.*?)</script>', text, re.DOTALL)[1])
    assert states["doses"] == ["vehicle", "100 nM", "10 µM"]
    assert states["hours"] == ["60 s", "2 h"]
    assert len(states["nodes"]["FAK"]["cells"]) == 6
    assert text.count('<input type="range"') == 2
    for parameter in model("network").parameters:
        assert f">{parameter.id}<" in text


def test_too_few_draws_or_another_kind_of_network_are_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(SettingsError, match="5 draws make no band"):
        activities(model("network"), [1e-7], [60.0], rng=rng, draws=5)
    with pytest.raises(SettingsError, match="has no 'ITGa'"):
        activities(model("core"), [1e-7], [60.0], rng=rng, draws=20, context="adherent")


@pytest.mark.parametrize("name", ["core", "network"])
def test_sbgn_joins_only_what_it_draws(name):
    root = ElementTree.fromstring(sbgn_text(model(name)))
    (drawn,) = root
    kinds = [child.tag for child in drawn]
    assert kinds == sorted(kinds, key=lambda tag: tag.endswith("arc"))  # the order of the schema
    ids = [part.get("id") for part in drawn.iter() if part.get("id")]
    assert len(set(ids)) == len(ids)
    arcs = drawn.findall(f"{SBGN}arc")
    assert {arc.get(end) for arc in arcs for end in ("source", "target")} <= set(ids)
    glyphs = {glyph.get("id"): glyph for glyph in drawn.findall(f"{SBGN}glyph")}
    assert set(model(name).species_ids) <= set(glyphs)
    processes = [glyph for glyph in glyphs.values() if glyph.get("class") == "process"]
    assert len(processes) == len(model(name).reactions)
    slowed = {arc.get("target") for arc in arcs if arc.get("class") == "inhibition"}
    by_hand = {"core": {"c3", "c4", "c5"}, "network": {"n5", "n6", "n20"}}[name]
    assert slowed == {f"process_{reaction}" for reaction in by_hand}


@pytest.mark.parametrize("form", MODEL_FORMATS)
def test_models_are_exported_from_the_command_line(form, tmp_path, capsys):
    assert main(["export", "--to", form, "--model", "core", "--out", str(tmp_path)]) == 0
    path = Path(capsys.readouterr().out.strip())
    if form == "omex":
        with zipfile.ZipFile(path) as archive:
            listed = ElementTree.fromstring(archive.read("manifest.xml"))
            files = {part.get("location").removeprefix("./") for part in listed}
            assert files == {*archive.namelist(), "."}
            assert archive.read("fak_core.xml").decode() == sbml_text(model("core"))
            course = ElementTree.fromstring(archive.read("fak_core.sedml"))
            (source,) = (part.get("source") for part in course.iter() if part.get("source"))
            assert source in archive.namelist()
    else:
        assert "pY397" in path.read_text("utf-8")


def test_a_calibration_travels_as_petab(tmp_path, capsys):
    blot = tmp_path / "pfak.csv"
    blot.write_text("dose,response,time\n0,9,2 h\n30 nM,6,2 h\n300 nM,2,30 min\n", encoding="utf-8")
    command = ["export", str(blot), "--to", "petab", "--out", str(tmp_path / "petab")]
    assert main(command) == 0
    files = [Path(line) for line in capsys.readouterr().out.split()]
    assert all(file.exists() for file in files)
    measured = (tmp_path / "petab" / "measurements.tsv").read_text("utf-8").splitlines()
    assert measured[1:] == [
        "measured\td0\t9.0\t7200.0",
        "measured\td1\t6.0\t7200.0",
        "measured\td2\t2.0\t1800.0",
    ]
    conditions = (tmp_path / "petab" / "conditions.tsv").read_text("utf-8").splitlines()
    assert conditions[0] == "conditionId\tdose"
    assert float(conditions[2].split("\t")[1]) == pytest.approx(0.03)  # µmol/L, as the model


def test_the_command_writes_page_picture_and_tables(tmp_path, capsys):
    command = ["simulate", "pathway", "--dose", "73.7 nM", "--draws", "20", "--json"]
    assert main([*command, "--out", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "lamella/simulate"
    assert {path.name for path in tmp_path.iterdir()} == {
        *("pathway.html", "pathway.svg", "activities.csv", "readouts.csv", "potency.csv")
    }
    kinds = [one["kind"] for one in told["estimates"]]
    assert kinds == ["prediction", *["fit"] * 7]
    rows = table(tmp_path / "activities.csv")
    assert {"7.37e-08"} <= {row["dose_molar"] for row in rows}
    assert "73.7 nM" in (tmp_path / "pathway.svg").read_text("utf-8")
    page = (tmp_path / "pathway.html").read_text("utf-8")
    predicted, fitted = page.index("<h2>Prediction</h2>"), page.index("<h2>Fits, not predictions")
    assert predicted < page.index("tube length, matrigel") < fitted < page.index("K1</td>")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dose", "100"], "dose '100' has no unit"),
        (["--dose", "3 mg/mL"], "no concentration in mol/L"),
        (["--dose", "-3 nM"], "negative"),
        (["--time", "2"], "no unit"),
        (["--time", "0 h"], "does not lie between"),
        (["--context", "plastic", "--draws", "20"], "no context 'plastic'"),
        (["--set", "k_casx=1"], "'k_casx' is not known"),
        (["--set", "k_cas=-1"], "'k_cas' is -1"),
        (["--set", "k_cas"], "write NAME=VALUE"),
    ],
)
def test_what_cannot_be_simulated_is_told_in_one_line(options, message, tmp_path, capsys):
    assert main(["simulate", "pathway", *options, "--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1


def test_a_model_of_someone_else_runs_and_names_what_it_lacks(tmp_path, capsys):
    path = tmp_path / "model.xml"
    path.write_text(sbml_text(model("core")), encoding="utf-8")
    command = ["simulate", "pathway", "--sbml", str(path), "--out", str(tmp_path)]
    given = ["--dose-name", "dose", "--dose", "10 uM", "--species", "pFAK"]
    assert main([*command, *given]) == 0
    capsys.readouterr()
    rows = table(tmp_path / "courses.csv")
    # By hand at the end: k theta / (k theta + 0.035), k 0.394, theta 1 / (1 + 10 / 0.012).
    theta = 1 / (1 + 10 / 0.012)
    at_rest = 0.394 * theta / (0.394 * theta + 0.035)
    assert float(rows[-1]["pFAK"]) == pytest.approx(at_rest, rel=1e-4)
    assert main([*command, "--species", "pFAC"]) == 1
    assert "no species or rule is called 'pFAC'" in capsys.readouterr().err


def test_a_pfak_table_without_units_is_refused(tmp_path, capsys):
    path = tmp_path / "pfak.csv"
    path.write_text("dose,response\n0,1\n10,0.5\n100,0.2\n", encoding="utf-8")
    assert main(["simulate", "pathway", "--pfak", str(path), "--out", str(tmp_path)]) == 1
    assert "dose '10' has no unit" in capsys.readouterr().err
