"""The columns of Table I against Keras' own metrics, which the authors used."""

import keras
import numpy as np
import pytest
from keras import ops

from nervekit import scores_belahsen
from nervekit.losses import dice_coefficient


@pytest.fixture
def case():
    random = np.random.default_rng(0)
    masks = random.random((6, 12, 12)) < 0.2
    outputs = np.clip(random.normal(0.3, 0.2, masks.shape) + 0.6 * masks, 0, 1).astype("float32")
    return masks, outputs, [0, 0, 1, 1, 2, 2]


def by_keras(metric, masks, outputs):
    metric.update_state(masks.astype("float32"), outputs)
    return float(metric.result())


def test_columns_are_what_keras_computes(case):
    masks, outputs, groups = case
    assert (outputs == 1).any() and (outputs < 1).any()
    found = {name: score["value"] for name, score in scores_belahsen.as_printed(masks, outputs, groups).items()}
    assert found["sensitivity"] == pytest.approx(by_keras(keras.metrics.Recall(), masks, outputs), abs=1e-6)
    assert found["jaccard"] == pytest.approx(by_keras(keras.metrics.MeanIoU(num_classes=2), masks, outputs), abs=1e-6)
    assert found["dice"] == pytest.approx(float(ops.convert_to_numpy(dice_coefficient(masks, outputs))), abs=1e-6)


def test_true_jaccard_is_that_of_scikit_learn(case):
    from sklearn.metrics import jaccard_score

    masks, outputs, groups = case
    found = scores_belahsen.as_printed(masks, outputs, groups)["true_jaccard"]["value"]
    assert found == pytest.approx(jaccard_score(masks.ravel(), outputs.ravel() > 0.5))


def test_almost_certain_outputs_count_as_background_in_their_jaccard():
    masks = np.zeros((1, 4, 4), bool)
    masks[0, 0] = True
    score = {p: scores_belahsen.as_printed(masks, p * masks, [0])["jaccard"]["value"] for p in (1.0, 0.999)}
    assert score == {1.0: 1.0, 0.999: pytest.approx((0 + 12 / 16) / 2)}


def test_nothing_annotated_and_nothing_found_is_perfect_as_in_keras():
    masks = np.zeros((2, 4, 4), bool)
    assert scores_belahsen.as_printed(masks, 0.0 * masks, [0, 1])["jaccard"]["value"] == 1.0
    assert by_keras(keras.metrics.MeanIoU(num_classes=2), masks, 0.0 * masks) == pytest.approx(1.0, abs=1e-6)


def test_intervals_hold_the_value_and_move_with_the_subjects(case):
    masks, outputs, groups = case
    for score in scores_belahsen.as_printed(masks, outputs, groups).values():
        assert score["low"] <= score["value"] <= score["high"] and score["low"] < score["high"]
