"""Does the forest plot show each published potency at its place, and how far they spread?"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lamella import evidence
from lamella.app.cli import main
from lamella.errors import SettingsError
from lamella.evidence import Claim
from lamella.report.beside import beside
from lamella.report.evidence_page import write_forest
from lamella.report.forest import forest

SVG = "{http://www.w3.org/2000/svg}"
GUIDE = tuple(row for row in evidence.find() if row.id.startswith("T"))


def parsed(figure) -> ElementTree.Element:
    return ElementTree.fromstring(figure.drawings[0].svg)


def words(tree: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in tree.iter(f"{SVG}text")]


def place_of(tree: ElementTree.Element, text: str) -> float:
    """x of the label or mark that carries the text."""
    for element in tree.iter(f"{SVG}text"):
        if element.text == text and element.get("text-anchor") == "middle":
            return float(element.get("x", "nan"))
    raise AssertionError(f"no tick '{text}'")


def mark_of(tree: ElementTree.Element, row: str) -> float:
    for group in tree.iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is not None and (title.text or "").startswith(f"{row}:"):
            (circle,) = group.findall(f"{SVG}circle")
            return float(circle.get("cx", "nan"))
    raise AssertionError(f"no mark of {row}")


def test_each_potency_lies_on_the_axis_where_its_number_does():
    tree = parsed(forest(evidence.find()))
    nm10, um10 = place_of(tree, "10 nM"), place_of(tree, "10 µM")
    decade = (um10 - nm10) / 3
    potencies = {"T2.1": 73.7, "T2.2": 152.0, "T1.2": 1980.0, "T1.3": 10340.0, "E01": 1.5}
    for row, nm in potencies.items():
        expected = nm10 + decade * (math.log10(nm) - 1)
        assert mark_of(tree, row) == pytest.approx(expected, abs=0.1), row  # a tenth of a pixel
    # A range has its mark at the geometric mean of its ends: sqrt(2.0 x 5.0) = 3.16 µM.
    assert mark_of(tree, "T1.1") == pytest.approx(nm10 + decade * 2.5, abs=0.1)


def test_the_spread_of_the_guide_is_told_in_words_and_drawn():
    said = words(parsed(forest(GUIDE)))
    # 10.34 µM / 73.7 nM = 140.3.
    assert "73.7 nM to 10.3 µM, 140-fold" in said
    assert "All potencies of the guide" in said
    assert said.index("Tube formation") < said.index("Viability")


def test_every_row_with_a_molar_number_is_drawn_and_the_others_are_counted():
    figure = forest(evidence.find())
    drawn = {row[0] for row in figure.rows}
    molar = {row.id for row in evidence.find() if row.canonical[3] == "nM"}
    assert drawn == molar
    assert f"{len(evidence.find()) - len(molar)} further rows" in figure.caption
    assert {"T1.1", "T1.2", "T1.3", "T2.1", "T2.2"} <= drawn


def test_unverified_rows_are_open_and_verified_ones_filled():
    tree = parsed(forest(evidence.find()))
    fills = {}
    for group in tree.iter(f"{SVG}g"):
        title, circle = group.find(f"{SVG}title"), group.find(f"{SVG}circle")
        if title is not None and circle is not None:
            fills[(title.text or "").split(":")[0]] = circle.get("fill")
    assert fills["T2.1"] == fills["E26"] == "#ffffff"
    assert fills["E01"] != "#ffffff"


def test_names_of_any_length_stay_in_their_column():
    long = replace(
        GUIDE[3],
        compound="a compound with <a very> long & unwieldy name",
        cell_line="a cell line that nobody could ever print in full; and another one",
    )
    tree = parsed(forest([long, *GUIDE]))
    for element in tree.iter(f"{SVG}text"):
        size = float(element.get("font-size", 13))
        # 0.62 em is the mean width of a letter of the widest of the fonts asked for.
        width = 0.62 * size * len(element.text or "")
        x = float(element.get("x", 0))
        if element.get("text-anchor") == "end":
            assert x - width > -0.1 * width, element.text
        elif element.get("text-anchor") is None:
            assert x + width < 1000 + 0.1 * width, element.text


def test_rows_without_a_potency_give_a_reason_and_no_drawing():
    figure = forest(evidence.find(assay="clinical"))
    assert figure.drawings == ()
    assert figure.empty == "None of 2 rows states a potency in mol/L."


def test_a_result_of_ones_own_stands_on_the_same_axis():
    claim = Claim("defactinib", "scratch", "IC50", 1e-7, 5e-8, 2e-7, cell_line="SUIT-2")
    figure = beside(evidence.compare(claim)).figure
    assert "This study: scratch, SUIT-2" in words(parsed(figure))
    assert "100 nM (95 % CI 50 nM to 200 nM)" in words(parsed(figure))


def test_the_command_line_draws_what_it_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, picture = tmp_path / "forest.html", tmp_path / "forest.svg"
    assert main(["evidence", "--compound", "defactinib", "--figure", str(page), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["assertions"]
    assert main(["evidence", "--target", "FAK", "--figure", str(picture)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "For research use only" in text
    assert all(f"<td>{row['id']}</td>" in text for row in found)
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", text)
    ElementTree.fromstring(picture.read_text(encoding="utf-8"))


def test_a_figure_of_another_kind_or_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"neither \.svg nor \.html"):
        write_forest(GUIDE, out=tmp_path / "forest.png")
    with pytest.raises(SettingsError, match="nothing to draw"):
        write_forest(evidence.find("aspirin"), out=tmp_path / "forest.svg")
