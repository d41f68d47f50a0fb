"""What holds a person beside the batches, by its own means: each holder takes out what it has of the one found."""

from __future__ import annotations

import getpass
from collections.abc import Callable

from leadscout_assets.forgetting.finding import Found
from leadscout_assets.home import Home

Holder = Callable[[Home, Found], int]
"""Takes a person out, and returns how many records or files those were. To do so again changes nothing."""


def reviews(home: Home, found: Found) -> int:
    """Delete what was asked and said of the person's leads."""
    from leadscout_assets.reviewing import forget_answers

    if not found.leads:
        return 0
    gone = forget_answers(home, sorted(found.leads), actor=getpass.getuser())
    return gone.reviews + gone.questions


def questionnaires(home: Home, found: Found) -> int:
    """Remove the questionnaires on the batches in which the person was found: they can be exported anew."""
    files = [file for batch in found.rows for file in home.settings.exports_dir.glob(f"{batch}*")]
    for file in files:
        file.unlink()
    return len(files)


HOLDERS: tuple[Holder, ...] = (reviews, questionnaires)
