"""Every figure that the notebooks draw. Each function takes arrays and returns a Matplotlib figure."""

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
