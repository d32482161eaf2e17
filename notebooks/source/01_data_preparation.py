# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · Data preparation: from an exported frame to an array
#
# **Time:** 25 minutes to read and discuss; the run takes less than a minute.
#
# **Questions**
#
# - Which small steps lie between an ultrasound machine and the arrays that a network sees?
# - Which of them can spoil a study without an error message?
# - Are the published test images new to a network that has seen the training images?
#
# In this notebook we will
#
# - follow one image of the femoral set of Huang et al. (2019) from the exported RGB frame to a grey array,
# - turn a labelme annotation into a mask, and meet a trap of palette pictures that empties every mask,
# - resize images and masks, and see why the two need different methods,
# - scale pixels, and split the images as published: 450 for training, 50 for development, 62 for testing,
# - look at what the set is like: class balance, sizes, stray pixels, simulated images beside real ones,
# - find out that the published split leaks,
# - and infer which images come from one scanning session, so that we can split without a leak.
#
# Without the public images, everything below runs on *simulated* ones, and says so. Results on simulated images
# are no results of the paper.

# %% [markdown]
# ## Set-up
#
# These three values are all there is to change. `PROFILE` sets the size of the run, `DATA` overrides where images come
# from (`"real"`, `"phantom"` for simulated, or `"auto"`), `SEED` the random start.

# %% tags=["parameters"]
PROFILE = "smoke"
DATA = None
SEED = 0

# %% [markdown]
# What the paper says about its data and training is written down in a table, with the place where it says so.
# What this run does differently is in bold. For data, two rows matter: the source and the image size.

# %%
from IPython.display import Markdown

from nervekit import papers, record

record.start("01_data_preparation", profile=PROFILE, seed=SEED)
paper = papers.load("huang_2019")
settings = papers.settings(paper, PROFILE, DATA)
Markdown(papers.setup_table(paper, settings))

# %% [markdown]
# `load` looks for the public set, compares every file with a list of SHA-256 hashes, and reads it. We ask for
# native sizes (`size=None`) and all three colour channels, since we want to see the raw material first.

# %%
from nervekit import data

options = {"source": settings["data"], "subjects": settings["subjects"]}
exported = data.load(paper.dataset, size=None, channels=3, **options)
kind = "simulated" if exported.source == "phantom" else "real"
record.provenance(data=kind)
print(exported.describe(), exported.citation, sep="\n")

# %% [markdown]
# ## Crop: remove what is not ultrasound
#
# The paper's authors "removed the peripheral part of each image that did not contain the ultrasound signals"
# by hand. The set holds the result, so we rebuild the situation before it: we put one image back into the
# dark screen of a scanner, with a line of text as scanners burn it in.

# %%
import numpy as np
from PIL import Image, ImageDraw

image = exported.images[0]
height, width = image.shape[:2]
screen = Image.new("RGB", (width + 220, height + 130), (12, 12, 12))
screen.paste(Image.fromarray(image), (140, 90))
ImageDraw.Draw(screen).text((20, 20), "L38x/10-5  Nrv  MI 0.7", fill=(190, 190, 190), font_size=24)
frame = np.asarray(screen)

# %% [markdown]
# A rectangle is enough to crop, and can be found: rows and columns of the ultrasound are bright over most of
# their length, text is not. We count bright pixels along both directions.

# %%
bright = frame.max(axis=2) > 24
rows = np.flatnonzero(bright.mean(axis=1) > 0.15)
columns = np.flatnonzero(bright.mean(axis=0) > 0.15)
cropped = frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
print(f"frame {frame.shape}, cropped {cropped.shape}, by hand {image.shape}")

# %% [markdown]
# The crop comes close to the one by hand, but rows where the tissue is dark may be lost. A rule for a real
# study is checked by eye on every scanner it will meet; burned-in text is also where a patient's name would
# be.

# %%
from nervekit.plots import data as figures

picture = figures.gallery(
    [frame, cropped],
    ["as exported (rebuilt here)", "cropped"],
    f"The crop keeps {cropped.size / frame.size:.0%} of the exported frame",
    ratio=frame.shape[0] / frame.shape[1],
)
record.figure(
    "crop", picture, alt="Left a dark screen with text around an ultrasound image, right the image alone."
)

# %% [markdown]
# ## Grey: three channels that say the same
#
# Ultrasound is grey; scanners export RGB because their marks have colours. The standard conversion weighs
# red, green and blue by 0.299, 0.587 and 0.114. Where all three are equal it changes nothing, so we ask how
# many pixels differ by more than the noise of JPEG.

# %%
spread = [image.max(axis=2) - image.min(axis=2) > 40 for image in exported.images]
coloured = [mark.mean() for mark in spread]
record.value("huang_2019.data.coloured_share", np.mean(coloured))
print(f"pixels with a colour: {np.mean(coloured):.3%} of an average image, at most {np.max(coloured):.3%}")

# %% [markdown]
# Only the vendor's mark has a colour. The grey image loses nothing about the patient and needs a third of the
# memory; but the mark stays as a grey blob, and a network can learn from it which machine made the image.

# %%
most = int(np.argmax(coloured))
grey = np.asarray(Image.fromarray(exported.images[most]).convert("L"))
picture = figures.gallery(
    [exported.images[most], spread[most] * 255, grey],
    ["RGB", "pixels with a colour", "grey"],
    "Colour is in the scanner's mark alone",
)
record.figure(
    "grey", picture, alt="An RGB ultrasound image, a map of its few coloured pixels, and the grey image."
)

# %% [markdown]
# ## From an annotation to a mask
#
# Physicians drew the nerve region as a polygon with the program labelme, which stores corners in a JSON file.
# The set publishes only the masks, not these files. So we go back: we take the outline of one mask, thin it
# to the corners a person would click, and write it the way labelme does.

# %%
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from skimage.measure import approximate_polygon, find_contours

mask = exported.masks[0]
outline = max(find_contours(mask.astype(float), 0.5), key=len)
corners = approximate_polygon(outline, tolerance=1.0)[:, ::-1]
shape = {"label": "nerve", "points": corners.tolist(), "shape_type": "polygon"}
size = {"imageHeight": mask.shape[0], "imageWidth": mask.shape[1]}
annotation = {"imagePath": "frame.jpg", "imageData": None, "shapes": [shape], **size}

# %% [markdown]
# Reading it back gives an image of class numbers. The caller fixes the numbers (`{"nerve": 1}`): if they were
# counted file by file, "nerve" would be 1 in one image and 2 in the next. A label that nobody asked for is an
# error, and no guess.

# %%
from nervekit.data import labelme
from nervekit.metrics import iou

with TemporaryDirectory() as folder:
    path = Path(folder) / "frame.json"
    path.write_text(json.dumps(annotation))
    classes = labelme.read(path, {"nerve": 1})
agreement = iou(mask[np.newaxis], classes[np.newaxis] == 1)[0]
print(f"{len(corners)} corners, IoU with the mask we began from: {agreement:.3f}")

# %% [markdown]
# A polygon of so few corners misses only pixels along the border. Keep annotations as polygons as long as
# possible: they are small, and can be corrected and drawn at any size.

# %%
record.value("huang_2019.data.polygon_iou", agreement)
picture = figures.gallery(
    [exported.images[0], classes * 255],
    [f"the annotation, {len(corners)} corners", "the mask made from it"],
    "A polygon becomes a mask",
    masks=[mask, None],
)
record.figure(
    "annotation", picture, alt="An ultrasound image with the nerve region outlined, and the binary mask."
)

# %% [markdown]
# ## The trap: a mask is an index, not a colour
#
# labelme exports masks as *palette* PNGs: each pixel holds an index (0 background, 1 nerve), and a table
# gives each index a colour for the eye, here dark red (128, 0, 0). We write one like those in the set and
# read it in the two ways one finds in other people's code.

# %%
palette_picture = Image.fromarray(mask.astype(np.uint8))
palette_picture.putpalette([0, 0, 0, 128, 0, 0])
index = np.asarray(palette_picture)
as_grey = np.asarray(palette_picture.convert("L"))
print("index:", np.unique(index), " converted to grey:", np.unique(as_grey))
print("nerve pixels:", (index == 1).sum(), " grey above 127:", (as_grey > 127).sum())

# %% [markdown]
# Converted to grey, dark red becomes 0.299 · 128 = 38. The usual threshold at 127 then leaves **nothing**:
# every mask is empty, no error is raised, and a network trained on them learns to answer "no nerve" with an
# excellent loss. Our reader uses the index, and refuses a mask with any other palette or value.

# %%
picture = figures.gallery(
    [np.asarray(palette_picture.convert("RGB")), as_grey, (as_grey > 127) * 255],
    ["colours of the palette", "converted to grey: 0 and 38", "grey above 127: empty"],
    "Reading the colour in place of the index empties the mask",
)
record.figure(
    "palette_trap", picture, alt="A dark red mask, the same in grey and very dark, and an all-black picture."
)

# %% [markdown]
# ## A zoo of sizes
#
# The images were cropped by hand, each to a size of its own. A network needs one size for all, so that each
# image is stretched by its own factors, and a circle in the tissue becomes an ellipse of a different shape in
# each.

# %%
heights, widths = np.array([mask.shape for mask in exported.masks]).T
sizes = len(set(zip(heights.tolist(), widths.tolist())))
record.value("huang_2019.data.sizes", sizes)
print(
    f"{sizes} sizes; width {widths.min()} to {widths.max()}, height {heights.min()} to {heights.max()} pixels"
)

# %% [markdown]
# The dashed line marks images that keep their proportions in the network's input; what lies to its right is pressed
# together sideways. The paper does so, and we follow it; padding to a square first would keep the anatomy's shape.

# %%
picture = figures.size_zoo(
    widths,
    heights,
    settings["image_size"],
    f"{sizes} sizes among {len(exported)} images; {np.mean(widths > heights):.0%} are wider than high",
)
record.figure("size_zoo", picture, alt="Scatter of image height against width, with a line of equal proportions.")

# %% [markdown]
# ## Resize: linear for the image, nearest for the mask
#
# Linear resizing averages neighbours. That is right for grey values. In a mask it invents values between 0
# and 1 along the border: pixels that are 40 % nerve. Nearest-neighbour resizing copies one pixel, and a mask
# stays a mask.

# %%
from nervekit.data import pictures

small = settings["image_size"]
original = Image.fromarray(mask.astype(np.uint8) * 255)
nearest = pictures.resize(original, small, "nearest") / 255
linear = pictures.resize(original, small, "linear") / 255
between = ((linear > 0) & (linear < 1)).sum()
print(f"linear: {between} pixels between 0 and 1, beside {(linear == 1).sum()} that are 1")

# %% [markdown]
# We measure what that means for the area, in percent of the native mask: for nearest, for linear cut at one
# half, and for linear where every pixel above 0 counts, which is what `mask.astype(bool)` does.

# %%
variants = {"nearest": nearest > 0, "linear > 0.5": linear > 0.5, "linear > 0": linear > 0}
areas = {name: 100 * np.mean(values) / np.mean(mask) for name, values in variants.items()}
for name, area in areas.items():
    print(f"{name:13s} {area:6.1f} % of the area")
record.value("huang_2019.data.area_linear_any", areas["linear > 0"])

# %% [markdown]
# Nearest and linear-with-threshold are both sound. `astype(bool)` after linear resizing lets the mask grow by
# a rim, more so the smaller the image: a bias that no later metric will show, because prediction and truth
# have grown alike.

# %%
inside = np.argwhere(linear > 0)
(top, left), (bottom, right) = np.maximum(inside.min(axis=0) - 2, 0), inside.max(axis=0) + 3
window = np.s_[top:bottom, left:right]
picture = figures.zoomed_masks(
    [nearest[window], linear[window], (linear[window] > 0).astype(float)],
    ["nearest", "linear", "linear, then astype(bool)"],
    f"Linear resizing blurs the border; astype(bool) then makes it {areas['linear > 0'] - 100:.0f} % larger",
)
record.figure(
    "resize", picture, alt="Three enlarged masks: a crisp one, one with a grey rim, one grown by that rim."
)

# %% [markdown]
# ## The arrays
#
# `load` with a size does all of the above for the whole set: grey, linear for images, nearest for masks. It
# keeps the arrays on disk, so that the next call takes less than a second. Images stay `uint8`: as `float32`
# they need four times the memory.

# %%
dataset = data.load(paper.dataset, size=small, **options)
print(dataset.describe())
print("images", dataset.images.shape, dataset.images.dtype, "masks", dataset.masks.shape, dataset.masks.dtype)
print(f"{dataset.images.nbytes / 1e6:.1f} MB as uint8, {4 * dataset.images.nbytes / 1e6:.1f} MB as float32")

# %% [markdown]
# The paper's normalisation is its equation 1, p / 255. It is a fixed rule that learns nothing from the data.
# Subtracting the mean of all images, as is often done, would carry information from the test images into
# training unless it is computed on the training part alone.

# %%
normalised = dataset.images.astype("float32") / 255
record.value("huang_2019.data.mean_brightness", normalised.mean(dtype="float64"))
print(f"{normalised.min():.2f} to {normalised.max():.2f}, mean {normalised.mean():.3f}")

# %% [markdown]
# ## The split: 450, 50 and 62
#
# The paper split at random into training (fits the weights), development (is watched during training) and
# test (is used once). The public set has one folder for test and one for the rest. Which 50 of the rest were drawn for
# development was not published; we draw a tenth at random, the same every time.

# %%
from nervekit.data import splits

split = splits.published(dataset)
record.value("huang_2019.data.images", len(dataset))
record.value("huang_2019.data.train", len(split.train))
record.value("huang_2019.data.development", len(split.development))
record.value("huang_2019.data.test", len(split.test))
print(f"training {len(split.train)}, development {len(split.development)}, test {len(split.test)}")

# %% [markdown]
# ## Class balance: almost everything is background
#
# How much of an image is nerve? If it is little, a network that always says "background" is right nearly
# everywhere. That is why pixel accuracy says nothing here, and overlap (IoU, Dice) is measured.

# %%
share = dataset.masks.mean(axis=(1, 2))
record.value("huang_2019.data.foreground_median", np.median(share))
record.value("huang_2019.data.empty_mask_pixel_accuracy", 1 - share.mean())
print(f"nerve: {share.min():.2%} to {share.max():.2%} of an image, median {np.median(share):.2%}")
print(f"an empty mask is right in {1 - share.mean():.1%} of all pixels, with an IoU of 0")

# %% [markdown]
# The right-hand map adds all masks: the nerve lies in much the same place in many images. A network can score
# by knowing where to look without looking. Notebook 02 therefore has the mean mask among its baselines.

# %%
picture = figures.balance(
    dataset.masks,
    f"The nerve covers {np.median(share):.1%} of a typical image, and lies where one expects it",
)
record.figure(
    "balance", picture, alt="Histogram of nerve shares of a few percent, and a map with one bright region."
)

# %% [markdown]
# ## Stray pixels
#
# Each mask should be one blob. We count connected components at native size, where pixels that touch by a corner
# are connected. Where there are several, all but the largest are strays.

# %%
from skimage.measure import label, regionprops

blobs = [sorted(regionprops(label(mask)), key=lambda blob: blob.area) for mask in exported.masks]
strays = [position for position, parts in enumerate(blobs) if len(parts) > 1]
record.value("huang_2019.data.masks_with_strays", len(strays))
print(f"{len(strays)} of {len(exported)} masks have strays, in images", exported.ids[strays].tolist())

# %% [markdown]
# How large are they, and how far from the blob that they belong to? A distance map of the largest blob answers the
# second question: it holds the distance in pixels to that blob, everywhere.

# %%
from scipy.ndimage import distance_transform_edt

for position in strays[:5]:
    *small_parts, largest = blobs[position]
    distance = distance_transform_edt(label(exported.masks[position]) != largest.label)
    gaps = [distance[tuple(part.coords.T)].min() for part in small_parts]
    print(
        f"image {exported.ids[position]}: {[int(part.area) for part in small_parts]} pixels, {max(gaps):.1f} away"
    )

# %% [markdown]
# In the real set, a stray is a single pixel a few pixels off a sharp tip: where a polygon narrows to a point, drawing
# it breaks the tip into crumbs. (Simulated masks have none, so that the figure shows clean ones.) Such crumbs do no
# harm to IoU. They do harm to whoever counts nerves by counting components, and they vanish or survive by luck in
# resizing. We leave them in, as the paper did. Keeping only the largest blob is no general cure, since some nerves
# truly have two parts.

# %%
shown = (strays + [0, 1, 2])[:3]
picture = figures.strays(
    [exported.images[p] for p in shown],
    [exported.masks[p] for p in shown],
    [f"image {exported.ids[p]}, components: {len(blobs[p])}" for p in shown],
    f"Stray pixels in {len(strays)} of {len(exported)} masks",
)
record.figure("strays", picture, alt="Three ultrasound images with outlined masks; stray pixels are circled.")

# %% [markdown]
# ## Simulated beside real
#
# The course runs without the public images thanks to simulated ones, made from physics: a map of how strongly
# tissue echoes, random scatterers blurred by the pulse and the beam (speckle), the envelope of that signal,
# and its logarithm. Four stages of one frame:

# %%
from nervekit import phantom

scene = phantom.scene("femoral", subject=2, frame=0)
stages = phantom.render(scene)
echoes = np.interp(scene["echogenicity"], np.percentile(scene["echogenicity"], [1, 99]), [0, 255])
loud = np.clip(stages["envelope"] / np.percentile(stages["envelope"], 99), 0, 1) * 255
picture = figures.gallery(
    [echoes, loud, stages["image"]],
    ["echogenicity (dB)", "envelope (linear)", "log-compressed"],
    "The logarithm makes faint tissue visible, as scanners do",
    masks=[scene["mask"], None, scene["mask"]],
)
record.figure(
    "simulation",
    picture,
    alt="A smooth map of tissue, its speckled envelope, and a simulated ultrasound image.",
)

# %% [markdown]
# Beside each other, they should pass for the same kind of picture at a glance. A run on simulated data shows
# simulated images alone.

# %%
subjects = 8 if kind == "real" else settings["subjects"]
simulated = data.load(paper.dataset, "phantom", size=(256, 256), subjects=subjects)
chosen = simulated.subset(np.unique(simulated.groups, return_index=True)[1][:4])
rows = [("simulated", chosen)]
if kind == "real":
    real = data.load(paper.dataset, "real", size=(256, 256))
    rows.append(("real", real.subset(split.test[[3, 20, 40, 55]])))

# %% [markdown]
# The differences are worth a look as well: simulated anatomy is simpler and cleaner. That is why a score on
# simulated images never stands in for a score on real ones.

# %%
picture = figures.gallery(
    [image for _, part in rows for image in part.images],
    [f"{name}, {part.ids[i]}" for name, part in rows for i in range(len(part))],
    "Simulated images beside real ones"
    if kind == "real"
    else "Simulated images (this run reads no public ones)",
    masks=[mask for _, part in rows for mask in part.masks],
    columns=4,
)
record.figure(
    "simulated_beside_real", picture, alt="Rows of ultrasound images with the nerve region outlined."
)

# %% [markdown]
# ## The leak: test images with a twin in training
#
# A test score is to tell how the network does on *new* patients. The paper "tried to involve more patients
# rather than more images from same patients", but the split was drawn among images. If two frames of one
# session end on both sides, the test asks for something that was in the training set.
#
# We look for the most similar training image of every test image: shrink all images, take slow brightness
# changes away, and find the best correlation over small shifts.

# %%
train = np.concatenate([split.train, split.development])
report = splits.leakage(dataset, train, split.test)
near = report.nearest_correlation >= report.threshold
record.value("huang_2019.leak.near_duplicates", near.sum())
record.value("huang_2019.leak.near_duplicate_share", near.mean())
print(report.describe())

# %% [markdown]
# One number per test image hides how clear the case is. The histogram shows it: a split between strangers
# would stay on the left.

# %%
picture = figures.nearest_match(
    report.nearest_correlation,
    report.threshold,
    f"{near.sum()} of {len(near)} test images have a near-duplicate in training",
)
record.figure(
    "nearest_match", picture, alt="Histogram of the best correlation of each test image with training images."
)

# %% [markdown]
# Numbers convince less than pictures. Above, images of the test set; below, the training image most like
# each. Five pairs from the most alike to the last that still counts as near-duplicate:

# %%
picked = np.linspace(0, len(report.pairs) - 1, min(5, len(report.pairs))).astype(int)
picture = figures.pairs(
    dataset,
    report.pairs[picked],
    report.correlations[picked],
    "Test images (above) have their twins in the training set (below)",
)
record.figure(
    "pairs",
    picture,
    alt="Pairs of ultrasound images, test above training, nearly the same with like outlines.",
)

# %% [markdown]
# How much does that help? We "segment" each test image by copying the mask of its most similar training
# image, moved by the shift between the two. No network, no learning, just memory.

# %%
index, _, shift = splits.nearest(dataset.images[split.test], dataset.images[train])
copied = splits.transfer(dataset.masks[train], index, shift)
overlap = iou(dataset.masks[split.test], copied)
record.value("huang_2019.leak.copied_mask.median_iou", np.median(overlap))
record.value("huang_2019.leak.copied_mask.mean_iou", overlap.mean())
print(f"IoU of copied masks: median {np.median(overlap):.3f}, mean {overlap.mean():.3f}")

# %% [markdown]
# Keep these two numbers in mind: on the real images they stand beside the 0.644 that the paper reports as the
# median of its network. A score that memory alone can reach does not show that a network has learned anatomy.

# %% [markdown]
# ## Sessions: who belongs together
#
# The set has no patient numbers, so we infer *sessions*: images are linked when they are very similar, or
# fairly similar and exported close after each other (their numbers differ by five at most); what hangs
# together is one session. It is a guess, in both directions: two patients may look alike, and one patient may
# come twice.

# %%
sessions = splits.infer_sessions(dataset.images, dataset.ids)
sizes = np.unique(sessions, return_counts=True)[1]
record.value("huang_2019.sessions.count", len(sizes))
record.value("huang_2019.sessions.largest", sizes.max())
print(f"{len(sizes)} sessions, {(sizes == 1).sum()} of one image, the largest with {sizes.max()}")

# %% [markdown]
# How good is the guess? Simulated subjects are known, so there we can check it with the adjusted Rand index
# (1 is perfect agreement, 0 is chance). On the real set nobody outside the hospital knows the truth, and
# `groups` holds the inferred sessions themselves: there the number only says that the guess does not depend
# on the image size it was made at.

# %%
from sklearn.metrics import adjusted_rand_score

agreement = adjusted_rand_score(dataset.groups, sessions)
record.value("huang_2019.sessions.agreement", agreement)
print(f"agreement with groups {dataset.provenance['groups']}: {agreement:.2f}")

# %% [markdown]
# With groups, the leak can be counted without any threshold on likeness: which groups have images on both
# sides?

# %%
record.value("huang_2019.leak.test_images_sharing_a_group", len(report.shared_images))
record.value("huang_2019.leak.test_share_sharing_a_group", len(report.shared_images) / len(split.test))
picture = figures.group_sizes(
    dataset.groups,
    dataset.parts,
    f"{len(report.shared_images)} of {len(split.test)} test images come from a group that is also in training",
)
record.figure(
    "groups", picture, alt="Bars of images per group, largest first; many have training and test images."
)

# %% [markdown]
# The cure is to split groups, not images. `group_kfold` deals whole groups into folds of about equal size;
# the same leak report then finds no shared group. Notebook 03 uses it to repeat the paper's cross-validation
# both ways.

# %%
by_group = splits.group_kfold(dataset.groups, n_splits=settings["folds"], random_state=SEED)
shared = [set(dataset.groups[fit]) & set(dataset.groups[held_out]) for fit, held_out in by_group]
record.value("huang_2019.sessions.shared_after_group_split", sum(map(len, shared)))
print("images in each fold:", [len(held_out) for _, held_out in by_group])
print("groups on both sides:", sum(map(len, shared)))

# %% [markdown]
# ## Paper, ours, verdict
#
# The numbers of the paper that concern its data, beside what we counted.

# %%
rows = papers.compare(paper, record.values(), {"data": kind}, prefix="huang_2019.data")
Markdown(papers.claims_table(rows))

# %% [markdown]
# The record of this run, with every number above and every figure, is written last.

# %%
record.finish()

# %% [markdown]
# ## What we did
#
# - We followed an exported RGB frame through crop and grey to an array, and saw that only the scanner's mark has colour.
# - We turned a labelme polygon into a mask, with class numbers that do not depend on the file.
# - We saw a palette mask become empty when its colours were read in place of its index.
# - We resized images linearly and masks to the nearest pixel, and measured what the wrong choice does to the area.
# - We scaled by p / 255 and split as published.
# - We looked at class balance, sizes and stray pixels, and at simulated images.
# - We found near-duplicates of test images in the training set, and scored by copying masks without learning anything.
# - We inferred sessions, counted the leak by group, and split so that no group is on both sides.
#
# **Key points**
#
# - The steps that spoil a study raise no error: look at arrays, not only at code.
# - The index of a palette mask is the class; its colour is decoration.
# - Where nearly everything is background, pixel accuracy means nothing.
# - Split patients or sessions, never images.
#
# **Exercises**
#
# 1. Call `splits.leakage` with `threshold=0.5` and look at the pairs that are added: are they still twins?
# 2. Replace `"nearest"` by `"linear"` with `> 0` for all masks. How does the share of nerve change at 64 x 64, and how
#    at 256 x 256?
# 3. Split by `splits.kfold` and run the leak report on its first fold. Does a new random split leak less than the
#    published one?
