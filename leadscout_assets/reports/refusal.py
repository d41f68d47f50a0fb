"""What lies in a batch's report folder while the batch is refused: one sentence, where people look for the report."""

from pathlib import Path

NAME = "REFUSED.txt"


def write_refusal(folder: Path, sentence: str) -> None:
    """Say in the batch's report folder why there is no report, in place of what an earlier run left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        if left.is_file():
            left.unlink()
    temporary = folder / f".{NAME}"
    temporary.write_text(f"This batch was refused: {sentence}\n", encoding="utf-8")
    temporary.replace(folder / NAME)


def withdraw_refusal(folder: Path) -> None:
    """Take the sentence away again once the batch is accepted."""
    (folder / NAME).unlink(missing_ok=True)
