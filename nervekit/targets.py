"""What a notebook without a paper set out to reach, beside what it reached."""

from nervekit import intervals


def table(paper, values, provenance):
    """Markdown table *target · ours · reached*.

    A target is *reached* if our value is at least as high; then it says whether the whole interval is. Short of it, it
    says by how much. Simulated data is never held against a target.

    Parameters
    ----------
    paper : papers.Paper
        One of ``papers.OWN``, such as ``papers.load(papers.OURS)``; its claims are the targets.
    values : dict
        Recorded values, ``{key: {"value": ..., "low": ..., "high": ...}}``.
    provenance : dict
        Of the run; ``data`` is ``"real"`` or ``"simulated"``.

    Returns
    -------
    str

    Examples
    --------
    >>> from nervekit import papers
    >>> found = {"beyond.published.ours.pooled_iou": {"value": 0.73, "low": 0.70, "high": 0.76}}
    >>> print(table(papers.load(papers.OURS), found, {"data": "real"}).splitlines()[2])
    | Sum IoU, published split of the femoral set | 0.750 | 0.730 (0.700 to 0.760) | short by 0.020 | the paper prints 0.638 |
    """
    lines = ["| quantity | target | ours (95 % interval) | reached? | for comparison |", "|---|---|---|---|---|"]
    for target in paper.claims:
        ours, verdict = "–", _without_result(target.key in values, provenance)
        if verdict is None:
            found = values[target.key]
            ours = intervals.text(found)
            verdict = _verdict(found, target.value)
        lines.append(f"| {target.quantity} | {target.value:.3f} | {ours} | {verdict} | {target.where} |")
    return "\n".join(lines)


def _without_result(recorded, provenance):
    if provenance.get("data") != "real":
        return "*not run*: simulated data"
    return None if recorded else "*not run*: no result of it in this run"


def _verdict(found, target):
    if (short := target - found["value"]) > 0:
        said = f"short by {short:.3f}" if short >= 0.0005 else "short by less than 0.0005"
        return f"{said}, by less than one image" if short < found.get("step", 0) else said
    if found.get("low") is None:
        return "reached; there is no interval"
    return "reached, and so is the whole interval" if found["low"] >= target else "reached; the interval is not all above"
