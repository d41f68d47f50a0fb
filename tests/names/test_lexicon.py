import re
from importlib.resources import files

import numpy as np
import pytest

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.names.folding import fold, letters, tidy
from leadscout_assets.names.lexicon import ORIGINS, load_lexicon, parse_lexicon

HEADER = "[surname isizulu african=0.9 european=0.1]\n"


@pytest.fixture(scope="module")
def lexicon():
    return load_lexicon()


def data_files():
    return [f for f in files("leadscout_assets.names").joinpath("data").iterdir() if f.name.endswith(".txt")]


def test_the_lexicon_holds_elements_of_every_origin_and_kind(lexicon):
    assert lexicon.size >= 8000
    for kind in ("surname", "given"):
        best = {ORIGINS[at] for at in lexicon.shares[list(lexicon.rows[kind].values())].argmax(1)}
        assert best == set(ORIGINS)


def test_shares_of_every_element_sum_to_one(lexicon):
    np.testing.assert_allclose(lexicon.shares.sum(1), 1)


@pytest.mark.parametrize("file", data_files(), ids=lambda f: f.name)
def test_every_data_file_says_what_is_in_and_what_is_left_out(file):
    comments = " ".join(line for line in file.read_text("utf-8").splitlines() if line.startswith("#"))
    assert re.search(r"\bIn:", comments)
    assert "Out:" in comments


def test_an_element_in_two_sections_gets_the_mean_and_the_common_family():
    lexicon = parse_lexicon({"a": HEADER + "Nkosi, Zulu", "b": "[surname isixhosa african=0.7 coloured=0.3]\nNkosi"})
    row = lexicon.rows["surname"]["nkosi"]
    assert lexicon.shares[row] == pytest.approx([0.8, 0.05, 0, 0.15, 0, 0])
    assert lexicon.languages[row] == "nguni"
    assert lexicon.languages[lexicon.rows["surname"]["zulu"]] == "isizulu"


def test_an_element_of_unrelated_languages_has_none():
    lexicon = parse_lexicon({"a": HEADER + "Lee", "b": "[surname english european=1]\nLee"})
    assert lexicon.languages[lexicon.rows["surname"]["lee"]] is None


def test_variants_are_elements_of_their_own():
    found = parse_lexicon({"a": HEADER + "Naidoo|Naidu, Zulu"}).rows["surname"]
    assert set(found) == {"naidoo", "naidu", "zulu"}


@pytest.mark.parametrize("kind", ["both", "clan"])
def test_what_is_borne_in_both_places_is_known_in_both(kind):
    lexicon = parse_lexicon({"a": f"[{kind} isixhosa african=1]\nDlomo"})
    assert "dlomo" in lexicon.rows["surname"]
    assert "dlomo" in lexicon.rows["given"]


def test_a_section_may_weigh_more_than_another():
    texts = {"a": "[surname english european=1 weight=3]\nLee", "b": "[surname cantonese chinese=1]\nLee"}
    lexicon = parse_lexicon(texts)
    assert lexicon.shares[lexicon.rows["surname"]["lee"]] == pytest.approx([0, 0.75, 0, 0, 0, 0.25])


def test_elements_of_several_words_are_known_joined():
    assert "vandermerwe" in parse_lexicon({"a": HEADER + "Van der Merwe"}).rows["surname"]


@pytest.mark.parametrize(
    "text",
    [
        "Nkosi",
        "[surname isizulu african=0.5]\nNkosi",
        "[nickname x african=1]",
        "[surname x martian=1]",
        "[surname x african]",
        "[surname x african=1 weight=0]",
    ],
)
def test_an_unusable_section_is_named_by_file_and_line(text):
    with pytest.raises(LeadScoutError, match=r"zulu\.txt, line 1"):
        parse_lexicon({"zulu.txt": text})


def test_folding_gives_one_form_to_apostrophes_accents_and_case():
    assert {letters(text) for text in ("O'NEILL", "o’neill", "O`Neíll", "Oneill")} == {"oneill"}
    assert fold("Müßig Łukasz") == "mussig lukasz"
    assert tidy("a\u00a0b\u2013c\u200b") == "a b-c"
    assert letters("王小明") == ""
