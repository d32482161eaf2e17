"""Files of a set, read from a folder or straight from its archive, each checked before it is used."""

from __future__ import annotations

import csv
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path, PurePath, PurePosixPath

from nervekit.errors import DataError, command

MARKER = "SIMULATED.json"  # beside simulated files, so that they never pass for real ones
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave in folders and archives
ASIDE = {"@eaDir", "lost+found", "System Volume Information", "$RECYCLE.BIN"}  # what drives keep for themselves
PARTS = {"Dataset", "images", "masks", "test", "testset", "train", "trainset"}


@dataclass(frozen=True)
class Source:
    """The files of a set, wherever they lie.

    Parameters
    ----------
    path : pathlib.Path
        The folder or the archive.
    sizes : mapping of str to int
        Size in bytes of every file, by its path inside the set (with forward slashes).
    read : callable
        ``read(name)`` returns the bytes of one file.
    """

    path: Path
    sizes: Mapping[str, int]
    read: Callable[[str], bytes]


@dataclass(frozen=True)
class Manifest:
    """What a public set holds: size and SHA-256 of every file, by path."""

    key: str
    entries: Mapping[str, tuple[int, str]]

    def select(self, *suffixes: str) -> Manifest:
        """Return the part of the manifest whose paths end with one of `suffixes`; all of it if there are none."""
        suffixes = suffixes or ("",)
        return Manifest(self.key, {k: v for k, v in self.entries.items() if k.endswith(suffixes)})

    @property
    def fingerprint(self) -> str:
        """Short hash of the whole list, the same for two sets only if every file is the same."""
        lines = "\n".join(f"{name},{digest}" for name, (_, digest) in sorted(self.entries.items()))
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def read_manifest(key: str) -> Manifest:
    """Read ``manifests/<key>.csv`` of this package.

    Examples
    --------
    >>> len(read_manifest("femoral").select(".jpg").entries)
    562
    """
    text = resources.files("nervekit.data").joinpath("manifests", f"{key}.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return Manifest(key, {row["path"]: (int(row["bytes"]), row["sha256"]) for row in rows})


@contextmanager
def open_source(path: str | Path, strip: bool = True) -> Iterator[Source]:
    """Open a folder or a zip archive as a `Source`.

    The one folder that holds everything in an archive is left out of the names (unless ``strip=False``, or it is a
    part of the set such as ``train``), and an archive with a member that would land outside the folder it is unpacked
    in is refused as a whole. Links to folders are followed; a link that leads nowhere is an error once it is read.

    Raises
    ------
    nervekit.errors.DataError
        If `path` does not exist or may not be read, is not a readable zip archive, or holds unsafe or damaged members or
        a folder that may not be listed.
    """
    path = Path(path)
    try:
        folder, alone = path.is_dir(), path.is_file()
    except OSError as error:
        raise unreadable(path, error) from error
    if folder:
        yield _folder(path)
    elif alone:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(
                f"{path}: not a readable zip archive ({error}). Download it again, or give the unpacked folder."
            ) from error
        with archive:
            yield archive_source(path, archive, strip)
    else:
        raise DataError(f"{path}: no such file or folder. Check the path (and NERVEKIT_DATA).")


def unreadable(path: Path | str, error: OSError) -> DataError:
    """The error for a file that is there but cannot be read."""
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        return DataError(
            f"{path}: is a link that leads nowhere. Fetch the file (`git annex get`, `dvc pull`), or remove the link."
        )
    return DataError(f"{path}: cannot be read ({error.strerror or error}). Check that it is a file that you may read.")


def expanded(path: str | Path, what: str) -> Path:
    """Put the home folder in the place of ``~``; DataError if there is none. `what` is where `path` was given.

    Examples
    --------
    >>> expanded("sets/~1", "root").as_posix()
    'sets/~1'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(
            f"{what}={path}: there is no such home folder. Correct the name after the ~, or write the whole path."
        ) from error


def _folder(path: Path) -> Source:
    def read(name: str) -> bytes:
        try:
            return (path / name).read_bytes()
        except OSError as error:
            raise unreadable(path / name, error) from error

    found: dict[Path, int] = {}
    try:
        for item in _walk(path):
            name = item.relative_to(path)
            if is_litter(name):
                continue
            if item.is_file():
                found[name] = item.stat().st_size
            elif item.is_symlink() and not item.exists() and not is_hidden(name):
                found[name] = 0  # left out, an image would vanish together with its mask; reading it says what is wrong
    except OSError as error:  # such as of a link into a folder that may not be entered
        raise unreadable(error.filename or path, error) from error
    return Source(path, {name.as_posix(): found[name] for name in sorted(found)}, read)


def _walk(path: Path) -> Iterator[Path]:
    """Go through all files of a folder, those behind links too; a link to a folder above itself is not entered.

    OSError if a folder cannot be listed, but for hidden ones: what it holds would be taken for lost.
    """

    def refuse(error: OSError) -> None:
        if not is_hidden(Path(error.filename or path).relative_to(path)):
            raise error

    for parent, folders, names in os.walk(path, onerror=refuse, followlinks=True):
        here = Path(os.path.abspath(parent))
        above = {os.path.realpath(place) for place in (here, *here.parents)}
        folders[:] = [name for name in folders if os.path.realpath(here / name) not in above]
        yield from (Path(parent, name) for name in names)


def archive_source(path: Path, archive: zipfile.ZipFile, strip: bool = True) -> Source:
    """Return the `Source` of an open archive; see `open_source`."""
    # Some programs of Windows write backslashes, against the rules of the format.
    members = {member.filename.replace("\\", "/"): member for member in archive.infolist()}
    members = {name: member for name, member in members.items() if not name.endswith("/")}
    for member in members.values():
        check_member(path, member)
    members = {name: member for name, member in members.items() if not is_litter(PurePosixPath(name))}
    tops = {PurePosixPath(name).parts[0] for name in members}
    nested = all("/" in name for name in members)
    prefix = f"{tops.pop()}/" if strip and len(tops) == 1 and nested and not tops & PARTS else ""

    def read(name: str) -> bytes:
        try:
            return archive.read(members[prefix + name])
        except (KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, OSError, NotImplementedError) as error:
            raise DataError(
                f"{path}: its member {prefix + name} cannot be read ({error}). Download the archive again."
            ) from error

    return Source(path, {name.removeprefix(prefix): member.file_size for name, member in members.items()}, read)


def is_simulated(path: str | Path, names: Iterable[str] = ()) -> bool:
    """Say whether ``SIMULATED.json`` lies in a folder, or up to two folders above: parts of a set count too.

    The folders in which `names` (paths below `path`) really lie count as well: links may lead into a simulated set.
    """
    places = {Path(os.path.abspath(path)), Path(os.path.realpath(path))}
    places |= {Path(os.path.realpath(Path(path, name))).parent for name in names}
    return any(os.path.isfile(place / MARKER) for one in places for place in (one, *one.parents[:2]))


def is_litter(name: PurePath) -> bool:
    """Say whether a file is none of the set's: what file managers leave, macOS beside each file of a foreign disk."""
    return name.name in LITTER or name.name.startswith("._") or name.parts[0] == "__MACOSX"


def is_hidden(name: PurePath) -> bool:
    """Say whether a file lies apart from those of the user: under a hidden name, or where disks keep their own.

    Examples
    --------
    >>> is_hidden(PurePath(".ipynb_checkpoints", "a.png")), is_hidden(PurePath("images", "a.png"))
    (True, False)
    """
    return any(part.startswith(".") or part in ASIDE for part in name.parts)


def check_member(path: Path, member: zipfile.ZipInfo) -> None:
    """Raise DataError if a member of the archive `path` is a link or would leave its folder."""
    name = PurePosixPath(member.filename.replace("\\", "/"))
    unsafe = name.is_absolute() or ".." in name.parts or ":" in name.parts[0]
    link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if unsafe or link:
        raise DataError(
            f"{path}: its member {member.filename!r} {'is a link' if link else 'would leave the folder'}, so "
            "nothing of this archive was read. Use the archive from the public address (`nervekit data`)."
        )


def differences(source: Source, manifest: Manifest) -> dict[str, list[str]]:
    """Compare every file with the manifest.

    Returns
    -------
    dict
        Sorted paths under ``"missing"``, ``"changed"`` and ``"extra"``; three empty lists if all is well.
    """
    names = set(manifest.entries)
    present = sorted(names & set(source.sizes))
    return {
        "missing": sorted(names - set(source.sizes)),
        "changed": [name for name in present if _problem(source, manifest, name)],
        "extra": sorted(set(source.sizes) - names),
    }


def verified(source: Source, manifest: Manifest, whole: bool = True) -> Source:
    """Return `source` reduced to the files of the manifest, each checked by SHA-256 whenever it is read.

    With ``whole=False`` files that the manifest does not list stay in, unchecked; none that it lists may be missing.

    Raises
    ------
    nervekit.errors.DataError
        At once if files are missing; on reading if a file is not the one in the manifest.
    """
    require(source, manifest)

    def read(name: str) -> bytes:
        content = source.read(name)
        problem = mismatch(content, *manifest.entries[name]) if name in manifest.entries else ""
        if problem:
            raise DataError(
                f"{source.path}: {name} {problem}, so it is not the file of the public set {manifest.key!r}. "
                f"Get it again with `{command(f'nervekit fetch {manifest.key}')}`."
            )
        return content

    kept = manifest.entries if whole else source.sizes
    return replace(source, sizes={name: source.sizes[name] for name in kept}, read=read)


def require(source: Source, manifest: Manifest) -> None:
    """Raise DataError if files of the manifest are missing."""
    missing = sorted(set(manifest.entries) - set(source.sizes))
    if missing:
        raise DataError(
            f"{source.path}: {len(missing)} of {len(manifest.entries)} files of the set {manifest.key!r} are missing, "
            f"the first is {missing[0]}. Get the whole set with `{command(f'nervekit fetch {manifest.key}')}`; images of "
            "your own are read by nervekit.data.folder.read."
        )


def fingerprint(source: Source, names: Iterable[str] | None = None) -> str:
    """Return a short hash of the names and contents of these files of a source, by default all."""
    names = source.sizes if names is None else names
    entries = {name: (0, hashlib.sha256(source.read(name)).hexdigest()) for name in names}
    return Manifest("", entries).fingerprint


def _problem(source: Source, manifest: Manifest, name: str) -> str:
    try:
        return mismatch(source.read(name), *manifest.entries[name])
    except DataError as error:
        return str(error)


def mismatch(content: bytes, size: int, digest: str) -> str:
    """Say in what a file differs from its manifest; empty if it does not."""
    if len(content) != size:
        return f"has {len(content)} bytes instead of {size}"
    found = hashlib.sha256(content).hexdigest()
    return "" if found == digest else f"has SHA-256 {found[:12]}... instead of {digest[:12]}..."
