# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 · The reproduction report
#
# **Time:** 20 minutes to read and discuss; the run takes a few seconds and trains nothing.
#
# **Questions**
#
# - Which of the numbers that the five papers print hold up when they are measured again?
# - Of those that do not, how far apart are they?
# - What do the papers' own accounts say when they are checked?
#
# In this notebook we will
#
# - read what the other notebooks left,
# - look at whether their networks learnt anything at all,
# - put a verdict on every printed result of every paper,
# - see how far printed and measured scores are apart,
# - and read the five audits in one place.

# %% [markdown]
# ## Set-up
#
# The same three values as in every notebook. Here the profile says whose results are read first.

# %% tags=["parameters"]
PROFILE = "smoke"
DATA = None
SEED = 0

# %% [markdown]
# This notebook has no paper and no data of its own, and its record says so.

# %%
from nervekit import record

record.start("10_reproduction_report", profile=PROFILE, seed=SEED)
record.provenance(data="none")

# %% [markdown]
# ## What the other notebooks left
#
# Of each notebook the result of this run is taken. Where this run did not run the notebook, a result that was committed with
# the course takes its place; where it had simulated data only, a committed one on real data, because only real data can answer
# a claim.

# %%
from IPython.display import Markdown

from nervekit import notebooks, report, verdicts
from nervekit.results import floors, gather

results = [result for result in gather(PROFILE) if result["notebook"] != "10_reproduction_report"]
left = {result["notebook"] for result in results}
nothing = [name for name in notebooks.names("source") if name not in left | {"10_reproduction_report"}]
print(f"{len(results)} notebooks left results; nothing from: {', '.join(nothing) or 'none'}")
for source in ("this run", "committed"):
    print(f"from {source}: {', '.join(result['notebook'][:2] for result in results if result['from'] == source) or 'none'}")
if not results:
    print("Neither runs nor results is here or one folder up. Open this notebook in the project's folder notebooks.")
Markdown(report.provenance_table(results))

# %% [markdown]
# To fill a gap, run the notebook in question in the same profile, such as `make run-all PROFILE=workshop NOTEBOOKS="02"`, and
# then this one again.
#
# ## Did the networks learn anything?
#
# Before a score is compared with a paper, it has to beat something that looks at no picture: the mean mask, an empty mask,
# or whatever the notebook names. This holds for simulated data too, and it is the only comparison made with them. A score
# of a network that learnt nothing can look respectable, so each main score carries that limit with it.
#
# A notebook that works on both kinds of data has a row for each. Differences between scores are left out: their limit is 0.

# %%
lines = ["| notebook | data | from | main scores | above the limit | smallest margin |", "|---|---|---|---|---|---|"]
scores = {}
for result in results:
    for kind in ("real", "simulated"):
        found = scores[result["notebook"], kind] = floors(result, kind)
        if found:
            margins = [value - limit for value, limit in found.values()]
            cells = result["notebook"], kind, result["from"], len(margins)
            cells += (sum(margin > 0 for margin in margins), f"{min(margins):+.3f}")
            lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
Markdown("\n".join(lines) if len(lines) > 2 else "No notebook has left a score that carries such a limit.")

# %% [markdown]
# How many there are is recorded; on another selection of notebooks the number is another one.

# %%
with_limit = [pair for found in scores.values() for pair in found.values()]
above = sum(value > limit for value, limit in with_limit)
record.value("report.scores_with_limit", len(with_limit), compare=False)
record.value("report.scores_above_limit", above, compare=False)
print(f"{above} of {len(with_limit)} main scores beat a model that learnt nothing")

# %% [markdown]
# ## A verdict on every number
#
# The rule is that of notebook 00; the intervals draw patients or sessions with replacement. One thing is added: where we
# trained with several seeds, their mean is judged, and its interval holds the chance of the start as well, so that a verdict
# here may differ from that of the notebook itself. With few seeds such an interval is wide. Where we had time for one seed,
# the interval leaves out the start and is too narrow. *Not run* is what only simulated data could answer here, or what has no
# result yet; a count that needs no image, such as that of parameters, is judged whatever the data. *Cannot be* is what would
# need something that was never published, or that no run can measure.

# %%
from nervekit import papers

rows, counts = {}, {}
for key in papers.names():
    paper = papers.load(key)
    rows[key] = verdicts.comparisons(paper, results)
    counts[verdicts.short_name(paper)] = verdicts.counts(rows[key])
    record.value(f"report.{key}.claims", len(rows[key]))
    for verdict, number in verdicts.counts(rows[key]).items():
        record.value(f"report.{key}.{verdict.replace(' ', '_')}", number, compare=False)

# %% [markdown]
# All verdicts in one picture. How long a bar is says how many numbers a paper prints, not how good it is; what matters is
# how much of it could be checked, and how much of that holds. What holds is *reproduced*, plain green, or *better*, blue with
# strokes. *Not reproduced* is orange and crossed, *not run* plain grey, *cannot be* white with dots.
#
# The title keeps two sorts of numbers apart. Counts, of images, patients, layers or parameters, are either equal or not.
# Scores, among them spreads of scores and differences between two, are compared by their interval.

# %%
from nervekit.plots.verdicts import verdict_bars


def held(chosen):
    found = verdicts.counts(chosen)
    right = found["reproduced"] + found["better"]
    return f"{right} of {right + found['not reproduced']}"


every = [row for found in rows.values() for row in found]
title = f"{held([row for row in every if row.claim.kind != 'count'])} scores on real data and "
title += f"{held([row for row in every if row.claim.kind == 'count'])} counts hold; {len(every)} numbers are printed"
record.figure("verdicts", verdict_bars(counts, title), alt=f"Claims of each paper by verdict. {title}.")

# %% [markdown]
# *Not reproduced* is no judgement on a paper by itself. Our profile may train smaller networks on smaller images, which the
# set-up table at the top of each notebook says; a paper may also have measured something else than it names, which the
# audits below say. And a printed value inside our interval is weak praise where the interval is wide: 62 test images, or
# 44, leave room for much.
#
# ## How far apart
#
# For the scores on a scale from 0 to 1 that have both numbers, the printed one against ours; scores on training sets are left
# out. On the dotted line both agree; below it we measured less than was printed.

# %%
import numpy as np

pairs = {}
for key, found in rows.items():
    both = [row for row in found if row.low is not None and row.claim.kind == "score" and 0 <= row.claim.value <= 1]
    if both:
        pairs[verdicts.short_name(papers.load(key))] = both
gaps = np.array([row.ours - row.claim.value for found in pairs.values() for row in found])
missed = np.array([row.verdict == "not reproduced" for found in pairs.values() for row in found], bool)
print(f"{len(gaps)} scores with both numbers" + (f", ours minus printed: median {np.median(gaps):+.3f}" if len(gaps) else ""))
if missed.any():
    print(f"{missed.sum()} of them not reproduced, ours minus printed: {', '.join(f'{gap:+.3f}' for gap in sorted(gaps[missed]))}")

# %% [markdown]
# A cloud on one side of the line suggests one cause in all notebooks, such as our reduced set-up. Points on both sides rule
# that out as the only cause, but may be chance, or a departure of a single notebook. Look at those that are *not reproduced*
# by themselves: what lies inside our interval may lie on either side by chance.

# %%
from nervekit.plots.verdicts import printed_and_ours

if len(gaps):
    title = f"Ours lies below the printed score in {sum(gaps < 0)} of {len(gaps)}"
    title += f", and in {sum(gaps[missed] < 0)} of the {missed.sum()} that are not reproduced"
    title += f"\n(median difference of these {np.median(gaps[missed]):+.3f})" if missed.any() else ""
    record.figure("printed_and_ours", printed_and_ours(pairs, title), alt=f"Printed scores against ours. {title}.")
else:
    print("There is nothing to draw: no score has been measured on real data.")

# %% [markdown]
# ## Every claim
#
# For each number what it is, as printed, ours with its interval, the spread over seeds where several were run, how many
# images it rests on, the verdict with its reason, where the paper prints it, and which notebook measured it.

# %%
from IPython.display import display

for key, found in rows.items():
    table = report.claims_table(found, results)
    display(Markdown(f"### {verdicts.short_name(papers.load(key))}\n\n{papers.load(key).citation}\n\n{table}"))

# %% [markdown]
# ## The five audits
#
# What each paper's own account says when it is checked. Each finding names its evidence, and whether it was measured here,
# follows by arithmetic, is stated in the published text or code, is absent from it, or is inferred. Inference is the weakest of these and is
# never the only leg that a verdict stands on.

# %%
from collections import Counter

natures = Counter()
for key in papers.names():
    paper = papers.load(key)
    natures.update(entry["nature"].replace(";", " ").split()[0] for entry in paper.audit)
    display(Markdown(f"### {verdicts.short_name(paper)}\n\n{papers.audit_list(paper.audit)}"))
first = ", ".join(f"{number} {nature}" for nature, number in natures.most_common())
print(f"{natures.total()} findings, by the first word of their nature: {first}")

# %% [markdown]
# The record of this report is written last, like that of any other notebook.

# %%
record.finish();

# %% [markdown]
# ## What we did
#
# - We read what the other notebooks left, and said where each result comes from.
# - We looked at whether their networks learnt anything at all.
# - We put a verdict on every printed result of every paper, by one rule.
# - We saw how far printed and measured scores are apart.
# - We read the five audits in one place.
#
# **Key points**
#
# - A verdict needs an interval, and the interval needs the right unit: patients or sessions, not images.
# - "Not run" and "cannot be" are answers. A table without them hides how much was never checked.
# - Most of what an audit finds needs no GPU: arithmetic on the printed tables, and a look at how the data were split.
#
# **Exercises**
#
# 1. Take a claim that is *reproduced*. How far could the printed value move before the verdict changes? Is that a strong or a
#    weak confirmation?
# 2. Choose one finding that is called inference. What would turn it into a measurement?
# 3. Write the two sentences that a methods section should have had so that one of the claims that *cannot be* checked could
#    be.
