"""The simulated stand-in: pictures from physics and a drawn anatomy, for when no data is at hand.

Nothing measured on it is a result of a paper. :func:`scene` draws the maps of a frame; :func:`render` turns maps
of ultrasound into a picture stage by stage, :func:`nervekit.phantom.ircadb.scan` those of CT; and
:func:`export` writes a whole set in the layout of the public one.
"""

from nervekit.phantom.acoustics import Probe, render
from nervekit.phantom.anatomy import SUBJECTS, TISSUES, check_whole, find_scene
from nervekit.phantom.export import export, screenshot
from nervekit.phantom.version import VERSION

__all__ = ["SUBJECTS", "TISSUES", "VERSION", "Probe", "export", "render", "scene", "screenshot"]


def scene(key, subject=0, frame=0, *, seed=0, shape=(256, 256)):
    """Maps of one simulated frame, before any physics.

    Parameters
    ----------
    key : str
        One of ``nervekit.phantom.SUBJECTS``.
    subject, frame : int
        Frames of one subject are near-neighbours: a slightly moved, pressed and tilted probe. Of CT a patient and a slice,
        from the lowest.
    seed : int
        Another seed is another study with other subjects.
    shape : (rows, columns)
        Samples along depth and scan lines.

    Returns
    -------
    dict
        Of ultrasound: ``echogenicity`` (mean backscattered power, dB), ``density`` (share of samples that
        scatter), ``reflector`` (coherent amplitude of smooth interfaces), ``attenuation`` (dB/(cm MHz)),
        ``tissue`` (index into ``TISSUES``), ``mask`` (bool), all of ``shape``; ``spacing`` (mm), ``probe``,
        ``mirrored``, ``mark`` and ``speckle`` (seeds). Of CT: see :func:`nervekit.phantom.ircadb.frame`.

    Raises
    ------
    ConfigurationError
        Unknown ``key``, or ``subject``, ``frame`` or ``seed`` is no whole number from 0, or of CT no slice of the patient.

    Examples
    --------
    >>> maps = scene("femoral", subject=3, frame=1)
    >>> maps["mask"].shape, bool(maps["mask"].any())
    ((256, 256), True)
    """
    check_whole("subject", subject)
    check_whole("seed", seed)
    return find_scene(key).frame(subject, frame, seed=seed, shape=shape)
