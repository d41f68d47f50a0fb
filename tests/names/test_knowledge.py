"""What is known of tokens: its size, its bytes, and what counts as a difference.

That the lexicon gives just what is shipped, the check of the asset that rebuilds it says: tests/defs/test_reference_assets.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.knowledge import differences, load_knowledge
from leadscout_assets.names.lexicon import load_lexicon


@pytest.fixture(scope="module")
def shipped():
    return load_classifier().knowledge


def test_the_lexicon_holds_more_than_eight_thousand_elements(shipped):
    assert shipped.size == load_lexicon().size >= 8_000


def test_knowledge_survives_its_bytes(shipped):
    again = load_knowledge(shipped.to_bytes())
    assert again.content_hash == shipped.content_hash
    assert again.to_bytes() == shipped.to_bytes()


def test_the_model_is_a_few_megabytes(shipped):
    assert len(shipped.to_bytes()) < 8_000_000


def test_tokens_are_known_in_their_roles(shipped):
    assert shipped.knows("dlamini", "surname")
    assert not shipped.knows("dlamini", "particle")
    assert not shipped.knows("xqzw", "surname")
    assert (shipped.rows_of(["dlamini", "xqzw"], "surname") >= 0).tolist() == [True, False]
    assert len(shipped.rows_of([], "given")) == 0


def changed(knowledge, **arrays):
    head = replace(knowledge.letters["given"], **arrays)
    return replace(knowledge, letters={**knowledge.letters, "given": head})


def test_what_another_processor_rounds_otherwise_makes_no_other_model(shipped):
    near = changed(shipped, weights=shipped.letters["given"].weights + np.float16(0.01))
    assert differences(shipped, shipped) == differences(shipped, near) == differences(near, shipped) == []
    assert near.content_hash != shipped.content_hash


def test_models_differ_in_the_arrays_in_which_they_were_learned_otherwise(shipped):
    weights = shipped.letters["given"].weights.copy()
    weights[7, 3] += 0.5
    other = replace(changed(shipped, weights=weights), shares=shipped.shares[:-1])
    assert differences(shipped, other) == differences(other, shipped) == ["shares", "given_weights"]
