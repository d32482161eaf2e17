"""The verdict on every claim of every paper, from the results that notebooks left."""

import re
from dataclasses import replace
from pathlib import Path

from nervekit import papers, seeds
from nervekit.check import EXPECTED
from nervekit.results import DIFFERENCE, measured, recorded

VERDICTS = ("reproduced", "better", "not reproduced", "not run", "cannot be")
MOST = 6
NO_SHARE = re.compile(rf"{DIFFERENCE.pattern}|\.difference\.|\.loss$|\.attention\.validation\.dice$")


def comparisons(paper, results, expected=EXPECTED):
    """A verdict on each claim of a paper, from whichever notebook recorded its key, on real data where it needs any.

    Where a result is one of several seeds that expectations hold, their mean is judged, by its interval over seeds and groups
    (:func:`nervekit.seeds.interval`).

    Parameters
    ----------
    paper : papers.Paper
    results : list of dict
        From :func:`nervekit.results.read_results`.
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
            all_seeds = seeds.beside(result, several).get(key)
            values[key] = {**entry, **(seeds.of_all(all_seeds, key in shares) if all_seeds else {})}
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
        ``nervekit expected NN --profile workshop --precision float32 --runs runs/float32 --expected expected/float32``, with the
        ``--seeds`` of those in bfloat16 (fewer than five are ``--provisional``).

    Returns
    -------
    list of (str, papers.Comparison, papers.Comparison)
        Profile, verdict in bfloat16 and in float32 of each claim that has an interval in both, from the same seeds.
    """
    half, full = seeds.expected(expected, "bfloat16"), seeds.expected(Path(expected) / "float32", "float32")
    found = []
    for profile in papers.PROFILES:
        # An interval of more seeds is narrower, whatever the precision.
        keys = [key for where, key in half if where == profile and half[where, key]["seeds"] == full.get((where, key), {}).get("seeds")]
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
    values = {key: seeds.of_all(entry, key in shares) for key, entry in several.items() if "intervals" in entry}
    return papers.compare(paper, values, {"data": "real"})


def _shares(paper):
    return {claim.key for claim in paper.claims if claim.kind != "count" and not NO_SHARE.search(claim.key)}
