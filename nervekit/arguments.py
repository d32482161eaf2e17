"""What the command line takes: commands, their options, and what each is for."""

import argparse
import os
from pathlib import Path

from nervekit import __version__

# Far apart: a run of several starts or folds counts on from its seed, and two runs must not share any.
SEEDS = [0, 1000, 2000, 3000, 4000]


def parser(commands):
    """The parser of the command line; of what it reads, ``command`` is the function to call.

    Parameters
    ----------
    commands : dict of str to callable
        Name of a command to its function.

    Returns
    -------
    argparse.ArgumentParser
    """
    from nervekit.processor import PRECISIONS
    from nervekit.settings import BACKENDS, DATA, RUNS

    main = argparse.ArgumentParser(prog="nervekit", description="Run, check and report the notebooks.")
    main.add_argument("--version", action="version", version=f"nervekit {__version__}")
    subparsers = main.add_subparsers(required=True, metavar="COMMAND")

    def command(name, text):
        sub = subparsers.add_parser(name, help=text, description=text)
        sub.set_defaults(command=commands[name])
        return sub

    run = command("run", "run notebooks headless; results go to runs/<profile>/")
    check = command("check", "compare the results of a profile with what is expected of them")
    expected = command("expected", "run notebooks over seeds and write expected/<profile>.json")
    report = command("report", "write the page of claims and README's table")
    sync = command("sync", "make the notebooks from their sources, outputs stripped, and look for faults")
    for sub in (run, check, expected, sync):
        sub.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="number or name; all if none is given")
        sub.add_argument("--sources", type=Path, default=Path("notebooks/source"), help="folder of the sources")
    for sub in (run, check, expected, report):
        which = "of the committed results if not given" if sub is report else "smoke if not given"
        sub.add_argument("--profile", default=None if sub is report else "smoke", help=f"smoke, workshop or paper; {which}")
        sub.add_argument("--runs", type=Path, default=RUNS / "expected" if sub is expected else RUNS)
    for sub in (run, expected):
        sub.add_argument("--backend", default=os.environ.get("KERAS_BACKEND") or "tensorflow", help=", ".join(BACKENDS))
        precision = os.environ.get("NERVEKIT_PRECISION") or "auto"
        what = f"{', '.join(PRECISIONS)}; what the auto of a profile means"
        sub.add_argument("--precision", default=precision, help=what)
        sub.add_argument("--data", help=f"{', '.join(DATA)}; the profile chooses if not given")
        sub.add_argument("--timeout", type=float, metavar="SECONDS", help="limit for each notebook")
    for sub in (check, expected, report):
        what = "folder of the expected values" + ("; beside the results if not given" if sub is report else "")
        sub.add_argument("--expected", type=Path, default=None if sub is report else Path("expected"), help=what)
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--list", action="store_true", help="only say which notebooks these are")
    run.add_argument("--settings", action="store_true", help="only write down the settings, for make")
    floors = "only look whether every notebook ran, with its scores above their floors"
    check.add_argument("--without-expected", action="store_true", help=floors)
    check.add_argument("--report", action="store_true", help="write index.html and junit.xml beside the runs")
    expected.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    expected.add_argument("--provisional", action="store_true", help="fewer than five seeds: no tolerances")
    expected.add_argument(
        "--not-pinned", nargs="+", default=[], metavar="KEY", help="keys that get no tolerance; their floor holds"
    )
    more = "keep the seeds that are pinned, and count these beside them: for the same notebooks on another machine"
    expected.add_argument("--more", action="store_true", help=more)
    expected.add_argument("--list", action="store_true", help="only say which notebooks these are, if the seeds are enough")
    expected.add_argument("--reuse", action="store_true", help="do not run again what has run")
    report.add_argument("--results", type=Path, default=Path("results"), help="folder of the committed results")
    report.add_argument("--readme", type=Path, help="bring the table of this README up to date too")
    sync.add_argument("--check", action="store_true", help="change nothing")
    sync.add_argument("--force", action="store_true", help="overwrite notebooks edited after their source")
    sync.add_argument("--refresh", action="store_true", help="run the pinned cells anew")
    command("doctor", "is this machine ready? OK or what to do, line by line")
    data = command("data", "which sets are here, real or simulated, and where; check KEY looks through one")
    data.add_argument("action", nargs="?", choices=["check"], help="name what is missing, changed, extra, unreadable")
    data.add_argument("key", nargs="?", metavar="KEY", help="which set to check")
    fetch = command("fetch", "download a public set")
    fetch.add_argument("key", metavar="KEY")
    fetch.add_argument("--force", action="store_true", help="download even if it is here")
    phantom = command("phantom", "write the simulated stand-in of a public set, in its files and formats")
    phantom.add_argument("key", metavar="KEY", help="femoral, median, brachial or ircadb")
    phantom.add_argument("folder", type=Path, metavar="FOLDER", help="made, or left as it is if it holds this very set")
    phantom.add_argument("--subjects", type=int, metavar="N", help="how many; each set has its usual number")
    phantom.add_argument("--seed", type=int, default=0, metavar="S", help="another seed is another study")
    return main
