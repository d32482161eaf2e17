"""A paper's set-up beside the run's, and its claims beside our measurements, as Markdown."""

from decimal import Decimal


def setup_table(paper, chosen, names=None, heads=("paper", "this run", "stated in the paper")):
    """Markdown table of the paper's set-up beside the run's; what differs is in bold.

    Parameters
    ----------
    paper : Paper
    chosen : dict
        From :func:`settings`.
    names : sequence of str, optional
        The settings to show; all of them if omitted.
    heads : tuple of str
        Heads of the last three columns.

    Returns
    -------
    str
    """
    lines = [f"| setting | {' | '.join(heads)} |", "|---|---|---|---|"]
    for name in names or paper.setup:
        entry = paper.setup[name]
        theirs, ours = _text(entry["value"]), _text(chosen[name])
        if name == "data":
            ours = {"phantom": "simulated", "auto": "real if present, else simulated"}.get(ours, ours)
        shown = ours if ours == theirs else f"**{ours}**"
        lines.append(f"| {name.replace('_', ' ')} | {theirs} | {shown} | {entry['where']} |")
    return "\n".join(lines)


def claims_table(comparisons):
    """Markdown table *paper · ours · verdict*.

    Parameters
    ----------
    comparisons : list of Comparison

    Returns
    -------
    str
    """
    lines = ["| quantity | paper | ours (95 % interval) | verdict | printed in |", "|---|---|---|---|---|"]
    for row in comparisons:
        verdict = f"*{row.verdict}*: {row.reason}"
        lines.append(f"| {row.claim.quantity} | {printed(row.claim)} | {ours(row)} | {verdict} | {row.claim.where} |")
    return "\n".join(lines)


def audit_list(entries):
    """Markdown list of an audit: what was found, whether it is measured or inferred, and on what.

    Parameters
    ----------
    entries : sequence of dict
        Of ``Paper.audit``.

    Examples
    --------
    >>> audit_list([{"finding": "Two rows are equal.", "nature": "arithmetic", "evidence": "Table 1"}])
    '- Two rows are equal. *(arithmetic; Table 1)*'
    """
    return "\n".join(f"- {entry['finding']} *({entry['nature']}; {entry['evidence']})*" for entry in entries)


def printed(claim):
    """The number of a claim with its decimals: as many as it says, else three at least and five at most.

    Examples
    --------
    >>> from nervekit import papers
    >>> {claim.quantity: printed(claim) for claim in papers.load("melnic").claims}["Mean Dice, DL-Unet"]
    '0.9027'
    """
    if not isinstance(claim.value, float):
        return str(claim.value)
    decimals = -Decimal(repr(claim.value)).as_tuple().exponent
    return f"{claim.value:.{claim.digits or min(max(decimals, 3), 5)}f}"


def ours(row):
    """Our measurement with its interval, to three decimals.

    Parameters
    ----------
    row : Comparison

    Returns
    -------
    str
    """
    if row.ours is None:
        return "–"
    if row.low is None:
        return f"{row.ours:.3f}" if isinstance(row.ours, float) else str(row.ours)
    return f"{row.ours:.3f} ({row.low:.3f} to {row.high:.3f})"


def _text(item):
    if isinstance(item, float):
        return f"{item:g}"
    if isinstance(item, (list, tuple)):
        return (" x " if len(item) == 2 and all(isinstance(part, int) for part in item) else ", ").join(str(part) for part in item)
    if isinstance(item, dict):
        return ", ".join(f"{name} {part}" for name, part in item.items())
    return str(item)
