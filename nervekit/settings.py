"""What a run of notebooks was asked to do."""

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from nervekit.errors import ConfigurationError, DataError, command
from nervekit.papers import PROFILES
from nervekit.processor import PRECISIONS

BACKENDS = ("tensorflow", "jax", "torch")
DATA = ("auto", "real", "phantom")
RUNS = Path("runs")


@dataclass(frozen=True)
class Settings:
    """What a run was asked to do; ``data=None`` leaves the choice to the profile, ``precision="auto"`` to the hardware."""

    profile: str = "smoke"
    data: str | None = None
    seed: int = 0
    backend: str = "tensorflow"
    precision: str = "auto"

    def __post_init__(self):
        """Refuse what does not exist, with the list of what does."""
        for name, given, valid in (
            ("profile", self.profile, PROFILES),
            ("backend", self.backend, BACKENDS),
            ("data", self.data, (None, *DATA)),
            ("precision", self.precision, PRECISIONS),
        ):
            if given not in valid:
                choices = ", ".join(str(choice) for choice in valid if choice)
                raise ConfigurationError(f"There is no {name} {given!r}. Choose one of: {choices}.")
        # NumPy knows seeds below 2**32; folds, networks and starts count on from that of the run.
        if not 0 <= self.seed < 2**31:
            raise ConfigurationError(f"There is no seed {self.seed}. Choose a whole number from 0 to {2**31 - 1}.")

    def line(self, source):
        """The text by which make sees that a finished run of a source had other settings, or other data at hand."""
        folder = "" if self._simulated() else os.environ.get("NERVEKIT_DATA", "")
        asked = f"backend={self.backend} precision={self.precision} data={self.data or ''} seed={self.seed}"
        return " ".join([f"{asked} NERVEKIT_DATA={folder}", *self._at_hand(source)])

    def _simulated(self):
        return (self.data or ("phantom" if self.profile == "smoke" else "auto")) == "phantom"

    def _at_hand(self, source):
        """Those sets that are here of those that the source names; none where simulated images are asked for."""
        if self._simulated():
            return []
        from nervekit.data import catalog

        text = Path(source).read_text(encoding="utf-8")
        try:
            places = {key: catalog.find(key) for key in catalog.ENTRIES if f'"{key}"' in text}
        except DataError:  # NERVEKIT_DATA is no folder of data: the notebook says so
            return []
        return [f"{key}={place.source}{_patients(key, place)}" for key, place in places.items() if place]


def _patients(key, place):
    """Which patients are in a folder of the CT set, how many subjects in one of the brachial set; of all else nothing."""
    if key == "brachial":
        subjects = {path.name.split("_")[0] for path in place.path.glob("train/[0-9]*_mask.tif")}
        return f",{len(subjects)}" if subjects else ""
    if key != "ircadb":
        return ""
    names = {path.name.removesuffix(".zip") for path in place.path.glob("3Dircadb1.[0-9]*")}
    return "".join(f",{name.removeprefix('3Dircadb1.')}" for name in sorted(names))


def check_backend(backend):
    """Raise ConfigurationError if the backend's package is not installed; import nothing."""
    if find_spec(backend) is None:
        raise ConfigurationError(
            f"The backend {backend!r} is not installed in {sys.prefix}. "
            "Install it with: " + command(f"pip install 'nervekit[{backend}]'")
        )
