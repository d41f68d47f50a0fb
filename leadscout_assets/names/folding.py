"""One way to compare written names: tidied characters, accent-free, lower-case. Knows nothing of what a name is."""

import contextlib
import re
import unicodedata
from functools import lru_cache

_APOSTROPHES = "‘’‛ʼʻʹ`´′＇"
_HYPHENS = "‐‑‒–—―−－"
_SPACES = "\t\r\n\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_TIDY = str.maketrans(
    {
        **dict.fromkeys(_APOSTROPHES, "'"),
        **dict.fromkeys(_HYPHENS, "-"),
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_INVISIBLE, None),
    }
)
# Letters that no decomposition turns into ASCII.
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ŋ": "ng"}
)
# UTF-8 read as Windows-1252 shows these two lead bytes before a second byte above 0x7f.
_MISREAD = re.compile("[ÃÅ][\u0080-\u00ff\u0152-\u2122]")
_NOT_LETTERS = re.compile(r"[^a-z]+")


def tidy(text: str) -> str:
    """Return `text` with one kind of apostrophe, hyphen and space, and nothing invisible; case is kept."""
    if text.isascii() and text.isprintable():
        return text.replace("`", "'")
    if _MISREAD.search(text):
        # Text that only looked misread cannot be read again, and stays.
        with contextlib.suppress(UnicodeError):
            text = text.encode("cp1252").decode("utf-8")
    return unicodedata.normalize("NFC", text.translate(_TIDY))


def fold(text: str) -> str:
    """Return tidied `text` accent-free and in lower case; letters of other scripts stay as they are."""
    text = text.lower()
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@lru_cache(maxsize=65_536)
def fold_word(word: str) -> str:
    """Return `fold` of one word; a list has few different ones."""
    return fold(word)


@lru_cache(maxsize=65_536)
def letters(text: str) -> str:
    """Return the letters a to z of `text` after tidying and folding: the form under which the lexicon knows a token."""
    folded = fold(tidy(text))
    return folded if folded.isalpha() and folded.isascii() else _NOT_LETTERS.sub("", folded)
