"""The papers: what each set up, every number it prints, and the verdict on each.

One TOML file a paper.

>>> load("huang_2019").doi
'10.21037/atm.2019.08.61'
"""

import tomllib
from dataclasses import dataclass
from importlib import resources

from nervekit.errors import ConfigurationError
from nervekit.papers.tables import audit_list, claims_table, setup_table

__all__ = ["EMPTY_IMAGES", "KINDS", "MEDIAN_RECIPE", "OURS", "OWN", "PROFILES", "SIMULATED_FIRST", "TWICE_THE_TIME"]
__all__ += ["WHOLE_SESSIONS", "Claim", "Comparison", "Paper"]
__all__ += ["audit_list", "claims_table", "compare", "load", "names", "settings", "setup_table"]
# Settings and targets of notebooks without a paper, in the form of one: 09 and 11 to 15.
OWN = ("ours", "simulated_first", "median_recipe", "empty_images", "twice_the_time", "whole_sessions")
OURS, SIMULATED_FIRST, MEDIAN_RECIPE, EMPTY_IMAGES, TWICE_THE_TIME, WHOLE_SESSIONS = OWN
PROFILES = ("smoke", "workshop", "paper")
KINDS = ("count", "score", "fit", "unpublished")
SIMULATED = ("subjects", "start_subjects")  # set by profiles alone: no paper simulates images


@dataclass(frozen=True)
class Claim:
    """One printed number.

    Attributes
    ----------
    key : str
        The recorded value that answers it.
    quantity : str
        What it measures, in words.
    value : float
    where : str
        Where the paper prints it.
    kind : str
        ``count`` (must be equal), ``score`` (a share, higher is better), ``fit`` (training, a spread, a difference, or a score of
        which more is not better) or ``unpublished`` (cannot be checked, for ``reason``).
    reason : str
    digits : int or None
        Decimals that are printed, where rounding to so few may decide a verdict.
    needs_data : bool
        False for what a network has before it sees an image, such as its parameters: simulated data answers it as well.
    """

    key: str
    quantity: str
    value: float
    where: str
    kind: str
    reason: str = ""
    digits: int | None = None
    needs_data: bool = True


@dataclass(frozen=True)
class Paper:
    """A paper's citation, set-up, profiles, claims and audit, as its TOML file has them."""

    key: str
    title: str
    authors: str
    journal: str
    doi: str
    dataset: str
    setup: dict
    profiles: dict
    claims: tuple
    audit: tuple

    @property
    def citation(self):
        return f"{self.authors}. {self.title}. {self.journal}." + (f" doi:{self.doi}" if self.doi else "")


@dataclass(frozen=True)
class Comparison:
    """A claim beside our measurement; ``verdict`` is one of those that :func:`compare` states."""

    claim: Claim
    ours: float | None
    low: float | None
    high: float | None
    verdict: str
    reason: str


def names():
    """Keys of all papers there are.

    >>> "huang_2019" in names()
    True
    """
    files = resources.files("nervekit.papers").iterdir()
    found = {file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")}
    return sorted(found - set(OWN))


def load(key):
    """Read one paper.

    Parameters
    ----------
    key : str
        One of :func:`names` or :data:`OWN`.

    Returns
    -------
    Paper

    Raises
    ------
    ConfigurationError
        No such paper, or its file has a claim of an unknown kind or a profile that sets what the set-up does not name.

    Examples
    --------
    >>> len([claim for claim in load("huang_2019").claims if claim.kind in ("score", "fit")])
    19
    """
    if key not in (*names(), *OWN):
        raise ConfigurationError(f"There is no paper {key!r}. Choose one of: {', '.join(names())}.")
    content = tomllib.loads((resources.files("nervekit.papers") / f"{key}.toml").read_text("utf-8"))
    content["claims"] = tuple(Claim(**claim) for claim in content["claims"])
    content["audit"] = tuple(content["audit"])
    _check(f"{key}.toml", content)
    return Paper(**content)


def _check(name, content):
    if kinds := {claim.kind for claim in content["claims"]}.difference(KINDS):
        raise ConfigurationError(f"{name}: there are claims of the kind {', '.join(sorted(kinds))}. Choose one of: {', '.join(KINDS)}.")
    if unknown := {name for chosen in content["profiles"].values() for name in chosen}.difference(content["setup"], SIMULATED):
        raise ConfigurationError(f"{name}: a profile sets {', '.join(sorted(unknown))}, which [setup] does not name. Name it there.")


def settings(paper, profile, data=None):
    """The set-up of a run: the paper's own, with what the profile changes.

    Parameters
    ----------
    paper : Paper
    profile : str
        ``"smoke"``, ``"workshop"`` or ``"paper"``.
    data : str, optional
        ``"auto"``, ``"real"`` or ``"phantom"``, in place of the profile's choice.

    Returns
    -------
    dict
        Such as ``{"data": "real", "image_size": (256, 256), "epochs": 75, ...}``; ``subjects`` (of a simulated set)
        is None where the profile does not name it.

    Raises
    ------
    ConfigurationError
        An unknown profile or data source.

    Examples
    --------
    >>> settings(load("huang_2019"), "paper")["epochs"]
    75
    """
    if profile not in PROFILES:
        raise ConfigurationError(f"There is no profile {profile!r}. Choose one of: {', '.join(PROFILES)}.")
    if data not in (None, "auto", "real", "phantom"):
        raise ConfigurationError(f"There is no data source {data!r}. Choose auto, real or phantom.")
    chosen = {name: entry["value"] for name, entry in paper.setup.items()}
    chosen = {"subjects": None, **chosen, **paper.profiles[profile]}
    if data is not None:
        chosen["data"] = data
    return {name: tuple(item) if isinstance(item, list) else item for name, item in chosen.items()}


def compare(paper, values, provenance, prefix=""):
    """A verdict on each claim whose key begins with ``prefix``.

    The rule: a count is *reproduced* if it is equal. A score or a fit is *reproduced* if the printed value lies in
    the 95 % interval of ours (which resamples sessions or patients, and holds the start where several seeds were
    run); where two decimals are printed, any value that they may have been rounded from counts as printed. A score
    whose whole interval lies above the printed value is *better*; anything else is *not reproduced*. Simulated data
    is *not run*, whatever came out, except for what needs no data; what the authors did not publish *cannot be*
    checked.

    Parameters
    ----------
    paper : Paper
    values : dict
        Recorded values, ``{key: {"value": ..., "low": ..., "high": ...}}``, with ``"seeds"`` where they are of several.
    provenance : dict
        Of the run; ``data`` is ``"real"`` or ``"simulated"``.
    prefix : str

    Returns
    -------
    list of Comparison
    """
    chosen = [claim for claim in paper.claims if claim.key.startswith(prefix)]
    return [_judge(claim, values.get(claim.key), provenance) for claim in chosen]


def _judge(claim, measured, provenance):
    if claim.kind == "unpublished":
        return Comparison(claim, None, None, None, "cannot be", claim.reason)
    if claim.needs_data and provenance.get("data") != "real":
        return Comparison(claim, None, None, None, "not run", "simulated data")
    if measured is None:
        return Comparison(claim, None, None, None, "not run", "no result of it in this run")
    ours, low, high = measured["value"], measured.get("low"), measured.get("high")
    if claim.kind == "count":
        verdict = "reproduced" if ours == claim.value else "not reproduced"
        return Comparison(claim, ours, None, None, verdict, "counted")
    if low is None or high is None:
        return Comparison(claim, ours, None, None, "not run", "no interval was recorded")
    over = f" over {measured['seeds']} seeds" if "seeds" in measured else ""
    rounding = 0 if claim.digits is None else 0.5 * 10**-claim.digits
    if low - rounding <= claim.value <= high + rounding:
        return Comparison(claim, ours, low, high, "reproduced", f"printed value inside our interval{over}")
    side = "above" if low - rounding > claim.value else "below"
    verdict = "better" if side == "above" and claim.kind == "score" else "not reproduced"
    return Comparison(claim, ours, low, high, verdict, f"our whole interval{over} lies {side} the printed value")
