"""Does every file of the package keep its budget of size and its habits?

A code line is a physical line that carries a token other than a comment, and that is not part of
a docstring (a bare string statement). The length of a function counts from `def`, without its
decorators; a nested function counts in itself and in the one around it.
"""

from __future__ import annotations

import ast
import io
import math
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from textwrap import dedent

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "src" / "lamella"
CHECKED_TESTS = (REPOSITORY / "tests", REPOSITORY / "bench")

FILE_LINES = 400
FUNCTION_LINES = 40
FUNCTION_LINES_P90 = 30
PARAMETERS = 6
VAGUE_NAMES = {"utils", "util", "helpers", "misc", "common"}
MUTABLE_CALLS = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "array"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Offender = str
_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


class Source:
    """One parsed file: its tree, its module name and its code lines."""

    def __init__(self, path: Path, root: Path) -> None:
        """Read and parse; `root` is the folder that holds the top-level package."""
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        parts = path.relative_to(root).with_suffix("").parts
        self.is_package = parts[-1] == "__init__"
        self.module = ".".join(parts[:-1] if self.is_package else parts)

    @cached_property
    def code_lines(self) -> list[int]:
        return sorted(_code_lines(self.text, self.nodes))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Function))

    def length(self, function: Function) -> int:
        first, last = function.lineno, function.end_lineno or function.lineno
        return bisect_right(self.code_lines, last) - bisect_left(self.code_lines, first)

    def at(self, node: ast.AST | int) -> str:
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.path}:{line}"


def _code_lines(text: str, nodes: tuple[ast.AST, ...]) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in nodes:
        if _is_docstring(node):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    written = text.splitlines()
    return {line for line in lines if written[line - 1].strip()}


def _is_docstring(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)


def sources(folder: Path, root: Path) -> list[Source]:
    return [Source(path, root) for path in sorted(folder.rglob("*.py"))]


def too_long_files(files: list[Source]) -> list[Offender]:
    return [
        f"{file.at(1)} has {len(file.code_lines)} code lines, more than {FILE_LINES}"
        for file in files
        if len(file.code_lines) > FILE_LINES
    ]


def too_long_functions(files: list[Source]) -> list[Offender]:
    return [
        f"{file.at(function)} {function.name} has {length} code lines, more than {FUNCTION_LINES}"
        for file in files
        for function in file.functions
        if (length := file.length(function)) > FUNCTION_LINES
    ]


def long_functions_too_common(files: list[Source]) -> list[Offender]:
    """The 90th percentile by nearest rank; every function above the limit is named."""
    found = sorted(
        (file.length(function), file.at(function), function.name)
        for file in files
        for function in file.functions
    )
    if not found or found[math.ceil(0.9 * len(found)) - 1][0] <= FUNCTION_LINES_P90:
        return []
    return [
        f"{place} {name} has {length} code lines; 9 of 10 functions have at most "
        f"{FUNCTION_LINES_P90}"
        for length, place, name in found
        if length > FUNCTION_LINES_P90
    ]


def too_many_parameters(files: list[Source]) -> list[Offender]:
    return [
        f"{file.at(function)} {function.name} has {count} parameters, more than {PARAMETERS}"
        for file in files
        for function in file.functions
        if (count := _parameters(function)) > PARAMETERS
    ]


def _parameters(function: Function) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named = [argument for argument in named if argument.arg not in {"self", "cls"}]
    return len(named) + sum(extra is not None for extra in (arguments.vararg, arguments.kwarg))


def mutable_defaults(files: list[Source]) -> list[Offender]:
    return [
        f"{file.at(default)} a mutable default is shared by all calls; default to None or a tuple"
        for file in files
        for node in file.nodes
        if isinstance(node, Function | ast.Lambda)
        for default in (*node.args.defaults, *node.args.kw_defaults)
        if default is not None and _is_mutable(default)
    ]


def _is_mutable(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) in MUTABLE_CALLS
    return isinstance(
        node, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    )


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def prints_outside_app(files: list[Source]) -> list[Offender]:
    return [
        f"{file.at(node)} prints; only the app layer speaks to the terminal"
        for file in files
        if "app" not in file.module.split(".")[1:2]
        for node in file.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in {"print", "pprint"}
    ]


def vague_modules(files: list[Source]) -> list[Offender]:
    return [
        f"{file.at(1)} is called '{name}'; name it after a thing of the laboratory"
        for file in files
        if (name := file.module.rsplit(".", 1)[-1]) in VAGUE_NAMES
    ]


def raises_without_match(files: list[Source]) -> list[Offender]:
    return [
        f"{file.at(node)} pytest.raises has no match=, so any message would pass"
        for file in files
        for node in file.nodes
        if isinstance(node, ast.Call) and _called(node) == "raises" and not _has_match(node)
    ]


def _has_match(call: ast.Call) -> bool:
    given = next((word.value for word in call.keywords if word.arg == "match"), None)
    return given is not None and not (isinstance(given, ast.Constant) and not given.value)


def import_cycles(files: list[Source]) -> list[Offender]:
    """Modules that need each other at import time, one line a group.

    Imports inside functions and under `TYPE_CHECKING` run later or never, and close no cycle.
    """
    modules = {file.module: file for file in files}
    needs = {name: _imports(file, set(modules)) for name, file in modules.items()}
    return [
        f"{modules[group[0]].at(1)} imports itself in a circle: {' -> '.join((*group, group[0]))}"
        for group in _circles(needs)
    ]


def _imports(file: Source, known: set[str]) -> set[str]:
    found: set[str] = set()
    for node in _at_import_time(file.tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, file)
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                found.add(deeper if deeper in known else base)
    return (found & known) - {file.module}


def _at_import_time(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _at_import_time(node)


def _absolute(node: ast.ImportFrom, file: Source) -> str:
    if not node.level:
        return node.module or ""
    above = file.module.split(".")
    above = above[: len(above) - node.level + (1 if file.is_package else 0)]
    return ".".join([*above, *([node.module] if node.module else [])])


def _circles(needs: dict[str, set[str]]) -> list[list[str]]:
    """One shortest circle through each module that lies on one, each circle once."""
    circles: dict[frozenset[str], list[str]] = {}
    for start in sorted(needs):
        paths = [[start]]
        seen: set[str] = set()
        while paths:
            path = paths.pop(0)
            if start in needs[path[-1]]:
                circles.setdefault(frozenset(path), path)
                break
            fresh = sorted(needs[path[-1]] - seen)
            seen.update(fresh)
            paths.extend([*path, name] for name in fresh)
    return list(circles.values())


Check = Callable[[list[Source]], list[Offender]]
PACKAGE_CHECKS: tuple[Check, ...] = (
    too_long_files,
    too_long_functions,
    long_functions_too_common,
    too_many_parameters,
    mutable_defaults,
    prints_outside_app,
    vague_modules,
    import_cycles,
)
TEST_CHECKS: tuple[Check, ...] = (raises_without_match, vague_modules)


@pytest.fixture(scope="module")
def package() -> list[Source]:
    return sources(PACKAGE, PACKAGE.parent)


def test_the_package_and_its_tests_keep_their_budgets(package):
    tests = [file for folder in CHECKED_TESTS for file in sources(folder, REPOSITORY)]
    offenders = [line for check in PACKAGE_CHECKS for line in check(package)]
    offenders += [line for check in TEST_CHECKS for line in check(tests)]
    assert not offenders, "\n" + "\n".join(offenders)


def test_the_checks_saw_the_whole_package(package):
    seen = {file.module.split(".")[1] for file in package[1:]}
    assert {"app", "study", "assays", "vision", "potency", "table", "units"} <= seen


# What follows plants offenders and demands that each is found where it stands.


def planted(tmp_path: Path, **modules: str) -> list[Source]:
    folder = tmp_path / "lamella"
    for name, text in {"__init__": "", **modules}.items():
        path = folder.joinpath(*name.split("__in__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return sources(folder, tmp_path)


def function_of(lines: int, name: str = "grow") -> str:
    return f"def {name}():\n" + "    x = 1\n" * (lines - 1)


def test_comments_blank_lines_and_docstrings_are_not_code(tmp_path):
    (_, file) = planted(
        tmp_path,
        gap='''
        """What is a gap?

        Two lines of it."""

        # A remark.
        WIDTH = (
            1,

            2,  # said beside the code
        )


        def area():
            """One line."""
            return "text that is not a docstring"
        ''',
    )
    assert len(file.code_lines) == 6  # WIDTH is 4, def and return 2
    assert [file.length(function) for function in file.functions] == [2]


@pytest.mark.parametrize(("lines", "offends"), [(400, False), (401, True)])
def test_a_file_of_more_than_400_code_lines_is_reported(tmp_path, lines, offends):
    files = planted(tmp_path, gap="x = 1\n" * lines + "\n# a remark\n" * 5)
    assert too_long_files(files) == (
        [f"{tmp_path}/lamella/gap.py:1 has 401 code lines, more than 400"] if offends else []
    )


@pytest.mark.parametrize(("lines", "offends"), [(40, False), (41, True)])
def test_a_function_of_more_than_40_code_lines_is_reported(tmp_path, lines, offends):
    files = planted(tmp_path, gap="\n" + function_of(lines))
    assert too_long_functions(files) == (
        [f"{tmp_path}/lamella/gap.py:2 grow has 41 code lines, more than 40"] if offends else []
    )


@pytest.mark.parametrize(("long_ones", "reported"), [(1, 0), (2, 2)])
def test_at_most_one_function_in_ten_may_be_long(tmp_path, long_ones, reported):
    lengths = [31] * long_ones + [30] * (10 - long_ones)
    text = "\n".join(function_of(length, f"f{i}") for i, length in enumerate(lengths))
    assert len(long_functions_too_common(planted(tmp_path, gap=text))) == reported


def test_a_seventh_parameter_is_reported_but_self_is_free(tmp_path):
    files = planted(
        tmp_path,
        gap="""
        def six(a, b, *, c, d, e, f): ...
        def seven(a, b, *, c, d, e, f, g): ...
        def packed(a, b, c, d, e, *rest, **more): ...
        class Gap:
            def six(self, a, b, c, d, e, f): ...
        """,
    )
    assert [line.split()[1] for line in too_many_parameters(files)] == ["seven", "packed"]


def test_every_mutable_default_is_reported(tmp_path):
    files = planted(
        tmp_path,
        gap="""
        def a(x=[]): ...
        def b(*, x={1: 2}): ...
        def c(x=np.array([1.0])): ...
        def d(x=(), y=None, z="", w=frozenset()): ...
        e = lambda x=set(): x
        """,
    )
    places = [line.split()[0].rsplit(":", 1)[1] for line in mutable_defaults(files)]
    assert places == ["2", "3", "4", "6"]


def test_a_print_is_allowed_in_the_app_alone(tmp_path):
    files = planted(
        tmp_path,
        app__in__cli="print('a table')",
        vision__in__gap='def f():\n    """>>> print(1)"""\n    print("seen")',
        vision__in__app="print('not the app layer')",
    )
    assert [line.split()[0] for line in prints_outside_app(files)] == [
        f"{tmp_path}/lamella/vision/app.py:1",
        f"{tmp_path}/lamella/vision/gap.py:3",
    ]


def test_a_module_called_utils_is_reported(tmp_path):
    files = planted(tmp_path, vision__in__utils="", vision__in__gap="")
    assert [line.split()[3] for line in vague_modules(files)] == ["'utils';"]


def test_raises_without_a_message_is_reported(tmp_path):
    files = planted(
        tmp_path,
        gap="""
        with pytest.raises(ValueError): ...
        with pytest.raises(ValueError, match=""): ...
        with raises(ValueError): ...
        with pytest.raises(ValueError, match="no unit"): ...
        """,
    )
    assert len(raises_without_match(files)) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from lamella import band", "from lamella.gap import area"),
        ("import lamella.band", "from . import gap"),
        ("from .band import width", "if True:\n    import lamella.gap"),
    ],
)
def test_two_modules_that_import_each_other_are_reported(tmp_path, one, other):
    found = import_cycles(planted(tmp_path, gap=one, band=other))
    assert found == [
        f"{tmp_path}/lamella/band.py:1 imports itself in a circle: "
        "lamella.band -> lamella.gap -> lamella.band"
    ]


def test_a_circle_through_a_package_and_a_third_module_is_reported(tmp_path):
    found = import_cycles(
        planted(
            tmp_path,
            vision__in____init__="from lamella.vision.gap import area",
            vision__in__gap="from lamella.band import width",
            band="from lamella.vision import area",
        )
    )
    assert len(found) == 1
    assert "lamella.band -> lamella.vision -> lamella.vision.gap -> lamella.band" in found[0]


def test_an_import_that_runs_later_closes_no_circle(tmp_path):
    assert not import_cycles(
        planted(
            tmp_path,
            gap="def area():\n    from lamella.band import width",
            band="""
            from typing import TYPE_CHECKING
            from lamella.gap import area
            if TYPE_CHECKING:
                from lamella.blot import lane
            """,
            blot="from lamella.band import width",
        )
    )


def test_all_offenders_are_reported_at_once(tmp_path):
    files = planted(
        tmp_path,
        gap=function_of(41) + "def wide(a, b, c, d, e, f, g=[]):\n    print(a)\n",
        utils="",
    )
    found = [line for check in PACKAGE_CHECKS for line in check(files)]
    assert len(found) == 6  # too long, p90, too wide, mutable default, print, vague name
