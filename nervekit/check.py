"""Measured against expected: every number of a run within its tolerance, none missing, none new."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from nervekit.errors import ConfigurationError
from nervekit.papers import PROFILES
from nervekit.settings import RUNS

EXPECTED = Path("expected")
FEWEST_SEEDS = 5


@dataclass(frozen=True)
class Check:
    """One number beside what is expected of it; ``problem`` is None if it passes."""

    key: str
    measured: float | None = None
    center: float | None = None
    tolerance: float | None = None
    floor: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Row:
    """One notebook of the table: ``status`` is passed, provisional (expected from too few seeds for tolerances), unchecked
    (only its own floors are; ``problems`` says why, unless nothing at all is expected), moved, failed, not run or missing."""

    notebook: str
    status: str
    seconds: float | None = None
    peak_memory_mib: int | None = None
    checks: tuple[Check, ...] = field(default=())
    problems: tuple[str, ...] = field(default=())

    @property
    def passed(self):
        """How many checks passed."""
        return sum(check.problem is None for check in self.checks)

    @property
    def good(self):
        """Whether nothing is wrong with this notebook."""
        return self.status in ("passed", "provisional", "unchecked")


def read_expected(profile, folder=EXPECTED):
    """Read ``<folder>/<profile>.json``.

    Raises
    ------
    ConfigurationError
        There is no such profile or no such file, or the file is of another profile.
    """
    if profile not in PROFILES:
        raise ConfigurationError(f"There is no profile {profile!r}. Choose one of: {', '.join(PROFILES)}.")
    path = Path(folder) / f"{profile}.json"
    if not path.exists():
        raise ConfigurationError(
            f"There is nothing to check against: {path} does not exist. Write it with: make expected PROFILE={profile}"
        )
    content = read_json(path)
    if content["profile"] != profile:
        raise ConfigurationError(f"{path} says that it is for the profile {content['profile']!r}, not {profile!r}.")
    return content


def read_json(path):
    """What a JSON file of the project holds.

    Raises
    ------
    ConfigurationError
        It holds no JSON, such as after a merge or a power cut.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        advice = f"Run its notebook again, or, of a committed file, solve the conflict of a merge or: git checkout {path}"
        raise ConfigurationError(f"{path} holds no JSON ({error}). {advice}") from error


def here_or_above(folder):
    """A folder of the project, for what runs at its top and for a notebook, which runs one folder below.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    pathlib.Path
        ``folder``, or where only that is there, the one of this name one folder up.
    """
    return folder if folder.is_dir() or not (Path("..") / folder).is_dir() else Path("..") / folder


def check(profile, notebooks, *, expected=None, runs=RUNS):
    """Compare the finished runs of a profile with what is expected of them.

    Parameters
    ----------
    profile : str
        Which runs, ``runs/<profile>/``.
    notebooks : iterable of str
        Names of the notebooks that must have run.
    expected : dict, optional
        From :func:`read_expected`; without it a notebook need only have run, with its scores above the floors that it
        records itself. So it is for one that ran on simulated data where real data are expected, and, in other profiles
        than smoke, for one of which nothing is expected.
    runs : path-like
        The folder that holds a folder a profile.

    Returns
    -------
    list of Row
        One a notebook, in order.
    """
    rows = []
    for name in notebooks:
        try:
            rows.append(_check_notebook(name, profile, expected, Path(runs) / profile))
        except ConfigurationError as error:  # a file that a power cut left half-written
            rows.append(Row(name, "failed", problems=(str(error),)))
    return rows


def compare(name, profile, expected, result):
    """Each check of one result: first where it comes from, then key by key.

    A value passes if it is a finite number, within its tolerance of the centre, and above the ``must_exceed`` of
    the expectation and of the run itself. Keys that are missing or new are problems, and so are a result of another
    profile, of another notebook, or of other data than the expected values come from.

    Returns
    -------
    list of Check

    Examples
    --------
    >>> expected = {"profile": "smoke", "keys": {"dice": {"notebook": "02_a", "center": 0.8, "tolerance": 0.1}}}
    >>> result = {"notebook": "02_a", "provenance": {"profile": "smoke"}, "values": {"dice": {"value": 0.6}}}
    >>> [(check.key, check.problem) for check in compare("02_a", "smoke", expected, result)]
    [('provenance', None), ('dice', '0.6 is not within 0.1 of 0.8')]
    """
    wanted = {key: entry for key, entry in expected["keys"].items() if entry["notebook"] == name}
    values = result.get("values", {})
    checks = [Check("provenance", problem=_problem_of_origin(name, profile, expected, result))]
    for key in sorted(wanted.keys() | values.keys()):
        entry, measured = wanted.get(key) or {}, values.get(key) or {}
        floors = [source["must_exceed"] for source in (entry, measured) if source.get("must_exceed") is not None]
        floor = max(floors, default=None)
        problem = _problem_of_value(wanted.get(key), values.get(key), floor)
        checks.append(Check(key, measured.get("value"), entry.get("center"), entry.get("tolerance"), floor, problem))
    return checks


def table(rows):
    """The rows as text: notebook, status, time, peak memory, checks passed; then each problem on a line."""
    from nervekit.progress import clock

    cells = [("notebook", "status", "time", "peak memory", "checks")]
    for row in rows:
        cells.append(
            (
                row.notebook,
                row.status,
                "" if row.seconds is None else clock(row.seconds),
                "" if row.peak_memory_mib is None else f"{row.peak_memory_mib} MiB",
                f"{row.passed}/{len(row.checks)}" if row.checks else "",
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines += [f"{row.notebook}: {problem}" for row in rows for problem in row.problems]
    good = sum(row.good for row in rows)
    return "\n".join([*lines, f"{good} of {len(rows)} notebooks are as they should be."])


def _check_notebook(name, profile, expected, folder):
    path, failed = folder / f"{name}.json", folder / f"{name}.failed.json"
    if failed.exists():
        content = read_json(failed)
        facts = content["seconds"], content["peak_memory_mib"]
        return Row(name, content["status"], *facts, problems=(content["reason"],))
    if not (path.exists() and (folder / f"{name}.ipynb").exists()):
        return Row(name, "missing", problems=(f"it has not run: no {name}.json with its .ipynb in {folder}",))
    result = read_json(path)
    facts = result["seconds"], result["peak_memory_mib"]
    reason = None if expected is None else _nothing_to_compare(name, profile, expected, result)
    if expected is None or reason:
        checks = tuple(_floors(result["values"]))
        problems = tuple(f"{check.key}: {check.problem}" for check in checks if check.problem)
        return Row(name, "moved" if problems else "unchecked", *facts, checks, (*filter(None, [reason]), *problems))
    checks = tuple(compare(name, profile, expected, result))
    problems = tuple(f"{check.key}: {check.problem}" for check in checks if check.problem)
    if problems and (otherwise := _computed_otherwise(name, expected, result)):
        problems = (otherwise, *problems)
    pinned = len(expected.get("seeds", {}).get(name, range(FEWEST_SEEDS))) >= FEWEST_SEEDS
    status = "moved" if problems else "passed" if pinned else "provisional"
    return Row(name, status, *facts, checks, problems)


def _floors(values):
    """The checks that need no expectations: what a run says that a model that learnt nothing reaches."""
    for key, entry in sorted(values.items()):
        if (floor := entry.get("must_exceed")) is not None:
            yield Check(key, entry.get("value"), floor=floor, problem=_problem_of_value({}, entry, floor))


def _nothing_to_compare(name, profile, expected, result):
    """Why a result cannot be compared, though nothing is wrong with it; None if it can. Smoke has expectations of all."""
    if profile != "smoke" and not any(entry["notebook"] == name for entry in expected["keys"].values()):
        return f"not compared: the profile {profile} has no expected values of it"
    if (result.get("provenance", {}).get("data"), expected.get("data", {}).get(name)) == ("simulated", "real"):
        return "not compared: measured on simulated data, expected values are from real data"
    return None


def _problem_of_origin(name, profile, expected, result):
    origin = result.get("provenance", {})
    data = expected.get("data", {}).get(name)
    if result.get("notebook") != name:
        return f"these are the results of {result.get('notebook')!r}"
    if origin.get("profile") != profile or expected["profile"] != profile:
        return f"profile {origin.get('profile')!r} measured, {expected['profile']!r} expected, {profile!r} asked for"
    if data is not None and origin.get("data") != data:
        return f"measured on {origin.get('data')} data, expected values are from {data} data"
    return None


def _computed_otherwise(name, expected, result):
    """What may be behind values that moved: the backend or the number format; None if both are those of the pins."""
    origin = result.get("provenance", {})
    meant = {fact: expected.get(fact, {}).get(name) for fact in ("backend", "precision")}
    other = [f"{origin.get(fact)} where the pins are from {pin}" for fact, pin in meant.items() if pin not in (None, origin.get(fact))]
    if not other:
        return None
    return f"computed with {' and '.join(other)}; of what may miss then, results/README.md says what is known (Other backends)"


def _problem_of_value(entry, measured, floor):
    if measured is None:
        return "expected, but not recorded (renamed? then write the expectations anew)"
    number = measured.get("value")
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        return f"{number!r} is not a finite number"
    if entry is None:
        return f"recorded as {number:.6g}, but not expected (renamed, or new? then write the expectations anew)"
    if floor is not None and not number > floor:
        return f"{number:.6g} does not exceed {floor:.6g}, what a model that learnt nothing reaches"
    center, tolerance = entry.get("center"), entry.get("tolerance")
    if center is not None and not abs(number - center) <= tolerance * (1 + 1e-9):
        return f"{number:.6g} is not within {tolerance:.3g} of {center:.6g}"
    return None
