"""What does a formula of a rate law say, what is its derivative, and how is it computed?

A small algebra of its own, so that a network can be differentiated, written as SBML and turned
into code without a computer algebra system. Formulas come as text (`k1 * A / (Km + A)`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lamella.errors import SettingsError, nearest

__all__ = [
    "FUNCTIONS",
    "Expression",
    "derivative",
    "evaluate",
    "named",
    "names",
    "number",
    "parse",
    "power",
    "product",
    "quotient",
    "renamed",
    "total",
    "written",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """A number, a name, or an operation on expressions.

    `op` is `number`, `name`, `+`, `*`, `/`, `^` or a function of `FUNCTIONS`; subtraction is the
    sum with a product by -1.
    """

    op: str
    args: tuple[Expression, ...] = ()
    value: float = 0.0
    name: str = ""


FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = {
    "exp": math.exp,
    "ln": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
}
_DEEPEST = 200


def parse(text: str) -> Expression:
    """The expression that a text says; `^` and `**` are powers.

    Raises:
        SettingsError: The text is no formula, or uses what is not supported.

    >>> written(parse("k * A / (Km + A) - 0.5"))
    'k * A / (Km + A) - 0.5'
    """
    try:
        tree = ast.parse(text.replace("^", "**").strip(), mode="eval")
        return _read(tree.body, text)
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise SettingsError(f"'{text[:80]}' is not a formula that can be read.") from error


def number(value: float) -> Expression:
    """A constant."""
    return Expression("number", value=float(value))


def named(name: str) -> Expression:
    """A species, parameter or rule."""
    return Expression("name", name=name)


def total(*terms: Expression) -> Expression:
    """The sum of terms, constants gathered."""
    flat: list[Expression] = []
    constant = 0.0
    for term in terms:
        for part in term.args if term.op == "+" else (term,):
            if part.op == "number":
                constant += part.value
            else:
                flat.append(part)
    if constant or not flat:
        flat.append(number(constant))
    return flat[0] if len(flat) == 1 else Expression("+", tuple(flat))


def product(*factors: Expression) -> Expression:
    """The product of factors, constants gathered; 0 where one is 0."""
    flat: list[Expression] = []
    constant = 1.0
    for factor in factors:
        for part in factor.args if factor.op == "*" else (factor,):
            if part.op == "number":
                constant *= part.value
            else:
                flat.append(part)
    if constant == 0 or not flat:
        return number(constant)
    if constant != 1:
        flat.insert(0, number(constant))
    return flat[0] if len(flat) == 1 else Expression("*", tuple(flat))


def quotient(above: Expression, below: Expression) -> Expression:
    """One expression over another."""
    if below.op == "number" and below.value == 1:
        return above
    if above.op == "number" and above.value == 0 and below != number(0):
        return above
    return Expression("/", (above, below))


def power(base: Expression, exponent: Expression) -> Expression:
    """One expression to the power of another."""
    if exponent.op == "number" and exponent.value in (0, 1):
        return base if exponent.value else number(1)
    return Expression("^", (base, exponent))


def names(expression: Expression) -> frozenset[str]:
    """Every name that the expression uses.

    >>> sorted(names(parse("k * A / (Km + A)")))
    ['A', 'Km', 'k']
    """
    return frozenset(_names(expression))


def renamed(expression: Expression, new: Mapping[str, Expression]) -> Expression:
    """The expression with names replaced."""
    if expression.op == "name":
        return new.get(expression.name, expression)
    if not expression.args:
        return expression
    return _rebuilt(expression.op, tuple(renamed(arg, new) for arg in expression.args))


def derivative(expression: Expression, by: Callable[[str], Expression]) -> Expression:
    """The derivative of an expression, given the derivative of each name.

    >>> slope = derivative(parse("k * A^2"), lambda name: number(float(name == "A")))
    >>> evaluate(slope, {"k": 3.0, "A": 2.0})
    12.0
    """
    op, args = expression.op, expression.args
    if op == "number":
        return expression if expression.value == 0 else number(0)
    if op == "name":
        return by(expression.name)
    inner = [derivative(arg, by) for arg in args]
    if op == "+":
        return total(*inner)
    if op == "*":
        terms = (product(*args[:i], d, *args[i + 1 :]) for i, d in enumerate(inner))
        return total(*terms)
    if op == "/":
        straight = quotient(inner[0], args[1])
        bent = quotient(product(number(-1), inner[1], args[0]), power(args[1], number(2)))
        return total(straight, bent)
    if op == "^":
        return _power_slope(expression, inner)
    return product(inner[0], _outer_slope(expression))


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """The value of an expression.

    Raises:
        SettingsError: A name has no value, or the value is not defined.
    """
    if expression.op == "number":
        return expression.value
    if expression.op == "name":
        if expression.name not in values:
            known = nearest(expression.name, values) if values else ""
            raise SettingsError(f"'{expression.name}' has no value. {known}")
        return values[expression.name]
    args = [evaluate(arg, values) for arg in expression.args]
    try:
        if expression.op == "+":
            return math.fsum(args)
        if expression.op == "*":
            return math.prod(args)
        if expression.op == "/":
            return args[0] / args[1]
        if expression.op == "^":
            return float(args[0] ** args[1])
        return FUNCTIONS[expression.op](args[0])
    except (ZeroDivisionError, ValueError, OverflowError, TypeError) as error:
        raise SettingsError(f"'{written(expression)[:80]}' has no value here: {error}.") from error


def written(expression: Expression, table: Mapping[str, str] | None = None) -> str:
    """The expression as text; with a `table`, as Python code on the names that it gives.

    >>> written(parse("2 * (A + B) / K^n"))
    '2 * (A + B) / K^n'
    >>> written(parse("K^n + ln(K)"), {"K": "p[0]", "n": "p[1]"})
    'p[0]**p[1] + log(p[0])'
    """
    return _written(expression, table)[0]


_SUM, _TERM, _FACTOR, _ATOM = range(4)


def _written(e: Expression, table: Mapping[str, str] | None) -> tuple[str, int]:
    """Text and how tightly it binds."""
    if e.op == "number":
        text = repr(e.value).removesuffix(".0") if table is None else repr(e.value)
        return text, _ATOM if e.value >= 0 else _SUM
    if e.op == "name":
        return (e.name if table is None else table[e.name]), _ATOM
    if e.op == "+":
        text = _at_least(e.args[0], _SUM, table)
        for arg in e.args[1:]:
            part = _at_least(arg, _TERM, table) if arg.op != "number" else _written(arg, table)[0]
            text += f" - {part[1:].lstrip()}" if part.startswith("-") else f" + {part}"
        return text, _SUM
    if e.op == "*":
        parts = [
            _at_least(arg, _TERM if i == 0 else _FACTOR, table) for i, arg in enumerate(e.args)
        ]
        if parts[0] in ("-1", "-1.0") and len(parts) > 1:
            return "-" + " * ".join(parts[1:]), _TERM
        return " * ".join(parts), _TERM
    if e.op == "/":
        left, right = _at_least(e.args[0], _TERM, table), _at_least(e.args[1], _FACTOR, table)
        return f"{left} / {right}", _TERM
    if e.op == "^":
        return _written_power(e, table), _FACTOR
    called = {"ln": "log"}.get(e.op, e.op) if table is not None else e.op
    return f"{called}({_written(e.args[0], table)[0]})", _ATOM


def _written_power(e: Expression, table: Mapping[str, str] | None) -> str:
    base, exponent = (_at_least(arg, _ATOM, table) for arg in e.args)
    if table is None:
        return f"{base}^{exponent}"
    whole = e.args[1].value if e.args[1].op == "number" else 0.0
    if whole in (2.0, 3.0) and e.args[0].op == "name":
        return "(" + " * ".join([base] * int(whole)) + ")"
    return f"{base}**{exponent}"


def _at_least(e: Expression, level: int, table: Mapping[str, str] | None) -> str:
    text, binds = _written(e, table)
    if e.op == "number" and e.value < 0 and level == _TERM:
        return text
    return text if binds >= level else f"({text})"


def _names(e: Expression) -> Iterator[str]:
    if e.op == "name":
        yield e.name
    for arg in e.args:
        yield from _names(arg)


def _rebuilt(op: str, args: tuple[Expression, ...]) -> Expression:
    if op == "+":
        return total(*args)
    if op == "*":
        return product(*args)
    if op == "/":
        return quotient(*args)
    if op == "^":
        return power(*args)
    return Expression(op, args)


def _power_slope(e: Expression, inner: list[Expression]) -> Expression:
    base, exponent = e.args
    down = power(base, total(exponent, number(-1)))
    slope = product(exponent, down, inner[0])
    if inner[1] == number(0):
        return slope
    return total(slope, product(e, Expression("ln", (base,)), inner[1]))


def _outer_slope(e: Expression) -> Expression:
    inside = e.args[0]
    if e.op == "exp":
        return e
    if e.op == "ln":
        return quotient(number(1), inside)
    if e.op == "sqrt":
        return quotient(number(0.5), e)
    return total(number(1), product(number(-1), power(e, number(2))))


def _read(node: ast.expr, text: str, depth: int = 0) -> Expression:
    if depth > _DEEPEST:
        raise SettingsError(f"'{text[:60]} ...' is nested too deeply.")
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return number(float(node.value))
    if isinstance(node, ast.Name):
        return named(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _read(node.operand, text, depth + 1)
        return product(number(-1), inner) if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        left, right = _read(node.left, text, depth + 1), _read(node.right, text, depth + 1)
        return _binary(node.op, left, right, text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in FUNCTIONS and len(node.args) == 1 and not node.keywords:
            return Expression(node.func.id, (_read(node.args[0], text, depth + 1),))
        raise SettingsError(
            f"function '{node.func.id}' in '{text[:60]}' is not known, or has not one argument. "
            f"{nearest(node.func.id, FUNCTIONS)}"
        )
    raise SettingsError(f"'{text[:60]}' holds something other than + - * / ^ and functions.")


def _binary(op: ast.operator, left: Expression, right: Expression, text: str) -> Expression:
    if isinstance(op, ast.Add):
        return total(left, right)
    if isinstance(op, ast.Sub):
        return total(left, product(number(-1), right))
    if isinstance(op, ast.Mult):
        return product(left, right)
    if isinstance(op, ast.Div):
        return quotient(left, right)
    if isinstance(op, ast.Pow):
        return power(left, right)
    raise SettingsError(f"'{text[:60]}' holds something other than + - * / ^ and functions.")
