"""A model card: what a trained network is for, what it was trained on, how well it does, and where it fails."""

from nervekit.errors import ConfigurationError

PARTS = ("intended use", "not for", "data", "training", "results", "limits")


def text(name, parts):
    """The card as Markdown.

    Parameters
    ----------
    name : str
    parts : dict of str to str
        Markdown of each of :data:`PARTS`.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        A part is missing or empty: a card without its limits is an advertisement. Or a part is none of :data:`PARTS`.

    References
    ----------
    Mitchell et al. 2019, Model cards for model reporting.

    Examples
    --------
    >>> card = text("A network", dict.fromkeys(PARTS, "Something."))
    >>> card.splitlines()[:3]
    ['# Model card: A network', '', '## Intended use']
    """
    missing = [part for part in PARTS if not parts.get(part, "").strip()]
    if missing or set(parts) - set(PARTS):
        raise ConfigurationError(f"A model card has the parts {', '.join(PARTS)}; missing: {missing}, given: {list(parts)}.")
    sections = [f"## {part.capitalize()}\n\n{parts[part].strip()}" for part in PARTS]
    return "\n\n".join([f"# Model card: {name}", *sections]) + "\n"
