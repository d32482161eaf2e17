"""A project of tiny notebooks that need no deep learning: for tests of running and checking."""

GOOD = """# %% [markdown]
# A tiny notebook.

# %% tags=["parameters"]
PROFILE = "smoke"
DATA = None
SEED = 0

# %% [markdown]
# Open the record.

# %%
from nervekit import record

record.start("{name}", profile=PROFILE, seed=SEED)
record.provenance(data="simulated")

# %% [markdown]
# Record a number.

# %%
{code}

# %% [markdown]
# Write the results.

# %%
record.finish();
"""


def write(folder, **codes):
    """Write ``notebooks/source/<name>.py`` for each name; underscores before digits are dropped."""
    sources = folder / "notebooks" / "source"
    sources.mkdir(parents=True, exist_ok=True)
    for name, code in codes.items():
        name = name.removeprefix("n")
        (sources / f"{name}.py").write_text(GOOD.format(name=name, code=code))
    return sources


def result(values, notebook="02_tiny", profile="smoke", data="simulated", seed=0):
    """The content of a results file."""
    return {
        "notebook": notebook,
        "provenance": {"profile": profile, "data": data, "seed": seed},
        "values": {key: item if isinstance(item, dict) else {"value": item} for key, item in values.items()},
        "seconds": 1.5,
        "peak_memory_mib": 100,
    }
