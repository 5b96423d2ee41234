"""How much memory there is for rows that a method needs in this process."""

from __future__ import annotations

import os


def free_memory() -> int:
    """Bytes that are free now."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # not told by this operating system: assume a small laptop
        return 4 * 2**30
