"""nervekit: five papers on nerve and liver segmentation, re-run and re-checked in notebooks."""

from nervekit.errors import NervekitError

__version__ = "0.1.0"
__all__ = ["NervekitError", "__version__"]
