"""The figures that many notebooks draw, each a Matplotlib figure from arrays; those of single ones are in the modules here.

Drawing any of them calls `use_style`, which changes Matplotlib's defaults (``plt.rcParams``) for the rest of the session: your
own figures look alike from then on. Inside ``with plt.rc_context():`` the change ends with the block.
"""

from nervekit.plots.architecture import architecture
from nervekit.plots.curves import history, live_curves
from nervekit.plots.results import box_plot, compare_scores, fold_scores, overlays, scatter_by_duplicate
from nervekit.plots.style import COLOURS, use_style

__all__ = [
    "COLOURS",
    "architecture",
    "box_plot",
    "compare_scores",
    "fold_scores",
    "history",
    "live_curves",
    "overlays",
    "scatter_by_duplicate",
    "use_style",
]
