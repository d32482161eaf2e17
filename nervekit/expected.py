"""Expected values and their tolerances, from runs over several seeds."""

import json
import math
import statistics
from pathlib import Path

from nervekit.check import EXPECTED, FEWEST_SEEDS, read_json
from nervekit.errors import ConfigurationError, RunError
from nervekit.whole import write_text

FLOOR = 0.01
FACTS = ("data", "precision", "backend")
PARTS = ("seeds", "seconds", *FACTS, "commits")


def tolerance(values, step=0):
    """Centre and tolerance of one key from its values over the seeds.

    The centre is the mean. The tolerance is the largest of four standard deviations, one and a half times the
    largest deviation from the centre, two steps, and a floor of 0.01 (rounding that differs between machines).
    Whole numbers that are the same for every seed are counts: they have the tolerance 0 and must match exactly.

    Parameters
    ----------
    values : sequence of float
        One a seed, at least two.
    step : float
        The smallest change that the value can make, such as one image in a share of images: where every seed has an
        accuracy of 1, all images passed, by however little.

    Returns
    -------
    center, tolerance : float

    Examples
    --------
    >>> tolerance([1940817, 1940817, 1940817])
    (1940817, 0)
    >>> center, width = tolerance([0.80, 0.82, 0.81, 0.79, 0.78])
    >>> round(center, 3), round(width, 3)
    (0.8, 0.063)
    """
    if len(set(values)) == 1 and isinstance(values[0], int):
        return values[0], 0
    center = statistics.fmean(values)
    farthest = max(abs(value - center) for value in values)
    return center, max(4 * statistics.stdev(values), 1.5 * farthest, 2 * step, FLOOR)


def check_seeds(number, provisional=False):
    """Raise ConfigurationError if so few seeds give no tolerances and these are asked for."""
    if number < FEWEST_SEEDS and not provisional:
        raise ConfigurationError(
            f"Tolerances need at least {FEWEST_SEEDS} seeds; there are {number}. Name more, or do without: --provisional"
        )


def expectations(profile, results, *, provisional=False, not_pinned=(), before=None):
    """Make the content of ``expected/<profile>.json`` from results over seeds.

    The median time of a notebook is kept for the progress line; it is not compared.
    A key recorded with ``compare=False`` (a time, a speed) must be there, but its value is free. So is a share that differs
    so much between seeds that its tolerance reaches from 0 to 1: no value could fail.

    Parameters
    ----------
    profile : str
    results : dict
        ``{seed: [result, ...]}`` with the JSON content of every notebook.
    provisional : bool
        Allow fewer than five seeds. No tolerance comes of them: a run must then have the same keys, finite values, and
        main scores above what a model that learnt nothing reaches.
    not_pinned : collection of str
        Keys that differ too much between seeds to be pinned. They get no tolerance either; their floor holds.
    before : dict, optional
        An earlier answer for the same settings, such as that of another machine: its seeds are counted beside the new ones.
        A seed that gave other values there counts twice: rounding makes another training of it.

    Returns
    -------
    dict

    Raises
    ------
    ConfigurationError
        Fewer than five seeds.
    RunError
        The seeds recorded different keys, data, precision or backend, or none a key of `not_pinned`; two notebooks recorded the
        same key; `before` has one of the runs, other keys, data, precision or backend; the value of a seed does not
        exceed what a model that learnt nothing reaches (the key's ``must_exceed``); or a pin would not mean anything: a
        model that learnt nothing passes it, since the centre less the tolerance does not exceed ``must_exceed``.
    """
    known = before["seeds"] if before else {}
    notebooks = sorted({result["notebook"] for batch in results.values() for result in batch})
    counts = {notebook: len(results) + len(known.get(notebook, ())) for notebook in notebooks}
    check_seeds(min(counts.values(), default=len(results)), provisional)
    keys, about, problems = {}, {part: {} for part in PARTS}, []
    for notebook in notebooks:
        by_seed = {
            seed: next((result for result in batch if result["notebook"] == notebook), None)
            for seed, batch in results.items()
        }
        problem = _problem_of_seeds(notebook, profile, by_seed)
        if problem:
            problems.append(problem)
            continue
        first = next(iter(by_seed.values()))
        earlier = {key: entry for key, entry in before["keys"].items() if entry["notebook"] == notebook} if before else {}
        if notebook in known and (problem := _problem_of_more(notebook, earlier, known[notebook], by_seed)):
            problems.append(problem)
            continue
        for fact in FACTS:
            about[fact][notebook] = first["provenance"].get(fact)
            if notebook in known and before[fact].get(notebook) != about[fact][notebook]:
                was = f"{notebook}: {fact} {before[fact].get(notebook)!r} is pinned, and now {about[fact][notebook]!r}. "
                problems.append(f"{was}Run the seeds with the same {fact}, or all of them anew, without --more.")
        about["seeds"][notebook] = [*known.get(notebook, ()), *results]
        about["seconds"][notebook] = round(statistics.median(result["seconds"] for result in by_seed.values()), 1)
        commits = [result["provenance"].get("commit") for result in by_seed.values()]
        # Pins of an early form do not say at which commits their seeds ran.
        were_at = (before.get("commits", {}).get(notebook) or [None] * len(known[notebook])) if notebook in known else []
        about["commits"][notebook] = [*were_at, *commits]
        for key in first["values"]:
            if key in keys:
                problems.append(_of_two(key, keys[key]["notebook"], notebook))
            measured = [*_measured(earlier.get(key)), *(result["values"][key] for result in by_seed.values())]
            pinned = counts[notebook] >= FEWEST_SEEDS and key not in not_pinned
            keys[key], problem = _entry(notebook, key, measured, pinned)
            problems += [problem] if problem else []
    problems += [f"{key}: --not-pinned names it, but no notebook recorded it." for key in not_pinned if key not in keys]
    if problems:
        raise RunError("Nothing was written:\n" + "\n".join(problems))
    return {"profile": profile, **about, "keys": dict(sorted(keys.items()))}


def merge(content, folder=EXPECTED):
    """Add what ``<folder>/<profile>.json`` has for notebooks that are not in `content`.

    Raises
    ------
    RunError
        One of these has a key of `content`.
    """
    path = Path(folder) / f"{content['profile']}.json"
    if not path.exists():
        return content
    old, new = read_json(path), content["seeds"].keys()
    keys = {key: entry for key, entry in old["keys"].items() if entry["notebook"] not in new}
    if twice := [_of_two(key, keys[key]["notebook"], content["keys"][key]["notebook"]) for key in keys if key in content["keys"]]:
        raise RunError("Nothing was written:\n" + "\n".join(twice))
    kept = {part: {**old.get(part, {}), **content[part]} for part in PARTS}
    return {
        "profile": content["profile"],
        **{part: dict(sorted(entries.items())) for part, entries in kept.items()},
        "keys": dict(sorted({**keys, **content["keys"]}.items())),
    }


def write(content, folder=EXPECTED):
    """Write ``<folder>/<profile>.json``, one key a line so that differences can be read, and return its path."""
    keys = ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in content["keys"].items())
    head = "".join(f" {json.dumps(name)}: {json.dumps(content[name])},\n" for name in content if name != "keys")
    path = Path(folder) / f"{content['profile']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f'{{\n{head} "keys": {{\n{keys}\n }}\n}}\n')
    return path


def _entry(notebook, key, measured, pinned):
    spread = [entry["value"] for entry in measured]
    if not all(math.isfinite(value) for value in spread):
        return None, f"{key}: {spread} are not all finite."
    floor = max((one["must_exceed"] for one in measured if one.get("must_exceed") is not None), default=None)
    entry = {"notebook": notebook, "center": None, "tolerance": None, "spread": spread}
    if all(one.get("low") is not None for one in measured):
        entry["intervals"] = [[one.get("low"), one.get("high")] for one in measured]
    entry |= {} if floor is None else {"must_exceed": floor}
    failed = [value for value in spread if floor is not None and value <= floor]
    if failed:
        return entry, (
            f"{key}: {[_round(value) for value in failed]} of the seeds {[_round(value) for value in spread]} do not exceed "
            f"what a model that learnt nothing reaches ({floor:.4g}). Make the task or the model of this profile better."
        )
    if not pinned or not all(one.get("compare", True) for one in measured):
        return entry, None
    center, width = tolerance(spread, step=max(one.get("step", 0) for one in measured))
    if width:
        center, width = round(center, 4 - math.floor(math.log10(width))), _round(width)
    if floor is not None and center - width <= floor:
        return entry, (
            f"{key}: {center:.4g} with tolerance {width:.4g} would pass a model that learnt nothing ({floor:.4g}). Make the "
            f"task or the model of this profile better, or hold it above its floor alone: --not-pinned {key}"
        )
    share = not all(isinstance(value, int) for value in spread) and 0 <= min(spread) and max(spread) <= 1
    if share and center - width <= 0 and center + width >= 1:
        return entry, None
    return entry | {"center": center, "tolerance": width}, None


def _measured(entry):
    """The values of a pin as the runs recorded them, as far as it has them; none if there is no pin."""
    if entry is None:
        return []
    intervals = entry.get("intervals", [(None, None)] * len(entry["spread"]))
    floor = entry.get("must_exceed")
    return [
        {"value": value, "low": low, "high": high, "must_exceed": floor}
        for value, (low, high) in zip(entry["spread"], intervals, strict=True)
    ]


def _problem_of_more(notebook, earlier, seeds, by_seed):
    keys = next(iter(by_seed.values()))["values"].keys()
    if earlier.keys() != keys:
        changed = sorted(earlier.keys() ^ keys)
        return f"{notebook}: {changed} are not in both, the pins and the new runs: it has changed. Run all seeds, without --more."
    known = {(seed, *(earlier[key]["spread"][place] for key in keys)) for place, seed in enumerate(seeds)}
    new = {seed: (seed, *(result["values"][key]["value"] for key in keys)) for seed, result in by_seed.items()}
    if twice := sorted(seed for seed, found in new.items() if found in known):
        return f"{notebook}: the seeds {twice} are pinned already, with the same values. Take other seeds or another machine."
    return None


def _of_two(key, first, second):
    return f"{key}: recorded by {first} and by {second}. Give each number a key of its own."


def _round(number):
    """Six significant digits; whole numbers stay as they are."""
    return number if isinstance(number, int) else float(f"{number:.6g}")


def _problem_of_seeds(notebook, profile, by_seed):
    absent = [seed for seed, result in by_seed.items() if result is None]
    if absent:
        return f"{notebook}: no results for the seeds {absent}."
    origins = [result["provenance"] for result in by_seed.values()]
    if any(origin.get("profile") != profile for origin in origins):
        return f"{notebook}: profiles {[origin.get('profile') for origin in origins]}, not all {profile!r}."
    if [origin.get("seed") for origin in origins] != list(by_seed):
        return f"{notebook}: recorded the seeds {[origin.get('seed') for origin in origins]}, not {list(by_seed)}."
    for fact in FACTS:
        if len({origin.get(fact) for origin in origins}) > 1:
            return f"{notebook}: {fact} {[origin.get(fact) for origin in origins]} differ between seeds."
    keys = [set(result["values"]) for result in by_seed.values()]
    odd = set.union(*keys) - set.intersection(*keys)
    return f"{notebook}: recorded for some seeds only: {', '.join(sorted(odd))}." if odd else None
