"""What lies in a batch's report folder while the batch is refused: one sentence, where people look for the report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private

NAME = "REFUSED.txt"


def write_refusal(folder: Path, sentence: str) -> None:
    """Say in the batch's report folder why there is no report; files beside it are an earlier run's, and stay.

    Raises `EdgeFailed` where storage refuses.
    """
    note = f"This batch was refused: {sentence}\nAny report beside this note is of an earlier run.\n"
    with _storage():
        make_private(folder)
        temporary = folder / f".{NAME}"
        temporary.write_text(note, encoding="utf-8")
        temporary.replace(folder / NAME)


def withdraw_refusal(folder: Path) -> None:
    """Take the sentence away again once the batch is accepted. Raises `EdgeFailed` where storage refuses."""
    with _storage():
        (folder / NAME).unlink(missing_ok=True)


@contextmanager
def _storage() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgeFailed(f"{NAME} was not written: {error.strerror}; check free space and permissions") from None
