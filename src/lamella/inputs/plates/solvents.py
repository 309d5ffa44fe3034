"""Is a compound of a plate map the solvent alone?"""

from __future__ import annotations

import re

__all__ = ["names_solvent"]

_SOLVENT = re.compile(
    r"dmso|dimethyl ?sulf|vehicle|solvent|ethanol|etoh|methanol|meoh|pbs|water|h2o", re.IGNORECASE
)


def names_solvent(compound: str) -> bool:
    """Whether the name is that of a solvent.

    >>> names_solvent("DMSO"), names_solvent("defactinib")
    (True, False)
    """
    return _SOLVENT.search(compound) is not None
