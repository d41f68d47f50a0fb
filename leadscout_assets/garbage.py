"""How often a process looks for garbage that reference counts do not find. For the entries of processes; imports nothing of LeadScout."""

import gc


def look_seldom() -> None:
    """Look after 20,000 new objects instead of 700: a start makes a million that stay, and each look goes through many of them."""
    gc.set_threshold(20_000, 20, 20)
