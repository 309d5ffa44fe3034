"""What a reader finds on the page of a finished study, and what can never get into it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from statistics import fmean
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from lamella.assays.contract import Panel, PanelKind
from lamella.evidence import Claim, compare
from lamella.potency.result import VERDICTS, Potency
from lamella.report import render
from lamella.report.answer import PLAIN_VERDICT, answer
from lamella.report.arms import arms_of
from lamella.report.beside import beside
from lamella.report.page import NOTICE
from lamella.report.palette import contrast, dose_colour, heat_colour
from lamella.report.panels import DRAW
from lamella.table.wells import Design, Well
from lamella.units import parse_dose

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert('x')</script>\"&<b>\x07\udc80"
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Balanced(HTMLParser):
    """Collects tags and texts, and fails where an element is closed that is not open."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.texts.append(data)


def page_of(result, folder):
    return render(result, out=folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def usual(finished_study, tmp_path_factory):
    """The page of the usual study, and the folder in which it lies."""
    folder = tmp_path_factory.mktemp("usual")
    return page_of(finished_study(), folder), folder


def drawn(result, kind, index=0):
    assay = result.assays[index]
    panel = next(panel for panel in assay.assay.panels if panel.kind == kind)
    return DRAW[kind](assay, result, panel)


def changed(result, **changes):
    return replace(result, assays=(replace(result.assays[0], **changes),))


def test_the_answer_stands_before_every_figure_and_states_its_batches(usual):
    page, _ = usual
    sentence = page.index("IC50 151 nM (95 % CI 88 to 259), n = 3 batches")
    assert sentence < page.index("n = 3 batches") < page.index("Batch 2: upper plateau short")
    assert page.index("Batch 2: upper plateau short") < page.index("<figure")


def test_every_panel_kind_can_be_drawn():
    assert set(DRAW) == set(PanelKind.__args__)


def test_the_page_is_whole_html_and_every_drawing_well_formed_xml(usual):
    page, folder = usual
    Balanced(page)
    for drawing in re.findall(r"<svg xmlns.*?</svg>", page, re.S):
        assert drawing.count("<svg") == drawing.count("</svg>") or "<svg" in drawing[4:]
    figures = sorted((folder / "figures").glob("*.svg"))
    assert len(figures) == 1 + 1 + 3 + 3  # closure, dose-response, a sheet a batch, a map a plate
    for figure in figures:
        root = ElementTree.fromstring(figure.read_bytes())
        assert root.tag == SVG + "svg" and root.get("aria-label")


def test_a_standalone_figure_holds_the_pictures_that_it_uses(usual):
    _, folder = usual
    sheet = next((folder / "figures").glob("*contact-sheet*1-batch-1.svg"))
    root = ElementTree.fromstring(sheet.read_bytes())
    known = {node.get("id") for node in root.iter() if node.get("id")}
    used = {node.get("href")[1:] for node in root.iter(SVG + "use")}
    assert used and used <= known


def test_the_page_asks_nothing_of_the_network(usual):
    page, _ = usual
    parsed = Balanced(page)
    for tag, attrs in parsed.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "poster"):
            target = attrs.get(name)
            assert target is None or target.startswith(("#", "data:image/jpeg", "data:text/csv")), (
                tag
            )
    assert "@import" not in page and not re.search(r"url\(", page)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_only_the_script_of_the_page_may_run(usual):
    page, _ = usual
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(scripts) == 1 and len(scripts[0]) < 5000
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    policy = policy.replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert not re.search(r"<[^>]+\son[a-z]+=", page)


def test_hostile_names_appear_as_text_and_never_as_markup(finished_study, tmp_path):
    result = finished_study(batches=(EVIL, "2"), compound=EVIL, title=EVIL, reason=EVIL)
    assay = result.assays[0]
    curves = tuple(replace(curve, id=EVIL, flags=(EVIL,)) for curve in assay.potency.curves)
    potency = replace(assay.potency, curves=curves, flags=(EVIL,), response=EVIL)
    wells = tuple(replace(well, plate=EVIL) for well in result.design.wells[:4])
    previews = tuple(replace(p, state=EVIL, field=EVIL) for p in assay.previews)
    panels = tuple(replace(panel, title=EVIL) for panel in assay.assay.panels)
    result = replace(
        changed(
            result,
            potency=potency,
            previews=previews,
            methods=EVIL,
            assay=replace(assay.assay, title=EVIL, panels=panels),
        ),
        cell_line=EVIL,
        design=Design((*wells, *result.design.wells[4:])),
        findings=tuple(replace(f, message=EVIL, place=EVIL) for f in result.findings),
        facts={EVIL: EVIL},
        provenance={EVIL: EVIL},
    )
    page = page_of(result, tmp_path)
    parsed = Balanced(page)
    assert sum(tag == "script" for tag, _ in parsed.tags) == 1
    assert not any(tag == "b" for tag, _ in parsed.tags)
    assert sum("alert('x')" in text for text in parsed.texts) > 30
    for figure in (tmp_path / "figures").glob("*.svg"):
        root = ElementTree.fromstring(figure.read_bytes())
        assert not list(root.iter(SVG + "script")) and not list(root.iter(SVG + "b"))


def test_a_name_that_a_spreadsheet_would_run_stays_text(finished_study, tmp_path):
    page_of(finished_study(compound="=cmd|'/c calc'!A1"), tmp_path)
    tables = list((tmp_path / "figures").glob("*.csv"))
    assert tables
    for table in tables:
        for row in csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"))):
            assert not any(cell.startswith(("=", "+", "@")) for cell in row)


def test_every_axis_names_its_unit(usual):
    _, folder = usual
    for kind in ("time-course", "dose-response"):
        (figure,) = (folder / "figures").glob(f"*{kind}*.svg")
        root = ElementTree.fromstring(figure.read_bytes())
        titles = [node.text for node in root.iter(SVG + "text") if node.get("class") == "axis"]
        assert len(titles) == 2
        assert all(re.search(r"\[[^\]]+\]", title) for title in titles)
    for figure in (folder / "figures").glob("*-plate-*.svg"):
        assert "[µm/h]" in figure.read_text(encoding="utf-8")


def test_the_bold_line_is_the_mean_of_batch_means_and_not_of_wells(finished_study):
    result = finished_study(wells=3)
    figure = drawn(result, "time_course")
    assay = result.assays[0]
    last = max(row.frame for row in assay.rows if row.frame is not None)
    batches = []
    for plate in ("P1", "P2", "P3"):
        # By hand: column 8 holds 1000 nM; rows that a person excluded do not count.
        found = [
            row.value
            for row in assay.rows
            if row.plate == plate
            and row.well.endswith("08")
            and row.metric == "closure"
            and row.frame == last
            and row.value is not None
            and row.flag != "excluded"
        ]
        batches.append(sum(found) / len(found))
    points = {
        (batch, time): (value, n) for arm, batch, time, value, n, _ in figure.rows if arm == "1 µM"
    }
    assert points["mean of batches", 24.0][0] == pytest.approx(sum(batches) / 3, rel=1e-12)
    assert points["mean of batches", 24.0][1] == 3
    for name, mean in zip("123", batches, strict=True):
        assert points[name, 24.0] == (pytest.approx(mean, rel=1e-12), 3)


def test_fields_are_averaged_before_wells(finished_study):
    result = finished_study(batches=("1",), doses=(0, 10), wells=2)
    assay = result.assays[0]
    kept = [row for row in assay.rows if row.metric == "closure" and row.frame == 1]
    first, second = (row for row in kept if row.well in ("B02", "C02"))
    rows = (
        replace(first, value=10.0, field="1", flag=None),
        replace(first, value=20.0, field="2", flag=None),
        replace(first, value=30.0, field="3", flag=None),
        replace(second, value=60.0, field="1", flag=None),
    )
    figure = drawn(changed(result, rows=rows), "time_course")
    assert figure.rows[0][3:5] == (40.0, 2)  # (mean of 10, 20, 30 = 20, and 60) / 2; not 30


def test_a_row_of_the_whole_well_stands_for_its_fields(finished_study):
    result = finished_study(batches=("1",), doses=(0,), wells=1)
    row = next(row for row in result.assays[0].rows if row.metric == "closure" and row.frame == 1)
    rows = (replace(row, value=10.0, field="1"), replace(row, value=50.0, field=""))
    figure = drawn(changed(result, rows=rows), "time_course")
    assert figure.rows[0][3:5] == (50.0, 1)


def test_a_well_that_a_person_excluded_enters_no_mean(finished_study):
    figure = drawn(finished_study(), "time_course")  # P3 C10, one of two wells at 16 µM
    points = {(arm, batch): n for arm, batch, time, _, n, _ in figure.rows if time == 24.0}
    assert points["16 µM", "2"] == 2
    assert points["16 µM", "3"] == 1


def test_the_mean_of_batches_ends_with_the_first_batch_that_ends(finished_study):
    result = finished_study()
    rows = tuple(r for r in result.assays[0].rows if not (r.plate == "P3" and r.frame == 6))
    figure = drawn(changed(result, rows=rows), "time_course")
    last = {batch: max(row[2] for row in figure.rows if row[1] == batch) for batch in "12"}
    assert last == {"1": 24.0, "2": 24.0}
    assert max(row[2] for row in figure.rows if row[1] == "mean of batches") == 20.0


def test_wells_are_points_of_the_dose_response_and_batches_its_replicates(finished_study):
    figure = drawn(finished_study(), "dose_response")
    assay = finished_study().assays[0]
    curve = assay.potency.curves[0]
    wells = [row for row in figure.rows if row[1] == "1" and row[2] == "well"]
    told = [
        pytest.approx(point, rel=1e-11) for point in zip(curve.doses, curve.responses, strict=True)
    ]
    assert [row[3:5] for row in wells] == told
    assert {row[3] for row in wells} == {0, 1, 4, 16, 63, 250, 1000, 4000, 16000}
    means = {row[3]: row[4] for row in figure.rows if row[1] == "1" and row[2] == "mean of wells"}
    for dose in set(means):
        own = [y for x, y in zip(curve.doses, curve.responses, strict=True) if round(x, 6) == dose]
        assert means[dose] == pytest.approx(fmean(own), rel=1e-12)
    assert "n = 3 batches" in figure.caption and "95 % confidence band" in figure.caption


def test_the_points_that_a_reader_saves_are_the_points_drawn(usual):
    page, folder = usual
    links = {
        attrs["download"]: unquote(attrs["href"].split(",", 1)[1])
        for tag, attrs in Balanced(page).tags
        if tag == "a" and "download" in attrs
    }
    assert len(links) == 5
    for name, text in links.items():
        assert (folder / "figures" / name).read_text(encoding="utf-8") == text
        rows = list(csv.reader(io.StringIO(text)))
        assert len({len(row) for row in rows}) == 1 and len(rows) > 1
    closure = next(text for name, text in links.items() if "time-course" in name)
    assert "mean closure [%]" in closure.splitlines()[0]


def test_every_flag_is_told_with_its_reason_and_whether_the_well_counted(usual):
    text = " ".join(Balanced(usual[0]).texts)
    for told in ("the edge is out of focus", "air bubble (AB)", "the area jumps by 20 %"):
        assert told in text
    assert "3 flags in 3 wells" in text
    assert "Flags of wells that entered the read-out, with their number: jump (1)." in text
    assert "2 wells of 54 gave no read-out: P1 C02, P3 C10." in text


def test_a_well_that_silently_has_no_readout_is_told(finished_study, tmp_path):
    result = finished_study()
    values = dict(result.assays[0].wells)
    values.pop(("P2", "B05"))
    text = " ".join(Balanced(page_of(changed(result, wells=values), tmp_path)).texts)
    assert "no value of edge speed for this well" in text


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_a_plain_sentence_and_no_number_unless_allowed(
    finished_study, tmp_path, verdict
):
    result = finished_study(frames=2)
    potency = result.assays[0].potency
    allowed = verdict.startswith("closed")
    one = potency.curves[0].absolute_ic50
    one = replace(one, verdict=verdict)
    if not allowed:
        one = Potency(None, None, None, verdict, "> 16 µM")
    curves = tuple(replace(curve, relative_ic50=one, absolute_ic50=one) for curve in potency.curves)
    between = replace(potency.between_batches, verdict=verdict)
    if not allowed:
        between = replace(between, value=None, low=None, high=None, text="> 16 µM")
    result = changed(result, potency=replace(potency, curves=curves, between_batches=between))
    text = " ".join(Balanced(page_of(result, tmp_path)).texts)
    assert PLAIN_VERDICT[verdict] in text
    assert ("151 nM" in text) == allowed


def test_batches_that_disagree_are_told_one_by_one(finished_study):
    result = finished_study()
    potency = result.assays[0].potency
    lost = Potency(None, None, None, "not_reached", "> 16 µM")
    curves = (*potency.curves[:2], replace(potency.curves[2], absolute_ic50=lost))
    between = replace(
        potency.between_batches,
        value=None,
        text="1 of 3 batches have no IC50",
        verdict="not_reached",
    )
    result = changed(result, potency=replace(potency, curves=curves, between_batches=between))
    told = answer(result.assays[0], result)
    assert told.sentence == "1 of 3 batches have no IC50"
    assert "batch 1: closed, batch 2: closed, batch 3: not reached" in told.verdict
    assert "No number is given for all of them." in told.verdict
    bounded = replace(potency, curves=curves)
    told = answer(changed(result, potency=bounded).assays[0], result)
    assert told.sentence.startswith("IC50 151 nM") and "batch 3: not reached" in told.verdict


def test_one_batch_is_called_technical_replicates(finished_study, tmp_path):
    result = finished_study(batches=("only",))
    told = answer(result.assays[0], result)
    assert "technical replicates only" in told.basis
    text = " ".join(Balanced(page_of(result, tmp_path)).texts)
    assert text.count("technical replicates only") >= 3  # answer and both curves


def test_the_notice_stands_at_head_and_foot(usual):
    page, _ = usual
    assert page.count(NOTICE) == 2
    assert page.index(NOTICE) < page.index("IC50 151 nM")
    printed = page.split("@media print")[1]
    assert re.search(r"@page[^}]*@bottom-left \{ content: \"For research use only", printed)


EMPTY = {
    "no potency": {"potency": None, "reason": "no test well with a dose has a read-out"},
    "no pictures": {"previews": ()},
    "no rows": {"rows": (), "wells": {}, "potency": None, "reason": "nothing was measured"},
    "no methods": {"methods": ""},
}


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_what_is_missing_is_said_and_never_ends_the_report(finished_study, tmp_path, name):
    result = changed(finished_study(), **EMPTY[name])
    page = page_of(result, tmp_path)
    Balanced(page)
    expected = {
        "no potency": "No dose-response: no test well with a dose has a read-out.",
        "no pictures": "No pictures: no image of this assay could be read.",
        "no rows": "No frame of any well has a value of closure: see flagged wells.",
        "no methods": "No assay gave a text for the methods section.",
    }[name]
    assert expected in page


def test_a_study_where_every_well_failed_lists_them_all(finished_study, tmp_path):
    result = finished_study()
    rows = tuple(
        replace(row, value=None, flag="unusable", reason="black picture")
        for row in result.assays[0].rows
    )
    result = changed(result, rows=rows, wells={}, potency=None, reason="no well has a read-out")
    text = " ".join(Balanced(page_of(result, tmp_path)).texts)
    assert "54 flags in 54 wells" in text and "No IC50: no well has a read-out." in text


def test_a_study_without_assay_or_well_still_has_a_page(finished_study, tmp_path):
    bare = replace(finished_study(), assays=(), design=Design(), facts={}, provenance={})
    assert "No assay in this study gave a result." in page_of(bare, tmp_path)
    no_wells = replace(finished_study(), design=Design())
    assert "The plate map has no wells." in page_of(no_wells, tmp_path)


SIZES = {
    "one well": {"batches": ("1",), "doses": (0,), "wells": 1},
    "one frame": {"frames": 1},
    "384 wells": {
        "doses": tuple(2.0**k - 1 for k in range(12)),
        "wells": 16,
        "batches": ("1", "2"),
    },
    "40 doses": {"doses": tuple(2.0**k - 1 for k in range(40)), "wells": 1},
    "30 batches": {"batches": tuple(f"day {k}" for k in range(30)), "doses": (0, 10), "wells": 1},
    "long names": {"compound": "N-" + "methyl" * 60, "title": "wide " * 80, "batches": ("b" * 90,)},
}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_small_large_and_wordy_studies_are_drawn_inside_their_frames(
    finished_study, tmp_path, name
):
    result = finished_study(**{"frames": 3, "jpeg_px": (30, 40), **SIZES[name]})
    Balanced(page_of(result, tmp_path))
    for figure in (tmp_path / "figures").glob("*.svg"):
        root = ElementTree.fromstring(figure.read_bytes())
        _, _, width, height = map(float, root.get("viewBox").split())
        for node in root.iter(SVG + "text"):
            assert float(node.get("x")) <= width and float(node.get("y")) <= height
        for node in root.iter(SVG + "circle"):
            assert 0 <= float(node.get("cx")) <= width and 0 <= float(node.get("cy")) <= height


def test_a_picture_that_is_gone_leaves_a_grey_field(finished_study, tmp_path):
    result = finished_study()
    lost = tuple(replace(p, jpeg=tmp_path / "gone.jpg") for p in result.assays[0].previews)
    assert "picture is missing" in page_of(changed(result, previews=lost), tmp_path)


def test_a_file_that_is_no_jpeg_is_not_taken_into_the_page(finished_study, tmp_path):
    fake = tmp_path / "secret.jpg"
    fake.write_text("not a picture")
    result = finished_study()
    wrong = tuple(replace(p, jpeg=fake) for p in result.assays[0].previews)
    page = page_of(changed(result, previews=wrong), tmp_path)
    assert base64.b64encode(b"not a picture").decode() not in page


def test_frames_without_times_get_an_axis_of_frames(finished_study):
    result = finished_study()
    rows = tuple(replace(row, time_h=None) for row in result.assays[0].rows)
    figure = drawn(changed(result, rows=rows), "time_course")
    assert "Frame, no times stated" in figure.drawings[0].svg
    assert figure.columns[2] == "frame"


def test_times_that_jitter_between_wells_fall_together(finished_study):
    result = finished_study()
    rows = tuple(
        row
        if row.time_h is None
        else replace(row, time_h=row.time_h + 0.03 * (int(row.well[1:]) % 3))
        for row in result.assays[0].rows
    )
    figure = drawn(changed(result, rows=rows), "time_course")
    assert len({row[2] for row in figure.rows}) == 7


def test_two_compounds_get_a_section_and_an_answer_each(finished_study, tmp_path):
    result = finished_study()
    assay = result.assays[0]
    two = (replace(assay, group="A on SUIT-2"), replace(assay, group="B on SUIT-2"))
    page = page_of(replace(result, assays=two), tmp_path)
    assert "Wound closure: A on SUIT-2" in page and "Wound closure: B on SUIT-2" in page
    assert page.count('class="headline"') == 2
    assert len(re.findall(r"<symbol", page)) == len(set(re.findall(r'<symbol id="(\w+)"', page)))


def test_published_numbers_stand_beside_the_result_with_what_may_be_said(finished_study, tmp_path):
    claims = (
        Claim("defactinib", "scratch", value_molar=151e-9, cell_line=EVIL),
        Claim("defactinib", "tube formation", value_molar=737e-9, cell_line="JIMT-1"),
    )
    both = tuple(compare(claim) for claim in claims)
    parsed = Balanced(page_of(replace(finished_study(), comparisons=both), tmp_path))
    text = " ".join(parsed.texts)
    for message in (*both[0].messages, *both[1].messages):
        assert " ".join(message.split()) in " ".join(text.split())
    # The guide prints 73.7 nM for JIMT-1: 737 nM is ten times that.
    (line,) = (one for one in beside(both[1]).comparable if "73.7" in one[0])
    assert line[3].startswith("10, ")
    assert not any(tag == "b" for tag, _ in parsed.tags)


def test_a_well_far_off_the_curve_is_ringed_and_stays(finished_study):
    result = finished_study()
    potency = result.assays[0].potency
    curves = (replace(potency.curves[0], outliers=(4,)), *potency.curves[1:])
    figure = drawn(changed(result, potency=replace(potency, curves=curves)), "dose_response")
    assert "one well, far off the curve" in figure.drawings[0].svg
    assert "it was fitted like all others" in figure.caption
    assert len(figure.rows) == len(drawn(result, "dose_response").rows)


def test_doses_are_told_apart_in_colour_and_in_grey_on_white():
    colours = [dose_colour(rank, 9) for rank in range(9)]
    against_white = [contrast(colour, "#ffffff") for colour in colours]
    assert against_white == sorted(against_white, reverse=True)  # lightness rises with dose
    assert min(against_white) >= 3.0  # WCAG 2.2, 1.4.11: graphical objects
    heat = [contrast(heat_colour(step / 10), "#000000") for step in range(11)]
    assert heat == sorted(heat, reverse=True)


def test_a_report_of_96_wells_and_24_frames_stays_under_10_mb(finished_study, tmp_path):
    plan = {"doses": tuple(10.0 * k for k in range(8)), "wells": 4, "frames": 24}
    result = finished_study(**plan, jpeg_px=(360, 480), quality=90)
    assert len(result.design.wells) == 96
    page = render(result, out=tmp_path / "report.html")
    assert page.stat().st_size < 10e6
    text = page.read_text(encoding="utf-8")
    assert "to keep this file small" in text
    for batch in ("1", "2", "3"):
        assert f"<h4>Batch {batch}</h4>" in text


def test_figures_of_a_batch_that_is_gone_go_too_but_never_a_person_s_files(
    finished_study, tmp_path
):
    for name in ("results", "desk"):
        own = tmp_path / name / "figures" / "mine.svg"
        own.parent.mkdir(parents=True)
        own.write_text("<svg/>")
        page_of(finished_study(), tmp_path / name)
        page_of(finished_study(batches=("1", "2")), tmp_path / name)
    assert not list((tmp_path / "results" / "figures").glob("*batch-3*"))
    assert (tmp_path / "desk" / "figures" / "mine.svg").exists()


def test_one_dose_written_in_two_units_is_one_arm():
    wells = (
        Well("P1", "A01", "1", "test", dose=parse_dose("0.1 µM")),
        Well("P1", "A02", "1", "test", dose=parse_dose("100 nM")),
        Well("P1", "A03", "1", "positive", compound="latrunculin", dose=parse_dose("1 µM")),
        Well("P1", "A04", "1", "vehicle"),
    )
    labels = [(arm.label, len(arm.wells)) for arm in arms_of(Design(wells))]
    assert labels == [
        ("vehicle", 1),
        ("100 nM", 2),
        ("positive control latrunculin 1 µM", 1),
    ]


def test_writing_twice_gives_the_same_bytes(finished_study, usual, tmp_path):
    assert usual[0] == page_of(finished_study(), tmp_path)


def test_a_panel_for_an_unknown_metric_says_so(finished_study):
    result = finished_study()
    panel = Panel("time_course", "Nothing", "no_such_metric")
    figure = DRAW["time_course"](result.assays[0], result, panel)
    assert "No such metric".lower() in figure.empty.lower()


def test_wells_with_free_names_are_laid_out_in_reading_order(finished_study):
    result = finished_study()
    wells = tuple(Well("M1", f"strip {k}", "1", "test") for k in range(14))
    figure = drawn(replace(result, design=Design(wells)), "plate")
    assert len(figure.rows) == 14 and "no value" in figure.drawings[0].svg
