"""Networks with zeros for kernels, for tests that read names, shapes and wires: drawing takes a third of their time."""

import keras
import pytest

from nervekit.models import first_weights


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    def zeros(shape, *others, dtype=None, **named):
        return keras.ops.zeros(shape, dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_weights, "draw", lambda model: model)
        for kind in ("truncated_normal", "normal", "uniform"):
            patch.setattr(keras.src.initializers.random_initializers.random, kind, zeros)
        yield
