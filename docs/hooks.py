"""Parts of the pages that are made from the code, so that they cannot fall behind it.

A page asks for a part with a line of its own, `<!-- made from code: NAME -->`.
"""

from __future__ import annotations

import argparse
import collections.abc
import re
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent
MARKER = re.compile(r"^<!-- made from code: ([a-z-]+) -->$", re.MULTILINE)
KINDS = {
    "numbers": "Numbers that may differ",
    "added": "Added",
    "changed": "Changed",
    "fixed": "Fixed",
    "removed": "Removed",
}


def on_config(config: Any) -> Any:
    """Leave out pages that do not exist, and list every decision record."""
    config["nav"] = _existing(config["nav"])
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace every marker by the part that it asks for."""

    def made(match: re.Match[str]) -> str:
        if match[1] not in PARTS:
            raise ValueError(f"a page asks for '{match[1]}'; there are {', '.join(PARTS)}")
        return PARTS[match[1]]()

    return MARKER.sub(made, markdown)


def _existing(nav: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for entry in nav:
        ((title, target),) = entry.items()
        if target == "decisions/index.md":
            kept.append({title: [target, *_decisions()]})
        elif isinstance(target, list):
            inner = _existing(target)
            kept += [{title: inner}] if inner else []
        elif (DOCS / target).is_file():
            kept.append(entry)
    return kept


def _decisions() -> list[str]:
    return [f"decisions/{path.name}" for path in sorted((DOCS / "decisions").glob("[0-9]*.md"))]


def study_keys() -> str:
    """Tables of every key of `study.toml`, from the models that check it."""
    from lamella.study.model import StudyFile

    return "\n".join(_model_tables(StudyFile, ""))


def settings_keys() -> str:
    """Tables of `[assay.settings]`, one an assay."""
    from lamella.assays import ASSAYS

    lines: list[str] = []
    for assay in ASSAYS:
        lines += [f'**{assay.title}** (`kind = "{assay.name}"`)', ""]
        lines += _fields(assay.settings)
    return "\n".join(lines)


def _model_tables(model: type[BaseModel], path: str) -> Iterator[str]:
    inner = {name: _model_in(field.annotation) for name, field in model.model_fields.items()}
    if path:
        yield from (f"### `{path}`", "")
        yield from _fields(model)
    for name, (nested, is_list) in inner.items():
        if nested is not None:
            below = f"{path.strip('[]')}.{name}".strip(".")
            if get_origin(model.model_fields[name].annotation) is collections.abc.Mapping:
                below += ".NAME"
            yield from _model_tables(nested, f"[[{below}]]" if is_list else f"[{below}]")


def _fields(model: type[BaseModel]) -> list[str]:
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        default = "**required**" if field.is_required() else _told_default(field.get_default())
        meaning = _plain(field.description or "")
        lines.append(f"| `{name}` | {_told_type(field.annotation)} | {default} | {meaning} |")
    return [*lines, ""]


def _told_default(value: object) -> str:
    if value is None or value in ("", (), {}):
        return ""
    return "" if isinstance(value, BaseModel) or "Undefined" in repr(value) else f"`{value}`"


def _told_type(annotation: Any) -> str:
    nested, is_list = _model_in(annotation)
    if nested is not None:
        return "tables" if is_list else "table"
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        known = [part for part in get_args(annotation) if part is not type(None)]
        return " or ".join(dict.fromkeys(map(_told_type, known)))
    if origin is not None and origin is not tuple:
        return "table" if isinstance(origin, type) and issubclass(origin, Mapping) else "text"
    names = {str: "text", float: "number", int: "whole number", bool: "true or false"}
    return "list of text" if origin is tuple else names.get(annotation, "value")


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in get_args(annotation):
        nested, _ = _model_in(part)
        if nested is not None:
            return nested, get_origin(annotation) is tuple
    return None, False


def verbs() -> str:
    """The help of every verb, from the parser itself."""
    from lamella.app.cli import build_parser

    (actions,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return "\n".join(
        line for name, parser in actions.choices.items() for line in _verb(name, parser)
    )


def _verb(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    usage = textwrap.fill(usage, 92, subsequent_indent="    ", break_on_hyphens=False)
    yield from (f"### lamella {name}", "", f"{_sentence(parser.description or '')}", "")
    yield from ("```text", usage, "```", "")
    rows = [(_called(action), action.help or "") for action in parser._actions[1:]]
    if rows:
        yield from ("| argument | meaning |", "|---|---|")
        for called, meaning in rows:
            yield f"| `{called}` | {_plain(meaning)} |"
        yield ""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for kind, inner in action.choices.items():
                yield from _verb(f"{name} {kind}", inner)


def _plain(text: str) -> str:
    """Text of the code as text of a table cell: marks outside of backticks are only marks."""
    outside = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))
    outside[::2] = [re.sub(r"([_*<{])", r"\\\1", part) for part in outside[::2]]
    return "".join(outside)


def _called(action: argparse.Action) -> str:
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    value = action.metavar or choices
    value = value if isinstance(value, str) else " ".join(value)
    if not action.option_strings:
        return value or action.dest
    takes_value = action.nargs != 0
    return (
        f"{action.option_strings[-1]} {value}".strip() if takes_value else action.option_strings[-1]
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def rules() -> str:
    """Every rule of design with its level and source."""
    from lamella.design.lint import RULES

    return _rule_table(RULES)


def controls() -> str:
    """The rules on controls of inserts."""
    from lamella.design.lint import CONTROLS

    return _rule_table(CONTROLS)


def contradictions() -> str:
    """The rules that find contradictions."""
    from lamella.design.lint import CONTRADICTIONS

    return _rule_table(CONTRADICTIONS)


def _rule_table(listed: Iterable[Any]) -> str:
    lines = ["| rule | scope | level | what it finds | source |", "|---|---|---|---|---|"]
    for rule in listed:
        cells = (rule.id, rule.scope, rule.level, rule.states, rule.source)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def potencies() -> str:
    """The forest plot of all published potencies, with its caption."""
    from lamella import evidence
    from lamella.report.forest import forest

    figure = forest(evidence.find())
    drawn = "".join(drawing.svg for drawing in figure.drawings).replace("\n", " ")
    return f'<div class="drawn">{drawn}</div>\n\n*{_plain(figure.caption)}*'


def cell_lines() -> str:
    """Every cell line that the evidence base knows."""
    from lamella.evidence.base import base

    lines = ["| name | accession | tissue | doubles in | what to know |", "|---|---|---|---|---|"]
    for line in base().cell_lines:
        accession = line.accession + (" (unverified)" if line.accession_status != "seen" else "")
        hours = "" if line.doubling_low_h is None else f"{line.doubling_low_h:g}"
        if line.doubling_high_h is not None and line.doubling_high_h != line.doubling_low_h:
            hours += f" to {line.doubling_high_h:g}"
        known = [line.misidentified_as and f"**is {line.misidentified_as}**", line.note]
        cells = (
            line.name,
            accession if line.accession else "",
            line.tissue,
            hours and f"{hours} h",
            "; ".join(part for part in known if part),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def protocols() -> str:
    """Every protocol with its steps and with what its source leaves open."""
    from lamella.design.protocol import protocols

    lines = ["| protocol | steps | asks for |", "|---|---|---|"]
    for one in protocols():
        steps = ", ".join(step.short for step in one.steps)
        gaps = "<br>".join(f"{gap.asks} `{gap.key}`" for gap in one.gaps)
        lines.append(f"| {one.title} (`{one.id}`) | {steps} | {gaps} |")
    return "\n".join(lines)


def guide_rows() -> str:
    """The ten rows of the guide's tables."""
    return _evidence_table("T")


def added_rows() -> str:
    """The rows that were added to them."""
    return _evidence_table("E")


def _evidence_table(initial: str) -> str:
    from lamella import evidence

    lines = ["| row | what | as printed | tier, source | what to know |", "|---|---|---|---|---|"]
    for row in evidence.find():
        if row.id.startswith(initial):
            what, printed = f"{row.cell_line}<br>{row.assay}", row.as_printed
            if initial == "E":
                what, printed = f"{row.compound}<br>{what}", f"{row.endpoint}: {printed}"
            cells = (row.id, what, printed, f"{row.tier}, {row.source.label}", "; ".join(row.flags))
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def evidence_tiers() -> str:
    """What each tier means."""
    from lamella.evidence import TIERS

    return "\n".join(
        ["| tier | means |", "|---|---|", *(f"| {t} | {m} |" for t, m in TIERS.items())]
    )


def references() -> str:
    """The references of the guide, and what of each was seen."""
    from lamella import evidence

    lines = ["| reference | title | where | seen |", "|---|---|---|---|"]
    for source in evidence.references():
        number = source.id.removeprefix("guide-")
        lines.append(f"| {number} | {source.title} | {source.identifier} | {source.seen} |")
    return "\n".join(lines)


def pathway() -> str:
    """Every step of the pathway with its references and what speaks against it."""
    from lamella.signalling import edges

    lines = [
        "| step | from | does | to | site | references | contradicted by |",
        "|---|---|---|---|---|---|---|",
    ]
    for step in edges():
        named = ", ".join(step.references) or step.status
        cells = (step.id, step.source, step.relation, step.target, step.site, named, step.against)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def changes() -> str:
    """The change files, gathered by kind."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for path in sorted((REPOSITORY / "changes").glob("*.*.md")):
        kind = path.name.split(".")[-2]
        if kind not in found:
            raise ValueError(f"{path.name}: kind '{kind}' is none of {', '.join(KINDS)}")
        found[kind].append(" ".join(path.read_text("utf-8").split()))
    lines: list[str] = []
    for kind, entries in found.items():
        if entries:
            lines += [f"## {KINDS[kind]}", "", *(f"- {entry}" for entry in entries), ""]
    return "\n".join(lines)


def decisions() -> str:
    """The titles of all decision records."""
    lines = []
    for target in _decisions():
        path = DOCS / target
        title = path.read_text("utf-8").splitlines()[0].removeprefix("# ")[4:].lstrip(": ")
        lines.append(f"- {path.name[:4]} [{title}]({path.name})")
    return "\n".join(lines)


def architecture() -> str:
    """`ARCHITECTURE.md` without its title, with links that work from here."""
    text = (REPOSITORY / "ARCHITECTURE.md").read_text("utf-8")
    return text.partition("\n")[2].replace("](docs/", "](")


PARTS: dict[str, Callable[[], str]] = {
    "study-keys": study_keys,
    "settings-keys": settings_keys,
    "verbs": verbs,
    "rules": rules,
    "protocols": protocols,
    "contradictions": contradictions,
    "controls": controls,
    "cell-lines": cell_lines,
    "potencies": potencies,
    "guide-rows": guide_rows,
    "added-rows": added_rows,
    "evidence-tiers": evidence_tiers,
    "references": references,
    "pathway": pathway,
    "changes": changes,
    "decisions": decisions,
    "architecture": architecture,
}
