"""Does every plate that Lamella lays out pass the rules that it applies to the plates of others?"""

from __future__ import annotations

import pytest

from lamella.design.facts import Facts
from lamella.design.layout import Treatment, lay_out_batches, with_controls
from lamella.design.lint import RULES, lint
from lamella.units import Dose

OF_PLATES = [rule for rule in RULES if rule.id[0] == "D" or rule.id == "V02"]


@pytest.mark.parametrize(
    ("plate_format", "doses", "replicates"), [(24, 5, 2), (48, 6, 4), (96, 8, 3), (384, 10, 4)]
)
@pytest.mark.parametrize("seed", range(5))
def test_a_layout_of_three_days_has_no_finding(plate_format, doses, replicates, seed):
    arms = with_controls(
        [Dose(10 ** (-9 + step / 2)) for step in range(doses)],
        compound="defactinib",
        replicates=replicates,
        positive=Treatment("positive", 2, "cytochalasin D", Dose(1e-6)),
    )
    made = lay_out_batches(arms, batches=3, plate_format=plate_format, seed=seed)
    wells = tuple(w for batch, plate in made for w in plate.wells(batch=batch, cell_line="SUIT-2"))
    assert lint(Facts(wells=wells), rules=OF_PLATES) == ()
