"""Every engine keeps the same promises: all items, one bad call costs one item."""

from __future__ import annotations

import math
import signal

import pytest

from lamella.engine import ENGINES, Lost

# The functions are the standard library's own: a spawned process must be able to import them.


@pytest.mark.parametrize("name", ENGINES)
class TestEveryEngine:
    def test_every_item_is_answered_once(self, name: str) -> None:
        found = dict(ENGINES[name](math.factorial, range(7), workers=2))
        assert found == {number: math.factorial(number) for number in range(7)}

    def test_nothing_to_do_is_fine(self, name: str) -> None:
        assert list(ENGINES[name](math.factorial, [], workers=2)) == []

    def test_a_call_that_raises_costs_its_own_item(self, name: str) -> None:
        found = dict(ENGINES[name](math.isqrt, [0, 1, -4, 9], workers=2))
        lost = found.pop(2)
        assert isinstance(lost, Lost)
        assert lost.reason.startswith("ValueError: isqrt")
        assert found == {0: 0, 1: 1, 3: 3}


def test_a_process_that_is_killed_costs_its_own_item() -> None:
    ignored, deadly = signal.SIGCHLD, signal.SIGKILL
    calls = [ignored, ignored, deadly, ignored]
    found = dict(ENGINES["processes"](signal.raise_signal, calls, workers=2))
    lost = found.pop(2)
    assert isinstance(lost, Lost)
    assert "killed" in lost.reason
    assert found == {0: None, 1: None, 3: None}
