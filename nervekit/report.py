"""The page of claims: for every number of every paper the printed value, ours, and a verdict; README's table too."""

import json
import os
from dataclasses import replace
from pathlib import Path

from nervekit import papers
from nervekit.errors import ConfigurationError
from nervekit.progress import clock
from nervekit.run import RUNS

RESULTS = Path("results")
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def read_results(folder):
    """All results in a folder, in order of their notebooks; the JSON files of failed runs are left out.

    Raises
    ------
    ConfigurationError
        The folder has none.
    """
    files = [path for path in sorted(Path(folder).glob("*.json")) if not path.name.endswith(".failed.json")]
    if not files:
        raise ConfigurationError(f"There are no results in {folder}. Make them with: make run-all PROFILE=...")
    return [json.loads(path.read_text(encoding="utf-8")) for path in files]


def comparisons(paper, results):
    """A verdict on each claim of a paper, from whichever notebook recorded its key on real data.

    Parameters
    ----------
    paper : papers.Paper
    results : list of dict
        From :func:`read_results`.

    Returns
    -------
    list of papers.Comparison
    """
    real = [result for result in results if result["provenance"].get("data") == "real"]
    simulated = {key for result in results if result not in real for key in result["values"]}
    measured = {key: entry for result in real for key, entry in result["values"].items()}
    rows = papers.compare(paper, measured, {"data": "real"})
    return [
        replace(row, reason="simulated data") if row.verdict == "not run" and row.claim.key in simulated else row
        for row in rows
    ]


def page(profile, results):
    """The whole page as Markdown: a table of claims a paper, its audit, and where each result comes from."""
    lines = [f"# Claims and results, profile {profile}", "", _provenance_table(results)]
    for key in papers.names():
        paper = papers.load(key)
        rows = comparisons(paper, results)
        lines += ["", f"## {paper.title}", "", paper.citation, "", _counts(rows), "", papers.claims_table(rows), ""]
        lines += [f"- {entry['finding']} ({entry['nature']}; {entry['evidence']})" for entry in paper.audit]
    return "\n".join(lines) + "\n"


def summary(profile, results):
    """What stands in README: the scores of each paper without their quartiles, and how many claims got which verdict."""
    lines = []
    for key in papers.names():
        paper = papers.load(key)
        rows = comparisons(paper, results)
        main = [row for row in rows if row.claim.kind in ("score", "fit") and row.claim.key[-3:] not in ("_q1", "_q3")]
        if any(row.ours is not None for row in rows):
            lines += [f"**{paper.title}** ({paper.citation.split('.')[0]})", "", papers.claims_table(main), ""]
            lines += [_counts(rows), ""]
    trained = [result for result in results if result["provenance"].get("backend")] or results
    machines = sorted({_machine(result["provenance"]) for result in trained})
    return "\n".join([*lines, f"Profile {profile}; {'; '.join(machines)}."])


def write_page(profile, *, runs=RUNS, results=RESULTS):
    """Write ``runs/<profile>/report.md`` from the committed results, or from the run's own where none are.

    Returns
    -------
    pathlib.Path
    """
    committed, own = Path(results) / profile, Path(runs) / profile
    found = read_results(committed if any(committed.glob("*.json")) else own)
    own.mkdir(parents=True, exist_ok=True)
    _replace(own / "report.md", page(profile, found))
    return own / "report.md"


def readme_text(text, results=RESULTS):
    """README's text with the table between its two marks made anew from the committed results.

    The paper profile's results are taken, and the workshop's where there are none.

    Raises
    ------
    ConfigurationError
        No committed results, or a mark is missing.
    """
    profile = next((name for name in ("paper", "workshop") if any((Path(results) / name).glob("*.json"))), None)
    if profile is None:
        raise ConfigurationError(f"{results} has no results of the paper or workshop profile for README's table.")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ConfigurationError(f"README must have the line {BEGIN} and after it the line {END}, once each.")
    head, rest = text.split(BEGIN)
    block = summary(profile, read_results(Path(results) / profile))
    return f"{head}{BEGIN}\n{block}\n{END}{rest.split(END)[1]}"


def update_readme(path, results=RESULTS):
    """Write :func:`readme_text` back to README; True if it changed."""
    path = Path(path)
    before = path.read_text(encoding="utf-8")
    after = readme_text(before, results)
    if after != before:
        _replace(path, after)
    return after != before


def _counts(rows):
    verdicts = [row.verdict for row in rows]
    counted = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(sorted(verdicts)))
    return f"{len(rows)} claims: {counted}."


def _provenance_table(results):
    lines = ["| notebook | data | seed | time | peak memory | machine | commit | date |", "|---|---|---|---|---|---|---|---|"]
    for result in results:
        origin = result["provenance"]
        facts = (
            result["notebook"],
            origin.get("data") or "none",
            origin.get("seed"),
            clock(result["seconds"]),
            f"{result['peak_memory_mib']} MiB",
            _machine(origin),
            origin.get("commit") or "unknown",
            origin.get("date"),
        )
        lines.append(f"| {' | '.join(str(fact) for fact in facts)} |")
    return "\n".join(lines)


def _machine(origin):
    versions = origin.get("versions", {})
    backend = origin.get("backend")
    software = [f"{name} {versions[name]}" for name in ("keras", backend) if name in versions]
    return ", ".join([origin.get("hardware") or "unknown machine", *software])


def _replace(path, text):
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
