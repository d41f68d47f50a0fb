import json
import subprocess
import sys

import pyarrow as pa
import pytest

from leadscout_assets.names.cascade import classify_names
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.explaining import explain
from leadscout_assets.names.normalising import split_names

NAMES = [
    "Brian Nkosi",
    "Nkosi Brian",
    "Sipho Dlamni",
    "Johan Botha",
    "Fatima Adams",
    "Ayesha Vawda",
    "N/A",
    "Dlamini",
    "J van der Xyzberg",
    "Sipho",
    "Naledi Chen",
]


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_an_explanation_says_what_a_frame_says(name, reveal):
    found = explain(name, load_classifier(), reveal_religion=reveal)
    parts = split_names(pa.array([name]))
    row = classify_names(parts["given_names"], parts["surname"], load_classifier(), reveal_religion=reveal).to_pylist()[
        0
    ]
    assert (found.origin, found.origin_set, found.method) == (row["origin"], row["origin_set"], row["method"])
    assert found.language == row["language"]
    assert found.turned == row["evidence"].startswith("order:reversed")
    for origin, share in found.probabilities.items():
        assert share == pytest.approx(row[f"p_{origin}"], abs=1e-4)


def test_every_token_is_explained_by_what_its_sources_say_and_what_they_added():
    found = explain("Sipho Dlamni", load_classifier())
    assert [(one.token, one.role, one.known_by) for one in found.tokens] == [
        ("dlamni", "surname", "phonetic"),
        ("sipho", "given", "lexicon"),
    ]
    assert set(found.tokens[0].sources) == {"names like it", "its letters"}
    for one in found.tokens:
        assert max(one.added, key=one.added.get) == "african"
        assert all(sum(shares.values()) == pytest.approx(1, abs=0.05) for shares in one.sources.values())


def test_nothing_of_religion_is_shown_unless_switched_on():
    folded, revealed = (explain("Moegamat Salie", load_classifier(), reveal_religion=on) for on in (False, True))
    assert "cape_malay" in json.dumps(revealed.as_dict())
    assert "cape_malay" not in json.dumps(folded.as_dict())


def test_the_first_answer_needs_neither_arrow_nor_pandas():
    code = (
        "import sys; from leadscout_assets.names.engine import load_classifier;"
        "from leadscout_assets.names.explaining import explain; explain('Sipho Dlamni', load_classifier());"
        "print([one for one in ('pyarrow', 'pandas', 'dagster', 'sqlalchemy') if one in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
