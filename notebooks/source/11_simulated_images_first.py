# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 · Simulated images first: what do they save?
#
# **Time:** 20 minutes to read and discuss; the run takes about 2 minutes in the `smoke` profile and
# about 21 minutes in `workshop` on two processor cores.
#
# **Questions**
#
# - How many annotated images does a network need?
# - Can images that nobody had to annotate take the place of some of them?
# - How is that compared without fooling oneself?
#
# In this notebook we will
#
# - train a network on simulated images alone and ask it about images it was never made for,
# - train it on with growing shares of the training sessions, in the end with all,
# - do the same from random weights, with equally many steps in all,
# - and put an interval and a test on every difference.

# %% [markdown]
# ## Set-up
#
# The same three values as in every notebook: size of the run, source of the data, random start.

# %% tags=["parameters"]
PROFILE = "smoke"
DATA = None
SEED = 0

# %% [markdown]
# The papers that use pre-trained encoders take weights from photographs (ImageNet). Where a network has such weights, they
# are a third start; the small network of the smaller profiles has none. Bold marks what this profile changes.

# %%
from IPython.display import Markdown

from nervekit import papers, record

record.start("11_simulated_images_first", profile=PROFILE, seed=SEED)
study = papers.load(papers.SIMULATED_FIRST)
settings = papers.settings(study, PROFILE, data=DATA)
Markdown(papers.setup_table(study, settings, heads=("paper profile", "this run", "why")))

# %% [markdown]
# ## Two sets of images
#
# The *target* is the femoral set. The *simulated* set has subjects of its own: where the target is simulated as well, as in the
# `smoke` profile, they are other subjects of the same kind. That is the best case there can be, and shows that the machinery
# works, nothing more.

# %%
import numpy as np

from nervekit import data

size = tuple(settings["image_size"])
target = data.load("femoral", settings["data"], size, subjects=settings["subjects"])
simulated = data.load("femoral", "phantom", size, subjects=settings["simulated_subjects"], seed=SEED + 1)
kind = "simulated" if target.source == "phantom" else "real"
print(f"target: {target.describe()}\nbefore: {simulated.describe()}")

# %% [markdown]
# Three of each. What does a simulation have to get right for a network to learn from it?

# %%
from nervekit.plots import data as pictures

picked = [(one, place) for one in (simulated, target) for place in np.linspace(0, len(one) - 1, 3).astype(int)]
title = f"Above what comes first, simulated; below the target, {kind}: the same structure"
names = [f"{'first' if one is simulated else 'target'}, {one.ids[place]}" for one, place in picked]
shown = {"masks": [one.masks[place] for one, place in picked], "columns": 3}
figure = pictures.gallery([one.images[place] for one, place in picked], names, title, **shown)
record.figure("images", figure, alt=f"Three images of each set with the annotated region outlined. {title}.")

# %% [markdown]
# ## Less data, by whole sessions
#
# A tenth of the *images* drawn at random would come from more than a quarter of the sessions, and say how a network does with
# few images of many people. Who annotates less, annotates fewer people. So whole sessions are left out, and each share lies
# within the next. The sessions held out for the comparison are the same for all. (On the real set sessions are inferred from
# the pictures, notebook 01: a patient may be in two of them.)

# %%
from nervekit.data import splits

folds = splits.group_kfold(target.groups, settings["folds"], random_state=SEED)[: settings["folds_trained"]]
held_out = np.concatenate([outside for _, outside in folds])
judged = target.subset(held_out)
parts = []
for inside, _ in folds:
    chosen = splits.group_shares(target.groups[inside], settings["shares"], random_state=SEED)
    parts.append([target.subset(inside[part]) for part in chosen])
counts = [int(np.mean([len(part[place]) for part in parts])) for place in range(len(settings["shares"]))]
for share, part in zip(settings["shares"], parts[0], strict=True):
    print(f"{share:.0%}: {len(part)} images of {len(set(part.groups))} sessions")
split = f"sessions held out, {len(folds)} of {settings['folds']} folds"
print(f"{split}: {len(judged)} images of {len(set(judged.groups))} sessions")
record.provenance(data=kind, split=split)

# %% [markdown]
# ## Training
#
# Every training is by the recipe of notebook 09, but for two things. The optimizer is the one it had before Adam, gradient
# descent with momentum. And there are no masks at three scales: the ResNet of the `paper` profile does not give them, so that
# the networks of the other profiles go without as well. A network that sees a tenth of the images as often as another sees
# all of them would get a tenth of the steps, and look worse for that alone. So every share gets *equally many steps*, to
# within half an epoch: the small ones see their images more often. And every start gets equally many *in all*: steps on
# simulated images are taken from those on target images, or the simulated start would be the better for being trained longer.
# (ImageNet's start is the exception: its many steps on photographs were taken elsewhere, and are not counted.) Where weights
# of ImageNet take part, they are asked for before anything is trained: a missing file is then reported at once. One network
# serves all trainings: it is compiled once, and begins each with the weights of a start.

# %%
from nervekit import models, recipe, training

record.provenance(precision=training.set_precision(settings["precision"]))
AUGMENT = {**recipe.CHANGES[settings["augmentation"]], "share": settings["changed_share"]}
DESCENT = {name: settings[name] for name in ("learning_rate", "momentum")}
rates = []


def build(**options):
    return models.build(settings["network"], (*size, 1), **settings["network_options"], **options)


if "ImageNet" in settings["starts"]:
    build(pretrained="imagenet")
network = recipe.compile_model(build(), **DESCENT)


def train(start, images, *, steps, seed):
    training.reset(network, start, seed=seed)
    epochs = max(1, round(steps / -(-len(images) // settings["batch_size"])))
    schedule = {"epochs": epochs, "batch_size": settings["batch_size"], "augment": AUGMENT}
    rates.append(training.fit(network, images, **schedule, seed=seed).images_per_second)


# %% [markdown]
# First the simulated images. This network has seen no other; what does it make of the sessions held out?

# %%
train(build, simulated, steps=settings["simulated_steps"], seed=SEED)
untouched = recipe.predict(network, judged.images, flips=True) > 0.5
teacher = build()
teacher.set_weights(network.get_weights())

# %% [markdown]
# A start is a network before its first step on target images. `training.transfer` copies what has the same name and shapes,
# and says what.

# %%
def begin(name):
    start = build(pretrained="imagenet") if name == "ImageNet" else build()
    if name == "simulated images":
        report = training.transfer(teacher, start)
        assert not report.left, report
    return start


print(training.transfer(teacher, build()))

# %% [markdown]
# Every start with every share. The folds take turns; an image is judged by a network that saw nothing of its session.

# %%
from functools import partial
from itertools import pairwise

from nervekit import baselines

places = np.cumsum([0, *(len(outside) for _, outside in folds)])
floor_masks = np.zeros(judged.masks.shape, bool)
predictions = {name: np.zeros((len(counts), *judged.masks.shape), bool) for name in settings["starts"]}
for number, (low, high) in enumerate(pairwise(places)):
    floor_masks[low:high] = baselines.mean_mask(parts[number][-1].masks)
    for place, part in enumerate(parts[number]):
        for name in settings["starts"]:
            steps = settings["steps"] - (settings["simulated_steps"] if name == "simulated images" else 0)
            train(partial(begin, name), part, steps=steps, seed=SEED + number)
            predictions[name][place, low:high] = recipe.predict(network, judged.images[low:high], flips=True) > 0.5
        print(f"fold {number + 1} of {len(folds)}: {len(part)} target images done")
record.provenance(images_per_second=round(float(np.median(rates)), 1))

# %% [markdown]
# ## How many images?
#
# The intervals draw the held-out sessions with replacement. They do not hold what another draw of the *training* sessions
# would change: a tenth of the sessions may happen to be a good one or a bad one. All starts are trained on the same draw.

# %%
from nervekit import comparison, intervals


def key_of(name, share):
    return f"{name.replace(' ', '_').lower()}.share_{100 * share:.0f}.pooled_iou"


floor, before = (comparison.scores(judged.masks, one, judged.groups)["pooled_iou"] for one in (floor_masks, untouched))
found = {
    name: [comparison.scores(judged.masks, masks, judged.groups)["pooled_iou"] for masks in by_share]
    for name, by_share in predictions.items()
}
lines = [f"| target images | {' | '.join(found)} |", "|---|" + "---|" * len(found)]
for place, count in enumerate(counts):
    cells = [intervals.text(of[place]) for of in found.values()]
    lines.append(f"| {count} ({settings['shares'][place]:.0%}) | {' | '.join(cells)} |")
lines.append(f"\nSum IoU with 95 % intervals. Without a target image: {before['value']:.3f}; mean mask: {floor['value']:.3f}.")
Markdown("\n".join(lines))

# %% [markdown]
# The same as curves. Where they meet, the simulated images no longer help; a horizontal step from one to the other leads to
# the images saved (the shares stand evenly spaced: read the numbers on the axis, not lengths). The level of *simulated images
# alone* is that of the first part of a training, before any target image: it has had fewer steps than the curves.

# %%
from nervekit.plots import evidence

gain = found["simulated images"][0]["value"] - found["random weights"][0]["value"]
fewest, most = (found["random weights"][place]["value"] for place in (0, -1))
title = f"From random weights {counts[0]} {kind} target images bring a sum IoU of {fewest:.3f}, {counts[-1]} of {most:.3f};\n"
title += f"simulated images first change it by {gain:+z.3f} with {counts[0]}"
levels = {"simulated images alone": before["value"], "mean mask": floor["value"]}
figure = evidence.data_curves(counts, found, title, levels=levels, xlabel=f"{kind} target images in training, by whole sessions")
record.figure("curves", figure, alt=f"Sum IoU against the number of training images for every start. {title}.")

# %% [markdown]
# ## Is it more than chance?
#
# Differences on the same images, start minus random weights, with Wilcoxon's test on session means of the Dice and Holm's
# correction, as in notebook 09.

# %%
comparisons, keys = {}, {}
for name in settings["starts"][1:]:
    for place, share in enumerate(settings["shares"]):
        pair = predictions[name][place], predictions["random weights"][place]
        label = f"{name} first, {counts[place]} images ({share:.0%})"
        comparisons[label] = comparison.paired(judged.masks, *pair, judged.groups)
        keys[label] = f"gain.{key_of(name, share)}"
tests = comparison.p_values(comparisons)
Markdown(comparison.table(comparisons))

# %% [markdown]
# An interval that covers zero says "not shown" for these sessions, this draw and this seed, not "no effect". One without zero
# is not yet a finding either: the intervals are not corrected for how many there are, Holm's p is. Nor do they hold what
# another training on simulated images would change: all come from one.

# %%
gains = {name: of["pooled_iou"] for name, of in comparisons.items()}
higher, lower = sum(of["low"] > 0 for of in gains.values()), sum(of["high"] < 0 for of in gains.values())
lowest = min(of["p_dice_holm"] for of in tests.values())
title = f"Of {len(gains)} differences on held-out {kind} sessions {higher} rise and {lower} fall with an interval without zero"
title += f"\nLowest p of the mean Dice by Holm: {lowest:.2f}"
figure = evidence.differences(gains, title, xlabel="change of the sum IoU against random weights, 95 % interval over sessions")
record.figure("gains", figure, alt=f"Paired differences of sum IoU by share of the training images. {title}.")

# %% [markdown]
# ## What the smallest share is good for
#
# The held-out image with the median Dice from random weights, and the one with the largest gain. Green is the annotation,
# dashed orange the prediction. Each row is cut out around all that is annotated or predicted, at a scale of its own; its first
# picture says how many pixels it is wide.

# %%
from nervekit import metrics
from nervekit.plots.networks import networks_compared

smallest = {name: masks[0] for name, masks in predictions.items()}
dice = {name: metrics.dice(judged.masks, masks) for name, masks in smallest.items()}
usual = np.argsort(dice["random weights"], kind="stable")[len(judged) // 2]
chosen = [usual, np.argmax(dice["simulated images"] - dice["random weights"])]
told = {name: [f"Dice {values[place]:.2f}" for place in chosen] for name, values in dice.items()}
shown = {name: masks[chosen] for name, masks in smallest.items()}
worse = np.mean(dice["simulated images"] < dice["random weights"])
title = f"With {counts[0]} target images, {worse:.0%} of the {kind} images held out are worse after simulated ones"
figure = networks_compared(judged.images[chosen], judged.masks[chosen], shown, told, title)
record.figure("gallery", figure, alt=f"Two held-out images with outlines by every start. {title}.")

# %% [markdown]
# ## The record
#
# With all sessions every start has to beat the mean mask, which looks at no picture. Where the target is simulated, so has the
# network that saw no target image: had it learnt nothing, there would be nothing to compare.

# %%
record.value("simulated_first.mean_mask.pooled_iou", floor["value"], split=split)
limit = {"must_exceed": floor["value"]} if kind == "simulated" else {}
record.value("simulated_first.no_target_image.pooled_iou", **before, **limit, split=split)
for place, share in enumerate(settings["shares"]):
    limit = {"must_exceed": floor["value"]} if share == 1 else {}
    for name, of in found.items():
        record.value(f"simulated_first.{key_of(name, share)}", **of[place], **limit, split=split, images=counts[place])
for label, of in gains.items():
    record.value(f"simulated_first.{keys[label]}", **of, **tests[label], split=split)

# %% [markdown]
# What a reader should know of our own choices:

# %%
Markdown(papers.audit_list(study.audit))

# %% [markdown]
# The record of this run, with every number and figure above, is written last.

# %%
record.finish();

# %% [markdown]
# ## What we did
#
# - We trained a network on simulated images alone, and then on a growing share of the target's sessions.
# - We gave every share and every start equally many steps in all, and judged all on the same sessions.
# - We put intervals, a test over sessions, and Holm's correction on every difference.
#
# **Key points**
#
# - Take data away by patient or session: that is how it is missing in practice. In our `workshop` run, from random weights,
#   51, 113, 225 and 449 images brought a sum IoU of 0.533, 0.552, 0.577 and 0.589, in one training each; no interval was
#   taken of these differences.
# - Compare with equally many steps in all, or what was trained longer only looks better.
# - A start may help with one number of images and not with another. Ask at which you are. In our `workshop` run a gain was
#   shown with none: the sum IoU changed by -0.002, +0.035, +0.016 and +0.009 with a tenth, a quarter, a half and all of the
#   sessions, each with an interval that includes zero.
# - Images that cost nothing are worth what they save, not what a network scores on them.
#
# **Exercises**
#
# 1. Add the steps on simulated images to the others instead of taking them away. What changes?
# 2. Freeze the encoder: write `training.transfer(teacher, network, freeze=("encoder",))` and
#    `recipe.compile_model(network, **DESCENT)` below the definition of `begin`. Look at the simulated start alone, since random
#    weights are frozen, too. With which share does it help?
# 3. Write `settings["simulated_subjects"] //= 2` below the set-up table and run on from there. Does their number matter?
# 4. Draw other training sessions: in `group_shares` write `random_state=1` in place of `SEED`, and leave the rest. How much of
#    the curve is the luck of the draw? (`SEED` itself would hold out other sessions too.)
