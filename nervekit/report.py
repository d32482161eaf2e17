"""The page of claims: for every result of every paper the printed value, ours, and a verdict; README's tables too."""

import statistics
from pathlib import Path

from nervekit import papers, seeds, verdicts
from nervekit.check import EXPECTED
from nervekit.errors import ConfigurationError
from nervekit.papers.tables import ours, printed
from nervekit.progress import clock
from nervekit.results import RESULTS, committed, gather, recorded
from nervekit.settings import RUNS
from nervekit.verdicts import VERDICTS
from nervekit.whole import write_text

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def page(results, expected=EXPECTED):
    """The whole page as Markdown: a table of claims a paper, its audit, and where each result comes from."""
    lines = ["# Claims and results", "", provenance_table(results)]
    for key in papers.names():
        paper = papers.load(key)
        rows = verdicts.comparisons(paper, results, expected)
        lines += ["", f"## {paper.title}", "", paper.citation, "", _counted(rows), ""]
        if changing := _changing(seeds.by_seed(paper, expected)):
            lines += [changing, ""]
        lines += [claims_table(rows, results, expected), "", papers.audit_list(paper.audit)]
        if both := verdicts.precisions(paper, expected):
            lines += ["", precision_table(both)]
    return "\n".join(lines) + "\n"


def claims_table(rows, results, expected=EXPECTED):
    """Markdown table of claims with everything that belongs to a number: interval, seeds, n, data, notebook and profile."""
    origins, over_seeds = recorded(results), seeds.expected(expected)
    lines = [
        "| quantity | paper | ours (95 % interval) | over seeds | n | data | verdict | printed in | measured in |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        several, n, kind, origin = "–", "–", "–", "–"
        if row.ours is not None:
            entry, result = origins[row.claim.key]
            profile = result["provenance"]["profile"]
            n, origin = entry.get("n", "–"), f"{result['notebook'].split('_')[0]}, {profile}"
            kind = entry.get("data") or result["provenance"].get("data") or "none" if row.claim.needs_data else "none needed"
            if all_seeds := seeds.beside(result, over_seeds).get(row.claim.key):
                spread = all_seeds["spread"]
                several = f"{statistics.fmean(spread):.3f} (sd {statistics.stdev(spread):.3f}, {len(spread)} seeds)"
        verdict = f"*{row.verdict}*: {row.reason}"
        cells = (row.claim.quantity, printed(row.claim), ours(row), several, n, kind, verdict, row.claim.where, origin)
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def precision_table(both):
    """Markdown table of claims in bfloat16 beside float32, from :func:`nervekit.verdicts.precisions`."""
    heads = ("quantity", "profile", "paper", "bfloat16 (95 % interval)", "float32 (95 % interval)", "bfloat16", "float32")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for profile, half, full in both:
        cells = (half.claim.quantity, profile, printed(half.claim), ours(half), ours(full), half.verdict, full.verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(results, expected=EXPECTED):
    """What stands in README: how many claims of each paper got which verdict, and the main ones on real data."""
    lines = [f"| paper | claims | {' | '.join(VERDICTS)} |", f"|---|{'---|' * (len(VERDICTS) + 1)}"]
    main = ["| | quantity | printed | ours (95 % interval) | verdict |", "|---|---|---|---|---|"]
    for key in papers.names():
        paper = papers.load(key)
        rows = verdicts.comparisons(paper, results, expected)
        numbers = " | ".join(str(number or "–") for number in verdicts.counts(rows).values())
        lines.append(f"| {verdicts.short_name(paper)} | {len(rows)} | {numbers} |")
        for row in verdicts.main_claims(rows):
            cells = (verdicts.short_name(paper), row.claim.quantity, printed(row.claim), ours(row), f"*{row.verdict}*")
            main.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *main, "", _measured_where(results), *_between_precisions(expected)])


def write_page(profile=None, *, runs=RUNS, results=RESULTS, expected=EXPECTED):
    """Write the page: ``runs/report.md`` of the committed results, those of README's table, or a profile's own page.

    Parameters
    ----------
    profile : str, optional
        Write ``runs/<profile>/report.md``: of each notebook the result of the run there, or a committed one
        where it did not run or only that is on real data.
    runs, results, expected : path-like
        Folders of the runs, of the committed results and of the expectations.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ConfigurationError
        There is no such profile, or there are no results.
    """
    if profile not in (None, *papers.PROFILES):
        raise ConfigurationError(f"There is no profile {profile!r}. Choose one of: {', '.join(papers.PROFILES)}.")
    folder = Path(runs) / (profile or "")
    found = gather(profile, folder, results) if profile else committed(results)
    if not found:
        where = f"{folder} or {results}" if profile else results
        advice = f"Make them with: make run-all PROFILE={profile}" if profile else "For the page of a run: make report PROFILE=smoke"
        raise ConfigurationError(f"There are no results in {where}. {advice}")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "report.md", page(found, expected))
    return folder / "report.md"


def readme_text(text, results=RESULTS, expected=EXPECTED):
    """README's text with the tables between its two marks made anew from the committed results.

    Raises
    ------
    ConfigurationError
        No committed results, or a mark is missing.
    """
    found = committed(results)
    if not found:
        raise ConfigurationError(f"{results} has no results of the paper or workshop profile for README's table.")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ConfigurationError(f"README must have the line {BEGIN} and after it the line {END}, once each.")
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{summary(found, expected)}\n{END}{rest.split(END)[1]}"


def update_readme(path, results=RESULTS, expected=EXPECTED):
    """Write :func:`readme_text` back to README; True if it changed."""
    path = Path(path)
    before = path.read_text(encoding="utf-8")
    after = readme_text(before, results, expected)
    if after != before:
        write_text(path, after)
    return after != before


def provenance_table(results):
    """Markdown table of where each result comes from: data, profile, seed, time, memory, machine, commit, date."""
    lines = [
        "| notebook | data | profile | seed | time | peak memory | machine | commit | date |",
        f"|{'---|' * 9}",
    ]
    for result in results:
        origin = result["provenance"]
        facts = (
            result["notebook"],
            origin.get("data") or "none",
            origin.get("profile"),
            origin.get("seed"),
            clock(result["seconds"]),
            f"{result['peak_memory_mib']} MiB",
            verdicts.machine(origin),
            origin.get("commit") or "unknown",
            origin.get("date"),
        )
        lines.append(f"| {' | '.join(str(fact) for fact in facts)} |")
    return "\n".join(lines)


def _counted(rows):
    counted = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.counts(rows).items() if number)
    return f"{len(rows)} claims: {counted}."


def _changing(by_seed):
    """A sentence a profile: how many verdicts depend on the seed; empty if none ran with several."""
    told = []
    for profile in sorted({profile for profile, _ in by_seed}):
        verdicts_of = [found for place, found in by_seed.items() if place[0] == profile]
        changing = sum(len(set(found.values())) > 1 for found in verdicts_of)
        numbers = sorted({seed for found in verdicts_of for seed in found})
        counted = ", ".join(str(sum(found.get(seed) == "not reproduced" for found in verdicts_of)) for seed in numbers)
        told.append(f"Run with several seeds ({profile} profile): {len(verdicts_of)} claims with an interval, of which {changing} "
                    f"change their verdict with the seed; not reproduced by each seed alone: {counted}.")  # fmt: skip
    return " ".join(told)


def _between_precisions(expected):
    """One sentence: how many verdicts float32 changes; none where nothing ran in both."""
    both = [row for key in papers.names() for row in verdicts.precisions(papers.load(key), expected)]
    if not both:
        return []
    changed = [half.claim.quantity for _, half, full in both if half.verdict != full.verdict]
    named = f": {'; '.join(changed)}" if changed else ""
    where = " and ".join(sorted({profile for profile, _, _ in both}))
    told = f"In float32 in place of bfloat16 {len(changed)} of {len(both)} verdicts change ({where} profile){named}"
    return [f"{told}. `make report` shows both."]


def _measured_where(results):
    """One sentence: which notebooks in which profile on which machine, of those that answer a claim on real data."""
    claimed = {claim.key for key in papers.names() for claim in papers.load(key).claims}
    answering = [result for result in results if claimed & set(result["values"])]
    real = [result for result in answering if result["provenance"].get("data") == "real"]
    trained = [result for result in real if result["provenance"].get("backend")] or real or answering or results
    places = {}
    for result in trained:
        origin = result["provenance"]
        places.setdefault(f"{origin.get('profile')} profile, {verdicts.machine(origin)}", []).append(result["notebook"][:2])
    said = [f"{'notebooks' if len(names) > 1 else 'notebook'} {', '.join(names)}, {place}" for place, names in places.items()]
    return f"Measured: {'; '.join(said)}."
