from dataclasses import replace

import numpy as np
import pytest

from leadscout_assets.names.cascade import load_classifier
from leadscout_assets.names.lexicon import ORIGINS, load_lexicon
from leadscout_assets.names.phonetic import PhoneticIndex, sound_key
from leadscout_assets.names.stages import STAGES, resolve
from leadscout_assets.names.statistical import differences, load_statistical, train_statistical

REBUILD = "rebuild: python -m leadscout_assets.names.evaluation tests/names/cases.csv --write"


@pytest.fixture(scope="module")
def models():
    return load_classifier().models


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("naidoo", "naidu"),
        ("khumalo", "kumalo"),
        ("claassen", "klaasen"),
        ("pillay", "pillai"),
        ("ndlovu", "ndhlovu"),
        ("phiri", "piri"),
    ],
)
def test_spellings_that_are_confused_sound_alike(one, other):
    assert sound_key(one) == sound_key(other)


@pytest.mark.parametrize("typo", ["dlamni", "dlaminni", "dlamiin", "dlameni", "ldamini"])
def test_one_slip_is_forgiven(typo):
    assert PhoneticIndex(["dlamini", "botha"]).matches(typo) == ["dlamini"]


@pytest.mark.parametrize("token", ["", "x", "ngo", "qqqqqqq", "dlxmxnx"])
def test_what_sounds_like_nothing_known_matches_nothing(token):
    assert PhoneticIndex(["dlamini", "botha", "ng"]).matches(token) == []


def test_the_nearest_of_several_matches_wins():
    assert PhoneticIndex(["mokoena", "mokwena"]).matches("mokoenna") == ["mokoena"]


def test_each_token_is_decided_by_the_first_stage_that_knows_it(models):
    known = resolve(["dlamini", "dlamni", "mkhabathwayo", "xq"], "surname", models)
    assert [STAGES[code - 1][0] if code else None for code in known.stage] == [
        "lexicon",
        "phonetic",
        "statistical",
        None,
    ]
    np.testing.assert_allclose(known.shares.sum(1), 1)
    assert [ORIGINS[at] for at in known.shares.argmax(1)[:3]] == ["african"] * 3


def test_a_given_name_in_the_surnames_place_is_marked_misplaced(models):
    known = resolve(["thandiwe", "dlamini"], "surname", models)
    assert known.misplaced.tolist() == [True, False]


def test_the_shipped_model_is_the_one_that_the_lexicon_trains(models):
    trained, shipped = train_statistical(load_lexicon()), models.statistical
    assert differences(trained, shipped) == [], REBUILD


def changed(model, role, **arrays):
    return replace(model, **{name: {**getattr(model, name), role: array} for name, array in arrays.items()})


def test_what_another_processor_rounds_otherwise_makes_no_other_model(models):
    model = models.statistical
    near = changed(model, "given", weights=model.weights["given"] + np.float16(0.01))
    assert differences(model, model) == differences(model, near) == differences(near, model) == []


def test_models_differ_in_the_arrays_in_which_they_were_learned_otherwise(models):
    model = models.statistical
    weights, bias, codes = model.weights["given"].copy(), model.bias["surname"] + 0.05, model.codes["surname"][:-1]
    weights[7, 3] += 0.5
    other = changed(changed(model, "given", weights=weights), "surname", bias=bias, codes=codes)
    assert differences(model, other) == differences(other, model) == ["surname_codes", "surname_bias", "given_weights"]


def test_a_model_survives_its_bytes(models):
    again = load_statistical(models.statistical.to_bytes())
    tokens = ["mkhabathwayo", "vandenplas", "a", "govindalingam"]
    np.testing.assert_array_equal(again.predict(tokens, "surname"), models.statistical.predict(tokens, "surname"))


def test_prediction_of_a_token_does_not_depend_on_its_neighbours(models):
    predict = models.statistical.predict
    together, alone = predict(["mkhabathwayo", "vandenplas"], "surname"), predict(["vandenplas"], "surname")
    np.testing.assert_allclose(together[1:], alone)
    assert predict([], "surname").shape == (0, len(ORIGINS))
