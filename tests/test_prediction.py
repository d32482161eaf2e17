"""What an interruption leaves of a network; that JAX itself comes through is tested in tests/models/test_backends.py."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nervekit import prediction


class Variable:
    def __init__(self, *numbers):
        self._value = np.array(numbers)

    def __array__(self, dtype=None, copy=None):
        return np.array(self._value, dtype)

    def assign(self, value):
        self._value = value


@pytest.mark.parametrize("taken", [True, False])
def test_weights_that_were_taken_out_go_back_and_others_stay_as_they_were_trained(monkeypatch, taken):
    """As on JAX, where Keras holds the weights of a network while it works."""
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    first, second = variables = Variable(1, 2), Variable(3)
    model = SimpleNamespace(_jax_state="of the step that was broken off")
    with pytest.raises(KeyboardInterrupt), prediction.kept_whole(model, variables):
        first.assign(np.array([8, 9]))
        second._value = None if taken else second._value
        raise KeyboardInterrupt
    assert [np.array(one).tolist() for one in variables] == ([[1, 2], [3]] if taken else [[8, 9], [3]])
    assert (model._jax_state is None) is taken
