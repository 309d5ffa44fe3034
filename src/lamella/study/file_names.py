"""What may a file be called, whatever a plate, well or field is called?"""

from __future__ import annotations

import hashlib
import re

__all__ = ["safe_name"]


def safe_name(text: str) -> str:
    """A file name that stays in its folder on every system and differs where texts differ.

    >>> safe_name("B02"), safe_name("../x") != safe_name(".. x")
    ('B02', True)
    """
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", text).strip(".")[:80]
    if plain == text and plain:
        return plain
    mark = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    return f"{plain or 'x'}-{mark}"
