"""What a figure holds, for tests of what was drawn."""

import matplotlib

matplotlib.use("Agg")


def texts(figure):
    """All that is written in a figure."""
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def labelled(axis):
    """The lines of an axis that a legend names, by their name."""
    return {line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")}
