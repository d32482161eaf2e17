"""What several seeds of one run say together: mean, spread, and an interval that holds the start beside the groups."""

from pathlib import Path

import numpy as np
from scipy import stats

from nervekit import papers
from nervekit.check import EXPECTED, here_or_above, read_json
from nervekit.errors import DataError

WHICH = ("precision", "backend")


def interval(values, lows, highs, confidence=0.95):
    """What a method reaches, mean over seeds, with an interval that holds the chance of the start beside that of the groups.

    An interval of one run knows only the groups that its score rests on. Here the distances from value to bound (root mean
    square over seeds) and half of Student's interval of the mean over seeds are added as squares, below and above apart.
    Where the intervals over groups hold the true value in 95 of 100 cases by themselves, this one does in 94 to 99 (simulated
    in tests/test_seeds.py; most often with two seeds), and that of one run in 83 where starts differ as much as groups do. With
    few groups all of them hold it less often, as `nervekit.intervals.bootstrap` says. A start that was repeated because it found
    nothing (`nervekit.starts.until_alive`) is in no seed's score: it is the chance among starts that live.

    Parameters
    ----------
    values, lows, highs : arrays (seeds,)
        The score of each seed on the same images, and the bounds of its interval over groups.
    confidence : float between 0 and 1
        That of the intervals given.

    Returns
    -------
    mean, low, high : float

    Raises
    ------
    DataError
        With fewer than two seeds, or of different lengths.

    References
    ----------
    Zou & Donner 2008, Construction of confidence limits about effect measures: a general approach,
    Statistics in Medicine 27(10), 1693-1702.

    Examples
    --------
    >>> mean, low, high = interval([0.80, 0.84, 0.82], [0.77, 0.81, 0.79], [0.83, 0.87, 0.85])
    >>> round(mean, 3), round(low, 3), round(high, 3)
    (0.82, 0.762, 0.878)
    """
    values, lows, highs = (np.asarray(given, float) for given in (values, lows, highs))
    if not 2 <= len(values) == len(lows) == len(highs):
        raise DataError(f"{len(values)} values, {len(lows)} lows and {len(highs)} highs: expected as many of each, "
                        "of two seeds at least")
    mean = values.mean()
    start = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    down, up = (np.sqrt(np.mean((values - bounds) ** 2) + start**2) for bounds in (lows, highs))
    return float(mean), float(mean - down), float(mean + up)


def expected(folder=EXPECTED, precision=None):
    """What is expected on real data from more than one seed.

    Parameters
    ----------
    folder : path-like
        Folder of the expectations, here or one folder up.
    precision : str, optional
        Only of notebooks that computed in this, such as ``"float32"``.

    Returns
    -------
    dict
        ``{(profile, key): entry of the expectations}``, with the numbers of the seeds as ``seeds``, ``precision`` and ``backend``.
    """
    contents = [read_json(path) for path in sorted(here_or_above(Path(folder)).glob("*.json"))]
    return {
        (content["profile"], key): {**entry, **{fact: content.get(fact, {}).get(entry["notebook"]) for fact in ("seeds", *WHICH)}}
        for content in contents
        for key, entry in content["keys"].items()
        if content.get("data", {}).get(entry["notebook"]) == "real" and len(entry.get("spread", ())) > 1
        and precision in (None, content.get("precision", {}).get(entry["notebook"]))
    }


def beside(result, several):
    """What several seeds say of the scores of a run that is one of them; nothing of another run.

    Another run may reach one of the values by chance, but not all.

    Parameters
    ----------
    result : dict
        Of one notebook, from :func:`nervekit.results.read_results`.
    several : dict
        From :func:`expected`.

    Returns
    -------
    dict
        ``{key: entry of the expectations}`` of every score with an interval.
    """
    run, values = result["provenance"], result["values"]
    found = {key: entry for (profile, key), entry in several.items()
             if (profile, entry["notebook"]) == (run.get("profile"), result["notebook"]) and "intervals" in entry}  # fmt: skip
    for key, entry in found.items():
        this = (run.get("seed"), values.get(key, {}).get("value"))
        if any(run.get(fact) != entry[fact] for fact in WHICH) or this not in zip(entry["seeds"], entry["spread"], strict=True):
            return {}
    return found


def of_all(several, share):
    """A score as mean over seeds, with its interval.

    Parameters
    ----------
    several : dict
        One entry of :func:`expected`, with intervals.
    share : bool
        Keep the bounds between 0 and 1.

    Returns
    -------
    dict
        ``value``, ``low`` and ``high`` of all seeds, and their number as ``seeds``.
    """
    mean, low, high = interval(several["spread"], *zip(*several["intervals"], strict=True))
    if share:
        low, high = max(low, 0.0), min(high, 1.0)
    return {"value": mean, "low": low, "high": high, "seeds": len(several["spread"])}


def by_seed(paper, folder=EXPECTED):
    """The verdict that each seed alone would give on each claim of a paper with an interval, from the same expectations.

    Parameters
    ----------
    paper : papers.Paper
    folder : path-like

    Returns
    -------
    dict
        ``{(profile, key): {seed: verdict}}``.
    """
    found = {}
    several = {place: entry for place, entry in expected(folder).items() if "intervals" in entry}
    for (profile, key), entry in several.items():
        for seed, value, (low, high) in zip(entry["seeds"], entry["spread"], entry["intervals"], strict=True):
            for row in papers.compare(paper, {key: {"value": value, "low": low, "high": high}}, {"data": "real"}, key):
                if row.claim.key == key:
                    found.setdefault((profile, key), {})[seed] = row.verdict
    return found
