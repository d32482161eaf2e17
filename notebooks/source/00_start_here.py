# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 · Start here
#
# **Time:** 10 minutes to read; runs in half a minute.
#
# Five papers train networks to outline a nerve in an ultrasound image or a liver in a CT scan, and print how well it went.
# This course runs them again, from raw files to a verdict on each number, on a machine you have.
#
# In this notebook we will
#
# - see the five papers and the map of the course,
# - look at what this machine can run, and which data it has,
# - learn what the three profiles are,
# - and learn to read a verdict.

# %% [markdown]
# ## The five papers
#
# | paper | picture | structure | networks | data |
# |---|---|---|---|---|
# | Huang et al. 2019 | ultrasound | femoral nerve block region | U-Net | public, 562 images |
# | Belahsen & El Manouzi 2020 | ultrasound | brachial plexus | five U-Net variants | Kaggle, log-in needed |
# | Gulati & Chhabra | ultrasound | brachial plexus | SegNet, U-Net, ResNet-34 U-Net | Kaggle, log-in needed |
# | Melnic et al. | ultrasound | median nerve | U-Net, L-Unet, DB-Unet, DL-Unet | public, 246 images |
# | Shrivastava 2020 | CT | liver, after bones | U-Net, transferred | public, 20 patients |
#
# The networks of all five are in `nervekit.models`. Two papers have a table of their parameters, and these ten agree exactly;
# the others are the nearest that text and code allow.
#
# ## The map
#
# The minutes are for reading; running a notebook takes at most three more in the `smoke` profile on two processor cores, or
# up to five where two of them run at once.
#
# | notebook | minutes | question | you learn |
# |---|---|---|---|
# | 01 Data preparation | 50 | What happens to a picture between the scanner and the network? Is the published split fair? | masks, resizing, leaks; bitmaps, run-length codes, DICOM; annotate, train, correct |
# | 02 U-Net, femoral | 25 | How well does the paper's U-Net do, and does it beat something that learns nothing? | a U-Net stage by stage; baselines; three kinds of IoU |
# | 03 Cross-validation | 15 | What remains of the score when whole sessions are held out? | folds by image and by session |
# | 04 Brachial U-Nets | 45 | Which of five relatives of the U-Net finds the plexus, and what should it do with the many images that show none? | inception, recurrent, nested and attention blocks; a presence filter; a submission |
# | 05 Brachial augmentation | 30 | Why did more training images make the score collapse? | six transformations; copies across a split; augmenting the training part alone |
# | 06 Brachial transfer | 30 | Does a pre-trained encoder help, and how often is a nerve missed? | SegNet and ResNet encoders; transfer; misses, false alarms, an operating point |
# | 07 Median nerve | 40 | Do two U-Nets in a row find the nerve better than one? | multi-output networks; nerves in two parts; area, perimeter, Bland-Altman |
# | 08 Liver in CT | 30 | Does a network that knows bones need fewer livers? | Hounsfield windows; freezing and fine-tuning; slices, patients, volumes |
# | 09 Beyond the papers | 40 | How far does a plain U-Net get, well trained, and what would a sceptic accept as proof? | a training recipe; paired tests; failures, calibration, export, a model card |
# | 10 Reproduction report | 20 | Which printed numbers hold up? | every claim of five papers, with its verdict and its reason |
# | 11 Simulated images first | 20 | Can images that nobody had to annotate take the place of real ones? | pre-training; less data by session; learning curves with intervals |
# | 12 Median by recipe | 20 | Does the recipe of 09 work on another nerve, and what is won by looking only where it can be? | a prior from training masks; equal cost; all test images |
# | 13 Is there a nerve? | 20 | When is an empty mask the best answer, and what tells: a second output, or the size of the mask? | a threshold from the score; weights learnt on development subjects |
# | 14 Twice the time | 20 | What should twice the computing be spent on: pixels, width, epochs or a second network? | a choice without a look at test images; differences held against another random start |
# | 15 Sessions never seen | 25 | Is the recipe better on new sessions, everywhere? What did the published split hide, and what is each part of the recipe worth? | folds of whole sessions; two splits on the same test images; gains by session; an ablation |
#
# Each can be read alone; whoever begins reads 01 and 02 first.
#
# ## Set-up
#
# Every notebook has one cell like this. Change a value, run again.

# %% tags=["parameters"]
PROFILE = "smoke"
DATA = None
SEED = 0

# %% [markdown]
# A profile is a size. What exactly it changes is printed at the top of each notebook, beside the paper's own set-up.
#
# | profile | data | for |
# |---|---|---|
# | `smoke` | simulated, small | a first look, and the automatic tests: minutes on two processor cores |
# | `workshop` | real where it is present, at reduced size | a course: up to half an hour a notebook on two cores; 12 and 14 about one, 15 and 09 up to two and a half |
# | `paper` | real, at the paper's size | the reproduction: a GPU |

# %%
from IPython.display import Markdown

from nervekit import papers, record

record.start("00_start_here", profile=PROFILE, seed=SEED)
record.provenance(data="none")
paper = papers.load("huang_2019")
settings = papers.settings(paper, PROFILE, data=DATA)
Markdown(papers.setup_table(paper, settings))

# %% [markdown]
# ## What runs here
#
# The same lines as `nervekit doctor` on the command line: what is there, and what to do about what is not.

# %%
from nervekit import doctor

for finding in doctor.examine():
    print(finding)

# %% [markdown]
# No data is needed to begin: unless `DATA` says otherwise, the `smoke` profile uses a **simulated** set, the `workshop` profile
# where the real one is missing. Ultrasound is made by a small model of its physics, CT by painted organs with noise, and both are always called
# simulated. This fetches the first real set (15 MB, MIT licence); then run with `PROFILE = "workshop"`:
#
# ```
# nervekit fetch femoral
# ```
#
# In a terminal at the top of the project that is `.venv/bin/nervekit fetch femoral`. On Colab put `!nervekit fetch femoral` below
# the set-up cell of each notebook that is to use it: there every notebook has a machine of its own, which forgets its files.
#
# ## How to read a verdict
#
# Notebooks 01 to 08 close with a table *paper · ours · verdict*; 10 gathers them. The rule is simple and the same everywhere:
#
# | verdict | means |
# |---|---|
# | *reproduced* | the printed value lies inside our 95 % interval |
# | *better* | our whole interval lies above the printed score |
# | *not reproduced* | anything else |
# | *not run* | simulated data, or no result yet; the reason is named |
# | *cannot be* | what would be needed was never published, or no run can measure it |
#
# A count must be equal. A number that describes training can be reproduced or not, never better, for fitting harder is no
# achievement; the same holds of a spread of scores, a difference between two networks and a score of which more is not better,
# such as one of copies. Of a number printed with two decimals every value that it may have been rounded from counts as printed.
#
# The verdict is on *this run*. Where the table at the top of a notebook has bold rows (fewer epochs, smaller images), *not
# reproduced* may only mean that a network was not trained to the end; only the `paper` profile judges the paper.
#
# The interval draws patients or sessions with replacement, since frames of one patient resemble each other. Where several
# seeds were run, notebook 10 judges their mean, with an interval that holds the chance of the start, too. To see the rule at
# work, here are three invented measurements of one claim.

# %% tags=["setup"]
from nervekit import papers

invented = {
    "ours covers it": {"value": 0.65, "low": 0.60, "high": 0.70},
    "ours lies above": {"value": 0.75, "low": 0.71, "high": 0.79},
    "ours lies below": {"value": 0.55, "low": 0.50, "high": 0.60},
}

# %% [markdown]
# The claim is the sum IoU (a measure of overlap from 0 to 1, explained in notebook 02) of 0.638 that Huang et al. print for
# their test set.

# %% tags=["pinned"]
key = "huang_2019.test.pooled_iou"
for name, score in invented.items():
    row = papers.compare(papers.load("huang_2019"), {key: score}, {"data": "real"}, prefix=key)[0]
    print(f"{name}: {score['low']:.2f} to {score['high']:.2f} against {row.claim.value}: {row.verdict}")

# %% [markdown]
# ## What a number carries
#
# A number in a table was measured by the run that shows it. Beside it stands where it came from: data, split, seed, profile,
# precision, hardware, versions. This is what the record of a run keeps, here with the number of claims that this course
# checks for the first paper.

# %%
record.value("huang_2019.claims.total", len(paper.claims))
record.value("huang_2019.claims.checkable", sum(claim.kind != "unpublished" for claim in paper.claims))
print(record.finish().read_text(encoding="utf-8"))

# %% [markdown]
# ## What we did
#
# - We saw the five papers and the map of the course.
# - We looked at what this machine can run, and which data it has.
# - We learnt what the three profiles are.
# - We learnt to read a verdict.
#
# **Next:** 01, from a file to an array.
