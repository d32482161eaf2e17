"""What the tests of figures share."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Figures are made by hundreds here; pyplot keeps each until it is closed."""
    yield
    plt.close("all")
