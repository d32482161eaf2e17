"""The verdict on every claim of every paper, from the results that notebooks left."""

import os
import re
from dataclasses import replace
from pathlib import Path

from nervekit import papers, seeds
from nervekit.check import EXPECTED, here_or_above, read_json

RESULTS = Path("results")
VERDICTS = ("reproduced", "better", "not reproduced", "not run", "cannot be")
MOST = 6
DIFFERENCE = re.compile(r"[._](fall|gain|gap|leak)(\.|$)")
NO_SHARE = re.compile(rf"{DIFFERENCE.pattern}|\.difference\.|\.loss$")


def read_results(*folders):
    """All results in folders, in order of their notebooks; of a notebook that is in several, that of the last.

    The JSON files of failed runs are left out.

    Returns
    -------
    list of dict
        Empty if there are none.
    """
    found = {}
    for path in (path for folder in folders for path in _files(folder)):
        result = read_json(path)
        found[result["notebook"]] = result
    return [found[name] for name in sorted(found)]


def committed(folder=RESULTS):
    """The committed results: of each notebook those of the paper profile, else of the workshop, else of the smoke profile.

    The last answer only what needs no images, such as the parameters of a network.

    Returns
    -------
    list of dict
        In order of their notebooks; empty if nothing is committed.
    """
    return read_results(*(Path(folder) / profile for profile in papers.PROFILES))


def gather(profile, runs=None, results=None):
    """What notebooks left: of each the result of this run, or a committed one where only that is on real data.

    Parameters
    ----------
    profile : str
    runs : path-like, optional
        The folder of this run. The runner names it in ``NERVEKIT_RUN_FOLDER``; a reader's own is ``runs/<profile>``, here and
        one folder up: notebooks that are run by hand leave theirs in ``notebooks/runs``, ``make run-all`` in ``runs``. Of a
        notebook that is in both, that here.
    results : path-like, optional
        The committed results; ``results``, here or one folder up.

    Returns
    -------
    list of dict
        Results in order of their notebooks, each with ``"from"``: ``"this run"`` or ``"committed"``.
    """
    named = runs or os.environ.get("NERVEKIT_RUN_FOLDER")
    own = Path("runs") / profile
    folders = [named] if named else [Path("..") / own, own]
    chosen = {result["notebook"]: {**result, "from": "this run"} for result in read_results(*folders)}
    for result in committed(results or here_or_above(RESULTS)):
        name = result["notebook"]
        if name not in chosen or (not measured([chosen[name]]) and measured([result])):
            chosen[name] = {**result, "from": "committed"}
    return [chosen[name] for name in sorted(chosen)]


def floors(result, data=None):
    """The scores of a result that say what a model that learnt nothing gets, with that; differences are left out.

    Parameters
    ----------
    result : dict
    data : str, optional
        ``"real"`` or ``"simulated"``: only scores on such data. A notebook that works on both says ``data=`` at each
        number; that goes before what it says of the whole run.

    Returns
    -------
    dict
        ``{key: (value, what a model that learnt nothing gets)}``.

    Examples
    --------
    >>> floors({"values": {"dice": {"value": 0.8, "must_exceed": 0.3}, "images": {"value": 62}}})
    {'dice': (0.8, 0.3)}
    >>> values = {"dice": {"value": 0.8, "must_exceed": 0.3, "data": "real"}}
    >>> values["dice_gain"] = {"value": 0.1, "must_exceed": 0}
    >>> floors({"values": values, "provenance": {"data": "simulated"}}, "real")
    {'dice': (0.8, 0.3)}
    >>> floors({"values": values, "provenance": {"data": "simulated"}}, "simulated")
    {}
    """
    own = result.get("provenance", {}).get("data")
    return {
        key: (entry["value"], entry["must_exceed"])
        for key, entry in result["values"].items()
        if entry.get("must_exceed") is not None
        and data in (None, entry.get("data", own))
        and not DIFFERENCE.search(key)
    }


def measured(results):
    """Every number that was measured on real data, with the result that it is part of.

    A notebook that works on both kinds says ``data=`` at each number; that goes before what it says of the whole run.

    Returns
    -------
    dict
        ``{key: (entry, result)}``.

    Examples
    --------
    >>> result = {"provenance": {"data": "real"}, "values": {"a": {"value": 1}, "b": {"value": 2, "data": "simulated"}}}
    >>> list(measured([result]))
    ['a']
    """
    return {
        key: (entry, result)
        for result in results
        for key, entry in result["values"].items()
        if entry.get("data", result["provenance"].get("data")) == "real"
    }


def recorded(results):
    """Every number that was recorded, with the result that it is part of: that on real data where there is one.

    Returns
    -------
    dict
        ``{key: (entry, result)}``.
    """
    return {key: (entry, result) for result in results for key, entry in result["values"].items()} | measured(results)


def comparisons(paper, results, expected=EXPECTED):
    """A verdict on each claim of a paper, from whichever notebook recorded its key, on real data where it needs any.

    Where a result is one of several seeds that expectations hold, their mean is judged, by its interval over seeds and groups
    (:func:`nervekit.seeds.interval`).

    Parameters
    ----------
    paper : papers.Paper
    results : list of dict
        From :func:`read_results`.
    expected : path-like
        Folder of the expectations, here or one folder up.

    Returns
    -------
    list of papers.Comparison
    """
    every, real = recorded(results), measured(results)
    free = {claim.key for claim in paper.claims if not claim.needs_data}
    shares = _shares(paper)
    several = seeds.expected(expected)
    values = {}
    for key, (entry, result) in every.items():
        if key in real or key in free:
            values[key] = seeds.of_all(entry, several.get((result["provenance"].get("profile"), key)), key in shares)
    simulated = every.keys() - values.keys()
    rows = papers.compare(paper, values, {"data": "real"})
    return [
        replace(row, reason="simulated data") if row.verdict == "not run" and row.claim.key in simulated else row
        for row in rows
    ]


def precisions(paper, expected=EXPECTED):
    """The verdicts by all seeds in bfloat16 beside those in float32, where expectations of both are there.

    Parameters
    ----------
    paper : papers.Paper
    expected : path-like
        Folder of the expectations, here or one folder up; those in float32 lie in its folder ``float32``, made by
        ``nervekit expected NN --profile workshop --precision float32 --runs runs/float32 --expected expected/float32``.

    Returns
    -------
    list of (str, papers.Comparison, papers.Comparison)
        Profile, verdict in bfloat16 and in float32 of each claim that has an interval in both.
    """
    half, full = seeds.expected(expected, "bfloat16"), seeds.expected(Path(expected) / "float32", "float32")
    found = []
    for profile in papers.PROFILES:
        keys = [key for where, key in half if where == profile and (profile, key) in full]
        rows = (_by_all({key: several[profile, key] for key in keys}, paper) for several in (half, full))
        found += [(profile, *both) for both in zip(*rows, strict=True) if None not in (both[0].low, both[1].low)]
    return found


def counts(rows):
    """How many claims got which verdict.

    Returns
    -------
    dict of str to int
        All of :data:`VERDICTS`, in their order, zeros included.
    """
    verdicts = [row.verdict for row in rows]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS}


def main_claims(rows):
    """At most six claims that stand for a paper: measured scores on images held out, the abstract's first.

    Scores on training and development sets and quartiles are left to the page of all claims.

    Parameters
    ----------
    rows : list of papers.Comparison

    Returns
    -------
    list of papers.Comparison
        In the order of the paper.
    """
    lesser = re.compile(r"\.(train|training|development|validation)\.|_q[13]$")
    scores = [row for row in rows if row.ours is not None and row.claim.kind == "score"]
    chosen = [row for row in scores if not lesser.search(row.claim.key)]
    chosen = sorted(chosen, key=lambda row: "abstract" not in row.claim.where.lower())[:MOST]
    return [row for row in rows if row in chosen]


def short_name(paper):
    """First author and year, as a text refers to a paper.

    Examples
    --------
    >>> short_name(papers.load("huang_2019"))
    'Huang et al. 2019'
    """
    authors = [re.sub(r"( [A-Z][A-Z.]*)+$", "", name.strip()) for name in re.split(r",|\band\b|&", paper.authors)]
    year = re.search(r"_((?:19|20)\d\d)$", paper.key)
    named = f"{authors[0]} et al." if len(authors) > 2 else " & ".join(authors)
    return f"{named} {year[1]}" if year else named


def machine(origin):
    """Hardware, Keras and backend of a result's provenance, in one line."""
    versions = origin.get("versions", {})
    backend = origin.get("backend")
    software = [f"{name} {versions[name]}" for name in ("keras", backend) if name in versions]
    return ", ".join([origin.get("hardware") or "unknown machine", *software])


def _by_all(several, paper):
    shares = _shares(paper)
    values = {key: seeds.of_all({"value": entry["spread"][0]}, entry, key in shares) for key, entry in several.items()}
    return papers.compare(paper, values, {"data": "real"})


def _shares(paper):
    return {claim.key for claim in paper.claims if claim.kind != "count" and not NO_SHARE.search(claim.key)}


def _files(folder):
    return [path for path in sorted(Path(folder).glob("*.json")) if not path.name.endswith(".failed.json")]
