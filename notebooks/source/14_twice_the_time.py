# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 14 · Twice the time: more pixels, wider, longer, or two networks?
#
# **Time:** 20 minutes to read and discuss; the run, by itself on two processor cores, takes about 2 minutes in the `smoke`
# profile and about 70 minutes in `workshop`.
#
# **Questions**
#
# - A recipe works, and there is time for twice the computing. What should it be spent on?
# - How is such a choice made without a look at the test images?
# - How large must a difference be to mean anything when a network is trained once?
#
# In this notebook we will
#
# - train the recipe of notebook 09, as it was before it took Adam (gradient descent with much momentum), on larger images,
#   with more channels, and for more epochs,
# - average two networks that differ in nothing but the random start,
# - judge all of them on the same pixels: development images, and sessions that were held out,
# - and hold every difference against the one between two random starts.

# %% [markdown]
# ## Set-up
#
# The same three values as in every notebook: size of the run, source of the data, random start.

# %% tags=["parameters"]
PROFILE = "smoke"
DATA = None
SEED = 0

# %% [markdown]
# Three ways change one line of this table each, another averages two networks; each of these four costs about twice the time of
# the plain recipe. Bold marks what this profile changes.

# %%
from IPython.display import Markdown, display

from nervekit import papers, record

record.start("14_twice_the_time", profile=PROFILE, seed=SEED)
study = papers.load(papers.TWICE_THE_TIME)
settings = papers.settings(study, PROFILE, data=DATA)
Markdown(papers.setup_table(study, settings, heads=("paper profile", "this run", "why")))

# %% [markdown]
# ## The data, three times
#
# The femoral set at the size of the recipe, at the larger size, and at the size on which all answers are scored. A score on
# each network's own pixels would be no comparison: an outline that is a pixel off is off by more on a small image.

# %%
import numpy as np

from nervekit import data

sizes = {name: tuple(settings[name]) for name in ("image_size", "more_pixels", "judged_size")}
whole = {size: data.load("femoral", settings["data"], size, subjects=settings["subjects"]) for size in set(sizes.values())}
judged = whole[sizes["judged_size"]]
kind = "simulated" if judged.source == "phantom" else "real"
print(judged.describe())

# %% [markdown]
# Two sets of images judge. Many *development* images of the published split share a session with a training image, as its
# test images do. *Held out* are whole sessions of the training images: they say more about new patients. (On the real set
# sessions are inferred from the pictures, notebook 01.) The test images are left alone. Whoever chooses by them has none left
# to test the choice.

# %%
from nervekit.data import splits

training_places, development_places = (np.flatnonzero(judged.parts == name) for name in ("train", "development"))
folds = splits.group_kfold(judged.groups[training_places], settings["folds"], random_state=SEED)
folds = [tuple(training_places[part] for part in fold) for fold in folds[: settings["folds_trained"]]]
held_out = np.concatenate([outside for _, outside in folds])
judges = {"development": judged.subset(development_places), "held out": judged.subset(held_out)}
split = f"development images, and {len(folds)} of {settings['folds']} folds of training sessions"
record.provenance(data=kind, split=split)
for name, found in judges.items():
    print(f"{name}: {len(found)} images of {len(set(found.groups))} sessions")
shared = np.isin(judges["development"].groups, judged.groups[folds[0][0]]).sum()
print(f"{shared} of the development images are of a session that trains in the first fold, too")

# %% [markdown]
# What the small masks lose before any network looks: the annotation itself, brought to that size and back. It is what the masks
# that train a network know, and no limit: a network answers with probabilities, which can place an edge between two pixels.

# %%
import keras

from nervekit import metrics


def enlarge(probability):
    found = keras.ops.image.resize(probability[..., None], sizes["judged_size"], interpolation="bilinear")
    return keras.ops.convert_to_numpy(found)[..., 0]


development = judges["development"]
for size in dict.fromkeys((sizes["image_size"], sizes["more_pixels"])):
    again = enlarge(whole[size].masks[development_places].astype("float32")) > 0.5
    best = metrics.pooled_iou(development.masks, again)
    print(f"{size[0]}x{size[1]}: annotations of development images, brought to that size and back, have a sum IoU of {best:.3f}")

# %% [markdown]
# ## Training
#
# Four ways to train, each with as many random starts as the profile says. The plain recipe gets twice as many, so that
# every network of it has another beside it; the fifth way, *two networks*, averages the probabilities of such a pair.

# %%
from functools import partial

from nervekit import models, recipe, training

record.provenance(precision=training.set_precision(settings["precision"]))
AUGMENT = {**recipe.CHANGES[settings["augmentation"]], "share": settings["changed_share"]}
DESCENT = {name: settings[name] for name in ("learning_rate", "momentum")}
PLAIN = {"size": sizes["image_size"], "width": settings["width"], "epochs": settings["epochs"]}
WAYS = {
    "plain": PLAIN,
    "more pixels": PLAIN | {"size": sizes["more_pixels"]},
    "wider": PLAIN | {"width": settings["wider"]},
    "longer": PLAIN | {"epochs": settings["longer"]},
}

# %% [markdown]
# A network of one size and width is compiled once, and begins anew for each training.

# %%
networks = {}


def train(inside, seed, *, size, width, epochs, batch_size=settings["batch_size"]):
    build = partial(models.build, "nervekit_unet", (*size, 1), width=width, depth=settings["depth"], deep_supervision=True)
    if (size, width) not in networks:
        networks[size, width] = recipe.compile_model(build(), **DESCENT)
    network = networks[size, width]
    training.reset(network, build, seed=seed)
    images, watched = (whole[size].subset(places) for places in (inside, development_places))
    schedule = {"epochs": epochs, "batch_size": batch_size, "augment": AUGMENT}
    return network, training.fit(network, images, watched, **schedule, seed=seed)


# %% [markdown]
# Every answer is averaged over mirror images, since all are trained with flips. A network of a fold answers the development
# images and the sessions that it did not see.

# %%
from nervekit import baselines

seeds = [SEED + number for number in range(settings["seeds"])]
starts = dict.fromkeys(WAYS, seeds) | {"plain": [*seeds, *(seed + len(seeds) for seed in seeds)]}
borders = np.cumsum([0, *(len(outside) for _, outside in folds)])
answers = {
    name: {
        "development": np.zeros((len(of), len(folds), *development.masks.shape), "float32"),
        "held out": np.zeros((len(of), len(held_out), *sizes["judged_size"]), "float32"),
    }
    for name, of in starts.items()
}
blind = {"development": np.zeros((len(folds), *development.masks.shape), bool), "held out": np.zeros_like(judges["held out"].masks)}
histories = {name: [] for name in WAYS}
for fold, (inside, outside) in enumerate(folds):
    unseen = slice(borders[fold], borders[fold + 1])
    blind["development"][fold] = blind["held out"][unseen] = baselines.mean_mask(judged.masks[inside])
    for name, way in WAYS.items():
        images = whole[way["size"]].images
        for start, seed in enumerate(starts[name]):
            network, history = train(inside, seed, **way)
            histories[name].append(history)
            answers[name]["development"][start, fold] = enlarge(recipe.predict(network, images[development_places], flips=True))
            answers[name]["held out"][start, unseen] = enlarge(recipe.predict(network, images[outside], flips=True))
            print(f"fold {fold + 1} of {len(folds)}, {name}, seed {seed}: {history.seconds:.0f} s")

# %% [markdown]
# Pairs of plain networks: the second of each pair by itself shows what another random start changes, both averaged are the fifth
# way.

# %%
pairs = {judge: np.split(found, 2) for judge, found in answers["plain"].items()}
answers |= {
    "plain": {judge: one for judge, (one, _) in pairs.items()},
    "another start": {judge: other for judge, (_, other) in pairs.items()},
    "two networks": {judge: (one + other) / 2 for judge, (one, other) in pairs.items()},
}

# %% [markdown]
# The time of a training at the speed after its first epoch, as a multiple of the plain recipe's: about twice, not exactly.
# *Longer* has the network of *plain*, so that both share one speed and it is twice by its epochs; *two networks* is set to
# twice. A wider network often costs less than its products say, since large products use a processor better. How fast a machine
# is changes from one training to the next by several per cent: the first decimal is not sure. Preparing the step, which the
# first training of a size and width does, is left out: in a short run it is a good part of the time.

# %%
one_network = histories["plain"] + histories["longer"]
timed = histories | {"plain": one_network, "longer": one_network}
rates = {name: round(float(np.median([one.images_per_second for one in found])), 1) for name, found in timed.items()}
count = np.mean([len(inside) for inside, _ in folds])
seconds = {name: float(WAYS[name]["epochs"] * count / rate) for name, rate in rates.items()}
times = {name: found / seconds["plain"] for name, found in seconds.items()} | {"two networks": 2.0}
record.provenance(images_per_second=rates, seconds_of_a_training={name: round(found, 1) for name, found in seconds.items()})
print(", ".join(f"{name} {found:.1f}" for name, found in times.items()), f"times the time on {record.hardware()}")

# %% [markdown]
# The curves are on each network's own pixels. All come to rest at the end, since the learning rate falls to zero there; that
# says nothing about what more epochs would do. *Longer* says it. Training scores are of images of which many are changed,
# which are harder, and are gathered while the weights still move (notebook 09): a gap near zero does not show that nothing
# was learnt by heart. The curve *plain* is the mean of all plain networks, those of *another start* among them; where a way has
# several networks, a band reaches from the lowest to the highest.

# %%
from nervekit.plots.arms import arms_curves

curves = {
    name: {key: np.array([one.curves[key] for one in found]) for key in ("pooled_iou", "val_pooled_iou")}
    for name, found in histories.items()
}
gaps = {name: np.mean(found["pooled_iou"][:, -1] - found["val_pooled_iou"][:, -1]) for name, found in curves.items()}
title = f"Sum IoU, training minus {kind} development images: {gaps['plain']:+z.2f} plain, {gaps['longer']:+z.2f} longer"
panels = {"pooled_iou": "sum IoU, training images", "val_pooled_iou": "sum IoU, development images"}
figure = arms_curves(curves, title, panels=panels)
record.figure("curves", figure, alt=f"Sum IoU by epoch of four ways to train. {title}.")

# %% [markdown]
# ## What the time bought
#
# Scores are means over the networks of a way; the intervals draw sessions. Beside them stands the mean mask of the training
# images, which looks at no picture. *Accuracy* is the share of images with an IoU above 0.5, not of pixels as in notebook 08.

# %%
from nervekit import comparison, evaluation, intervals

predictions = {
    judge: {name: (found[judge] > 0.5).reshape(-1, *of.masks.shape) for name, found in answers.items()}
    for judge, of in judges.items()
}
columns = {"pooled_iou": "sum IoU", "dice_mean": "mean Dice", "accuracy": "accuracy"}
scores = {}
for judge, of in judges.items():
    scored = {"mean mask": blind[judge], **predictions[judge]}
    scores[judge] = {name: comparison.scores(of.masks, found, of.groups) for name, found in scored.items()}
    display(Markdown(f"**{judge}**\n\n{evaluation.table(scores[judge], columns)}"))

# %% [markdown]
# ## Is it more than another start would change?
#
# Every way minus the plain recipe, on the same images. The intervals draw sessions. What another random start changes is not
# in them, so that it stands beside them: *another start* is the plain recipe again, with seeds of its own. A way that does
# not differ from plain by clearly more than that has shown nothing, wherever its interval lies. Nor has one that does: another
# start is a single draw, which may be close to zero by luck, and the best of four ways is held against it. With one start
# each, a way is worth another try, no more. The table's p is Wilcoxon's test on session means of the Dice, and Holm's
# correction is over all its rows, as in notebook 09; the intervals are not corrected.

# %%
ways = [name for name in answers if name != "plain"]
comparisons, keys = {}, {}
for judge, of in judges.items():
    for name in ways:
        label = f"{name}, {judge}"
        comparisons[label] = comparison.paired(of.masks, predictions[judge][name], predictions[judge]["plain"], of.groups)
        keys[label] = f"{name} {judge}".replace(" ", "_")
tests = comparison.p_values(comparisons)
Markdown(comparison.table(comparisons))

# %% [markdown]
# *Two networks* is compared with one of its own two members. So half of what *another start* shows is part of its gain, the
# luck of two starts, good or bad. Against the mean of both members that luck falls out, and what averaging does is left.

# %%
for judge, of in judges.items():
    found = predictions[judge]
    members = np.concatenate([found["plain"], found["another start"]])
    alone = evaluation.difference(of.masks, found["two networks"], members, of.groups)
    told = intervals.text(alone, "+z.3f")
    over_plain = comparisons[f"two networks, {judge}"]["pooled_iou"]["value"]
    print(f"two networks, {judge}: {told} sum IoU above the mean of its two; {over_plain:+z.3f} above plain alone")

# %% [markdown]
# All differences from the plain recipe, as a picture.

# %%
from nervekit.plots import evidence

gains = {label: found["pooled_iou"] for label, found in comparisons.items()}
of_ways = {name: gains[f"{name}, held out"]["value"] for name in ways if name != "another start"}
best = max(of_ways, key=of_ways.get)
other = gains["another start, held out"]["value"]
title = f"Held-out {kind} sessions: best is {best}, {of_ways[best]:+z.3f} sum IoU; another start is {other:+z.3f}"
figure = evidence.differences(gains, title, xlabel="sum IoU minus that of the plain recipe, 95 % interval over sessions")
record.figure("gains", figure, alt=f"Paired differences of sum IoU for every way to spend twice the time. {title}.")

# %% [markdown]
# ## Where it shows
#
# The held-out images on which the best way, by the held-out sessions, gains and loses most Dice against the plain recipe.
# Green is the annotation, dashed orange the prediction. Each row is cut out around all that is annotated or predicted, at a
# scale of its own; its first picture says how many pixels it is wide.

# %%
from nervekit.plots.networks import networks_compared

unseen = judges["held out"]
shown = {name: predictions["held out"][name][0] for name in ("plain", best)}
dice = {name: metrics.dice(unseen.masks, found) for name, found in shown.items()}
change = dice[best] - dice["plain"]
chosen = [np.argmax(change), np.argmin(change)]
told = {name: [f"Dice {values[place]:.2f}" for place in chosen] for name, values in dice.items()}
title = f"{best.capitalize()}: Dice rises in {np.mean(change > 0):.0%} of the {kind} images held out, by {change.max():.2f} at most"
title += " (first seed)" if len(seeds) > 1 else ""
figure = networks_compared(
    unseen.images[chosen], unseen.masks[chosen], {name: found[chosen] for name, found in shown.items()}, told, title
)
record.figure("gallery", figure, alt=f"Two held-out images with outlines by the plain recipe and the best way. {title}.")

# %% [markdown]
# ## The record
#
# Every way has to beat the mean mask, which looks at no picture.

# %%
for judge, found in scores.items():
    place, floor = judge.replace(" ", "_"), found["mean mask"]["pooled_iou"]["value"]
    record.value(f"twice_the_time.mean_mask.{place}.pooled_iou", floor, split=split)
    for name in ("plain", *ways):
        key = f"twice_the_time.{name.replace(' ', '_')}.{place}.pooled_iou"
        record.value(key, **found[name]["pooled_iou"], must_exceed=floor, split=split)
for label, found in comparisons.items():
    record.value(f"twice_the_time.gain.{keys[label]}.pooled_iou", **found["pooled_iou"], **tests[label], split=split)

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
# - We spent about twice the time on more pixels, more channels, more epochs, and a second network.
# - We scored every answer on the same pixels, by development images and by sessions that were held out.
# - We held every difference against that between two random starts.
#
# **Key points**
#
# - Choose by development data. Images that have chosen cannot test the choice.
# - Score on the same pixels, whatever the network works on.
# - Two trainings of the same recipe differ. A difference smaller than theirs has shown nothing. In our `workshop` run (one
#   start each) more pixels brought +0.028 of sum IoU on sessions held out, another start +0.007, and Holm's p of the Dice was
#   0.44: worth another try, no more.
# - Images that share sessions with the training images may choose otherwise than new sessions. Ask which you will meet.
#
# **Exercises**
#
# 1. Spend the time on larger batches: add `"larger batches": PLAIN | {"batch_size": 20, "epochs": settings["longer"]}` to
#    `WAYS`. Is it worth a place in the table?
# 2. Average "wider" and "more pixels" in place of two plain networks. Each of them costs nearly twice, and
#    scores otherwise, alone: with which pair would you have to compare, to say that *different* networks make a better pair?
# 3. Which way would you choose if training may take as long as it likes, but an answer no longer than now?
# 4. Another `SEED` gives other starts *and* holds out other sessions. Run the notebook once so, and once with `random_state=0` in
#    `group_kfold`. (Take 2 or more, in `paper` 6 or more: from a smaller one a start may be *another start* of this run again.) Which conclusions stay, and which of the two moves them more?
