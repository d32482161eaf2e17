"""The command line: ``nervekit run``, ``check``, ``report``, ``doctor``, ``fetch``, ``phantom`` and others."""

import logging
import os
import signal
import sys

# jsonschema, which nbformat imports, does without this package, whose import takes two seconds.
sys.modules.setdefault("rfc3987_syntax", None)

from nervekit.arguments import parser
from nervekit.errors import ConfigurationError, NervekitError, RunError

WRONG_USE, INTERRUPTED = 2, 130


def main(arguments=None):
    """Run one command; the exit status.

    0 if all is well, 1 if a notebook failed, did not run, or moved, or the system refused to write, 2 if something was asked for
    that does not exist or cannot be read, 130 if interrupted. An error that a user can cause is one message, never a traceback.
    """
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        options = parser(COMMANDS).parse_args(arguments)
        return options.command(options)
    except NervekitError as error:
        print(f"nervekit: {error}", file=sys.stderr)
        return 1 if isinstance(error, RunError) else WRONG_USE
    except BrokenPipeError:
        # Such as of: nervekit data | head. Python would complain again when it closes its output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FileNotFoundError as error:
        print(f"nervekit: {error}. Look at the path, and run this at the top of the project.", file=sys.stderr)
        return WRONG_USE
    except OSError as error:
        print(f"nervekit: {error}. Free some space, or name another folder.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
        print("nervekit: interrupted; folds that were finished are kept, what else was running is not", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(options):
    from nervekit import notebooks, run
    from nervekit.settings import check_backend

    settings = _settings(options, options.seed)
    sources = [notebooks.find(name, options.sources) for name in _names(options)]
    check_backend(settings.backend)
    if options.list:
        print("\n".join(source.stem for source in sources))
        return 0
    if options.settings:
        folder = options.runs / settings.profile
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            run.write_settings(source, settings, folder)
        return 0
    outcomes = [run.run(source, settings, runs=options.runs, timeout=options.timeout) for source in sources]
    for outcome in outcomes:
        left = options.runs / settings.profile / f"{outcome.notebook}.failed.ipynb"
        if outcome.status == "failed" and left.exists():
            print(f"{outcome.notebook}: see {left} and .log")
    return int(any(outcome.status != "done" for outcome in outcomes))


def _check(options):
    from nervekit import check, notebooks, papers

    _names(options)  # refuses a folder without notebooks
    expected, problem = None, None
    try:
        expected = None if options.without_expected else check.read_expected(options.profile, options.expected)
    except ConfigurationError as error:
        if options.profile not in papers.PROFILES:
            raise
        problem = error
    named = [notebooks.find(name, options.sources).stem for name in options.notebooks]
    pinned = {entry["notebook"] for entry in expected["keys"].values()} if expected else set()
    chosen = named or sorted(pinned.union(notebooks.names(options.sources)))
    rows = check.check(options.profile, chosen, expected=expected, runs=options.runs)
    print(check.table(rows))
    if options.report and (options.runs / options.profile).is_dir():
        from nervekit import junit, overview, workspace

        folder = options.runs / options.profile
        workspace.sweep(folder)
        print(f"{overview.write(rows, folder, options.profile)}, {junit.write(rows, folder / 'junit.xml', options.profile)}")
    if problem:
        raise problem
    return int(not rows or not all(row.good for row in rows))


def _expected(options):
    from nervekit import check, expected, notebooks, run

    sources = [notebooks.find(name, options.sources) for name in _names(options)]
    before = check.read_expected(options.profile, options.expected) if options.more else None
    known = before["seeds"] if before else {}
    fewest = min((len(known.get(source.stem, ())) for source in sources), default=0)
    expected.check_seeds(len(set(options.seeds)) + fewest, options.provisional)
    if options.list:
        print(*(source.stem for source in sources), sep="\n")
        return 0
    results = {}
    for seed in options.seeds:
        settings = _settings(options, seed)
        runs = options.runs / f"seed-{seed}"
        for source in sources:
            asked = runs / options.profile / f".{source.stem}.settings"
            same = asked.exists() and asked.read_text(encoding="utf-8") == settings.line(source) + "\n"
            ran = check.check(options.profile, [source.stem], runs=runs)[0].status in ("unchecked", "moved")
            if not (options.reuse and same and ran and _newer(asked.with_name(f"{source.stem}.json"), asked)):
                outcome = run.run(source, settings, runs=runs, timeout=options.timeout)
                if outcome.status != "done":
                    print(f"nervekit: {source.stem} with seed {seed}: {outcome.status}: {outcome.reason}")
                    return 1
        results[seed] = _read(runs / options.profile, sources)
    content = expected.expectations(
        options.profile, results, provisional=options.provisional, not_pinned=options.not_pinned, before=before
    )
    path = expected.write(expected.merge(content, options.expected), options.expected)
    print(f"{path}: {len(content['keys'])} values from {len(results)} {'more ' if before else ''}seeds. Look at the difference, then commit it.")
    for notebook, of_all in content["commits"].items():
        if len(set(commits := of_all[-len(results) :])) > 1:
            print(f"{notebook}: its seeds ran at different commits ({', '.join(map(str, commits))}); without --reuse all run again.")
        if before and set(pinned := of_all[: -len(results)]) - set(commits):
            print(f"{notebook}: pinned at {', '.join(map(str, dict.fromkeys(pinned)))}, the new seeds ran at "
                  f"{', '.join(map(str, dict.fromkeys(commits)))}: they belong together if nothing that decides has changed.")  # fmt: skip
    return 0


def _newer(result, settings):
    """Whether a result was written since its settings: make writes these first, and may be stopped before the run."""
    return result.stat().st_mtime_ns >= settings.stat().st_mtime_ns


def _report(options):
    from nervekit import report

    expected = options.expected or options.results.parent / "expected"
    print(report.write_page(options.profile, runs=options.runs, results=options.results, expected=expected))
    if options.readme and any(any((options.results / name).glob("*.json")) for name in ("paper", "workshop")):
        changed = report.update_readme(options.readme, options.results, expected)
        print(f"{options.readme}: {'brought up to date' if changed else 'is up to date'}")
    return 0


def _sync(options):
    from nervekit import notebooks

    problems = []
    for name in _names(options):
        source = notebooks.find(name, options.sources)
        notebook = source.parent.parent / f"{source.stem}.ipynb"
        if not options.check:
            changed = notebooks.sync(source, notebook, refresh=options.refresh, force=options.force)
            print(f"{notebook}: {'written' if changed else 'in step'}")
        problems += notebooks.lint(source, notebook)
    print("\n".join(problems), end="\n" if problems else "")
    return int(bool(problems))


def _doctor(options):
    from nervekit import doctor

    well = True
    for finding in doctor.examine():
        print(finding, flush=True)
        well = well and (finding.ok or not finding.needed)
    print("This machine is ready." if well else "Something that is needed is missing; see above.")
    return int(not well)


def _data(options):
    from nervekit.data import catalog

    if options.action:
        from nervekit.data import checking

        if options.key is None:
            raise ConfigurationError(f"Check which set? nervekit data check KEY, with one of {', '.join(catalog.ENTRIES)}.")
        return int(not checking.report(checking.check(options.key, progress=sys.stderr.isatty())))
    for row in catalog.overview():
        print(f"{row['key']}: {row['state']}: {row['path']}\n    {row['title']}, {row['images']} images, {row['licence']}")
    return 0


def _fetch(options):
    from nervekit.data import catalog

    catalog.fetch(options.key, force=options.force, progress=sys.stderr.isatty())
    return 0


def _phantom(options):
    from nervekit import phantom

    folder = phantom.export(
        options.key, options.folder, subjects=options.subjects, seed=options.seed, progress=sys.stderr.isatty()
    )
    print(f"{folder}: the simulated stand-in of {options.key}, not data of a paper")
    return 0


def _settings(options, seed):
    from nervekit.settings import Settings

    return Settings(options.profile, options.data or None, seed, options.backend, options.precision)


def _names(options):
    from nervekit import notebooks

    names = options.notebooks or notebooks.names(options.sources)
    if not names:
        raise ConfigurationError(f"There are no notebooks in {options.sources}. Run this at the top of the project.")
    return names


def _read(folder, sources):
    from nervekit.check import read_json

    return [read_json(folder / f"{source.stem}.json") for source in sources]


def _interrupt(number, frame):
    # make passes SIGTERM on to what it started, which may have had it already; the second must not stop the tidying up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


COMMANDS = {
    "run": _run, "check": _check, "expected": _expected, "report": _report, "sync": _sync, "doctor": _doctor, "data": _data,
    "fetch": _fetch, "phantom": _phantom,
}  # fmt: skip
