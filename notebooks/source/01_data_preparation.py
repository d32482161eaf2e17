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
# **Time:** 50 minutes to read and discuss, with a good place to pause before the second part; the run takes about a
# minute.
#
# **Questions**
#
# - Which small steps lie between an ultrasound machine and the arrays that a network sees?
# - Which of them can spoil a study without an error message?
# - Are the published test images new to a network that has seen the training images?
# - What is different in other formats: bitmaps, run-length codes, CT slices, a folder of your own?
# - How does a network help a person to annotate more images?
#
# In this notebook we will
#
# - follow one image of the femoral set of Huang et al. (2019) from the exported RGB frame to a grey array,
# - turn a labelme annotation into a mask, and meet a trap of palette pictures that empties every mask,
# - resize images and masks, and see why the two need different methods,
# - scale pixels, and split the images as published: 450 for training, 50 for development, 62 for testing,
# - look at what the set is like: class balance, sizes, stray pixels, simulated images beside real ones,
# - look for near-duplicates across the published split, and count what leaks,
# - infer which images come from one scanning session, so that we can split without a leak,
# - read four more formats from file to array: bitmaps with the patient in their name, TIFF with run-length codes, DICOM
#   slices of a CT, and a folder of your own,
# - and go round once: a network trained on labelme annotations proposes outlines for further images, a person corrects
#   one, and it is read again.
#
# In the `smoke` profile, and where the public images are missing, everything below runs on *simulated* ones, and says
# so. Results on simulated images are no results of the paper.

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
# What the paper says about its data and training is in a table, with the place where it says so; "not stated" marks what it
# leaves open, and what is our choice. What this run does differently is in bold. For data, two rows matter: the source and
# the image size.

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
# A rectangle is enough to crop, and can be found: rows and columns of the ultrasound hold many bright pixels, those
# of text few. We keep the rows and columns in which more than 15 % are bright.

# %%
bright = frame.max(axis=2) > 24
rows = np.flatnonzero(bright.mean(axis=1) > 0.15)
columns = np.flatnonzero(bright.mean(axis=0) > 0.15)
cropped = frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
print(f"frame {frame.shape}, cropped {cropped.shape}, without the added border {image.shape}")

# %% [markdown]
# The crop comes close, but rows or columns where the tissue is dark may be lost. A rule for a real
# study is checked by eye on every scanner it will meet; burned-in text is also where a patient's name would
# be.

# %%
from nervekit.plots import data as figures

picture = figures.gallery(
    [frame, cropped],
    ["as exported (rebuilt here)", "cropped"],
    f"The crop keeps {cropped.size / frame.size:.0%} of the exported frame ({kind} image)",
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
    f"Colour is in the mark of the scanner alone ({kind} image)",
)
record.figure(
    "grey", picture, alt="An RGB ultrasound image, a map of its few coloured pixels, and the grey image."
)

# %% [markdown]
# ## From an annotation to a mask
#
# A physician drew the *block region* as a polygon with the program labelme, which stores corners in a JSON file; two others
# checked it. It is not the nerve itself, which is hard to see: it is the connective tissue between the iliac fascia and the
# iliopsoas muscle, the key area for a femoral nerve block. We call it the region; "nerve" is its label in the files that we
# write. The set publishes only the masks, not these files. So we go back: we take the outline of one mask, thin it to the
# corners a person would click, and write it the way labelme does.

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
#
# How well two masks agree is said by the **IoU** (intersection over union, also called Jaccard): the area that both have in
# common over the area that they cover jointly, 1 where they are equal and 0 where they do not meet.

# %%
from nervekit.data import labelme
from nervekit.metrics import iou

with TemporaryDirectory() as folder:
    path = Path(folder) / "frame.json"
    path.write_text(json.dumps(annotation))
    classes = labelme.read(path, {"nerve": 1})
agreement = iou(mask[np.newaxis], classes[np.newaxis] == 1)[0]
clicks = len(np.unique(corners, axis=0))  # a closed line ends with the corner that it began with
print(f"{clicks} corners, IoU with the mask we began from: {agreement:.3f}")

# %% [markdown]
# The masks differ only along the border. Two things play a part: between so few corners the line is straight where the region
# is not; and our outline runs between pixels, half a pixel outside the centres of the outermost ones, while Pillow, which draws
# the polygon, also fills the pixels on its line. Keep annotations as polygons as long as possible: they are small, and can be
# corrected and drawn at any size. (Both pictures are cut out around the region.)

# %%
from nervekit.plots import formats

record.value("huang_2019.data.polygon_iou", agreement)
picture = formats.annotations(
    [exported.images[0], classes * 255],
    [mask, mask],
    [[corners], [corners]],
    [f"the annotation, {clicks} corners", "the mask made from it"],
    f"A polygon becomes a mask ({kind} image)",
)
record.figure("annotation", picture, alt="The corners of a polygon on an ultrasound image, and on the mask made from it.")

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
print("pixels of the region:", (index == 1).sum(), " grey above 127:", (as_grey > 127).sum())

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
# The images were cropped by hand, nearly each session, and on real data often each image, to a size of its own. A network needs one size for all, so that each
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
    f"{sizes} sizes among {len(exported)} {kind} images; {np.mean(widths > heights):.0%} are wider than high",
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
record.value("huang_2019.data.area_linear_any", areas["linear > 0"]);

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
    f"Linear resizing blurs the border; astype(bool) then makes this {kind} mask {areas['linear > 0'] - 100:.0f} % larger",
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
# How much of an image is the region? If it is little, a network that always says "background" is right nearly
# everywhere. That is why pixel accuracy says nothing here, and overlap is measured: by IoU, or by the **Dice** coefficient,
# twice the common area over the sum of both areas. Over many images either is averaged, or *pooled*: areas are summed over all
# images first. The pooled IoU is the *sum IoU* of the first paper.

# %%
share = dataset.masks.mean(axis=(1, 2))
record.value("huang_2019.data.foreground_median", np.median(share))
record.value("huang_2019.data.empty_mask_pixel_accuracy", 1 - share.mean())
print(f"region: {share.min():.2%} to {share.max():.2%} of an image, median {np.median(share):.2%}")
print(f"an empty mask is right in {1 - share.mean():.1%} of all pixels, with an IoU of 0")

# %% [markdown]
# The right-hand map adds all masks. They gather in one part of the image, yet even the commonest place lies inside the region
# in fewer than half of them. How far does it get to know where to look, without looking? Notebook 02 measures it: the mean
# mask is among its baselines.

# %%
picture = figures.balance(
    dataset.masks,
    f"The region covers {np.median(share):.1%} of a typical {kind} image; the commonest place is in it in "
    f"{dataset.masks.mean(axis=0).max():.0%} of them",
)
record.figure(
    "balance", picture, alt="Histogram of shares of a few percent, and a map with one bright region."
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
    f"Stray pixels in {len(strays)} of {len(exported)} {kind} masks",
)
record.figure("strays", picture, alt="Three ultrasound images with outlined masks; stray pixels are circled.")

# %% [markdown]
# ## Simulated beside real
#
# The course runs without the public images thanks to simulated ones, made from physics: a map of how strongly
# tissue echoes, random scatterers blurred by the pulse and the beam (speckle), the envelope of that signal,
# and its logarithm. Three stages of one frame, the map, the envelope and the logarithm:

# %%
from nervekit import phantom

scene = phantom.scene("femoral", subject=2, frame=0)
stages = phantom.render(scene)
echoes = np.interp(scene["echogenicity"], np.percentile(scene["echogenicity"], [1, 99]), [0, 255])
loud = np.clip(stages["envelope"] / np.percentile(stages["envelope"], 99), 0, 1) * 255
picture = figures.gallery(
    [echoes, loud, stages["image"]],
    ["echogenicity (dB)", "envelope (linear)", "log-compressed"],
    "Simulated: the logarithm makes faint tissue visible, as scanners do",
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
# We look for the most similar image of the training folder for every test image: shrink all images, take slow brightness
# changes away, and find the best correlation over small shifts. The folder holds training and development images together;
# notebook 02 looks among the training images alone, and so counts slightly fewer. The line also counts *groups*: subjects, or
# sessions, which we infer further down.
#
# On simulated images the leak is built in: each subject has several similar frames, and the split deals frames. There you
# see how a leak is found; only the real set can show that the published split has one.

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
    f"{near.sum()} of {len(near)} {kind} test images have a near-duplicate in the training folder",
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
    f"{kind.capitalize()} test images (above) and their twins in the training folder (below)",
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
from nervekit import baselines

copied, _ = baselines.copy_nearest(dataset.images[split.test], dataset.images[train], dataset.masks[train])
overlap = iou(dataset.masks[split.test], copied)
record.value("huang_2019.leak.copied_mask.median_iou", np.median(overlap))
record.value("huang_2019.leak.copied_mask.mean_iou", overlap.mean())
print(f"IoU of copied masks: median {np.median(overlap):.3f}, mean {overlap.mean():.3f}")

# %% [markdown]
# Keep the median in mind: on the real images it stands beside the 0.644 that the paper reports as the median of its network;
# a mean it does not print. A score that memory alone can reach does not show that a network has learned anatomy. (Not every
# measure is so kind to copying: of the sum IoU it reaches 0.58 there, the paper prints 0.638, notebook 02. And it may copy
# from the development images, too, from which the paper's network did not learn.)

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
# `groups` holds inferred sessions, too, found once at a fixed size: there the number says how little the guess
# depends on the image size. It may differ by a few sessions.

# %%
from sklearn.metrics import adjusted_rand_score

agreement = adjusted_rand_score(dataset.groups, sessions)
record.value("huang_2019.sessions.agreement", agreement)
print(f"agreement with groups {dataset.provenance['groups']}: {agreement:.2f}")

# %% [markdown]
# Where subjects are known, the leak can be counted without a threshold on likeness: which groups have images on both
# sides? On the real set, groups are inferred, so that two thresholds still stand behind this count.

# %%
record.value("huang_2019.leak.test_images_sharing_a_group", len(report.shared_images))
record.value("huang_2019.leak.test_share_sharing_a_group", len(report.shared_images) / len(split.test))
picture = figures.group_sizes(
    dataset.groups,
    dataset.parts,
    f"{len(report.shared_images)} of {len(split.test)} {kind} test images come from a group that is also in the training folder",
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
# # Second part: other formats
#
# The course reads three more public sets, and images of your own. Each format has a trap of its own. `open_files`
# opens a set as it lies on the disk, in a folder or an archive, so that we can look at single files before `load`
# makes arrays of them. Where a public set is not on this machine, its simulated stand-in comes in the same folders,
# names and formats.
#
# ## BMP: the patient is in the name
#
# The median nerve set of Melnic et al. is screenshots of the scanner as bitmaps (BMP). A file is called
# `Pz012-003.bmp`: patient (*paziente*) 12, image 3.

# %%
from io import BytesIO

from nervekit.data import median

source = "phantom" if settings["data"] == "phantom" else "auto"
with data.open_files("median", source, subjects=4) as opened:
    image_name, mask_name = next(iter(median.pair(opened.files).values()))
    image_bytes, mask_bytes = opened.files.read(image_name), opened.files.read(mask_name)
word = {"real": "real", "phantom": "simulated"}
kinds = {"median": word[opened.source]}
screen, drawn = (np.asarray(Image.open(BytesIO(content))) for content in (image_bytes, mask_bytes))
print(kinds["median"], image_name, screen.shape)
print(f"{len(image_bytes)} bytes, of which {len(image_bytes) - screen.size} are no pixels")
print(mask_name, drawn.shape, "values", np.unique(drawn), "channels equal:", np.ptp(drawn, axis=2).max() == 0)

# %% [markdown]
# A BMP holds the plain pixels after a header of 54 bytes, each row filled up to a multiple of four bytes: nothing is
# lost, and nothing is saved either. The mask says the same thing in three channels; summed over them, it becomes a
# mask of threes, and a loss counts the nerve three times. Our reader takes one channel, after checking that all are
# equal and hold 0 and 255 alone.
#
# The screen carries more than tissue: the side, the scanner's mark, marks of depth, and in other hospitals a name. Is any of it in the
# nerve?

# %%
from scipy.ndimage import binary_dilation

mask = drawn[..., 0] > 0
marks = np.ptp(screen.astype(int), axis=2) > 40
picture = figures.gallery(
    [screen, binary_dilation(marks, iterations=4) * 255, drawn],
    [f"{Path(image_name).name}, {kinds['median']}", "coloured marks, thickened", "mask file"],
    f"Coloured marks are {marks.mean():.2%} of the screen, and {(marks & mask).sum()} pixels of the nerve",
    masks=[mask, mask, None],
)
record.figure("bmp", picture, alt="An ultrasound screen with coloured marks, the marks alone, and the nerve mask.")

# %% [markdown]
# `load` reads all of it. Since the name holds the patient, nothing has to be inferred, and the paper's split by
# patient can be repeated to the letter (its code shuffles patients with a fixed seed). Is it as clean as it should
# be?

# %%
wrists = data.load("median", source, size=small, subjects=4)
published = splits.published(wrists)
learnt = np.concatenate([published.train, published.development])
clean = splits.leakage(wrists, learnt, published.test)
nerve_share = wrists.masks.mean(axis=(1, 2))
record.value("data.median.images", len(wrists), data=kinds["median"])
record.value("data.median.patients", len(np.unique(wrists.groups)), data=kinds["median"])
record.value("data.median.foreground_median", np.median(nerve_share), data=kinds["median"])
record.value("data.median.groups_on_both_sides", len(clean.shared_groups), data=kinds["median"])
record.value("data.median.near_duplicates", len(clean.pairs), data=kinds["median"])
print(f"training {len(published.train)}, development {len(published.development)}, test {len(published.test)}")
print(clean.describe())
print(f"the nerve covers {np.median(nerve_share):.2%} of a typical image")

# %% [markdown]
# Compare that with the first set: there the images were dealt, here the patients. One number in a file name made the
# difference, and it has to survive every export and renaming of a study. (Simulated wrists are drawn after one
# pattern: the report may find two people's images alike there. Between the real patients it finds none.)
#
# ## TIFF and a run-length code
#
# The brachial plexus set of Kaggle's competition holds TIFF files, `train/3_17.tif` being image 17 of subject 3, with
# a mask beside each. The same masks come again in a table, `train_masks.csv`, as a *run-length code*: pixels are
# numbered from 1 down the first column, then down the second, and each run of nerve pixels is written as "start
# length". Here is one by hand, for a mask of four rows and five columns.

# %%
grid = np.array([[0, 0, 1, 0, 0], [0, 0, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 0, 0, 1]])
down_the_columns = grid.T.ravel()
change = np.diff(np.concatenate([[0], down_the_columns, [0]]))
starts, ends = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1
code = " ".join(f"{start} {end - start}" for start, end in zip(starts, ends))
print(code)

# %% [markdown]
# The first run begins in one column and ends in the next: the code knows no columns, only numbers. It does not tell
# the size of the image either.

# %%
runs = list(zip(starts, ends - starts))
picture = formats.run_lengths(grid, runs, f"{grid.sum()} mask pixels are written as {len(runs)} runs")
record.figure(
    "run_lengths", picture, alt="A grid of numbered pixels, each run of mask pixels coloured, with its code beside."
)

# %% [markdown]
# Decoding goes the other way. Two mistakes are easy, and neither raises an error: to fill along the rows, as arrays
# lie in memory, and to count from 0.

# %%
flat = np.zeros(grid.size, int)
for start, length in np.array(code.split(), int).reshape(-1, 2):
    flat[start - 1 : start - 1 + length] = 1
along_columns = flat.reshape(grid.T.shape).T
along_rows = flat.reshape(grid.shape)
print("down the columns:", (along_columns == grid).all(), " along the rows:", (along_rows == grid).all())

# %% [markdown]
# We do the same to a whole mask: the first of the set that is not empty. `rle.encode` and `rle.decode` do what the cells
# above do; decoding also checks: an odd count of numbers, runs that overlap, and runs that leave the image are errors.

# %%
from nervekit.data import brachial, rle

with data.open_files("brachial", source, subjects=3) as opened:
    pairs = brachial.pair(opened.files)
    listed = brachial.table(opened.files)
    for name, (image_name, mask_name) in pairs.items():
        plexus = np.asarray(Image.open(BytesIO(opened.files.read(mask_name)))) > 0
        if plexus.any():
            break
    neck = Image.open(BytesIO(opened.files.read(image_name)))
kinds["brachial"] = word[opened.source]
code = rle.encode(plexus)
decoded = rle.decode(code, plexus.shape)
wrong = decoded.T.reshape(plexus.shape)
print(f"{kinds['brachial']} {image_name}: {neck.format} ({neck.info['compression']}), mode {neck.mode}, {neck.size}")
print(f"{plexus.sum()} pixels, {len(code)} characters: {code[:60]} ...")
print(f"the table has {len(listed)} rows; this row agrees: {listed.get(name) == code}")

# %% [markdown]
# Filled along the rows, the nerve falls apart into stripes, in one band across the whole width of the image. A network
# trained on such masks would learn that there is nothing to learn.

# %%
apart = iou(plexus[np.newaxis], wrong[np.newaxis])[0]
record.value("data.brachial.read_along_rows_iou", apart, data=kinds["brachial"])
picture = figures.gallery(
    [np.asarray(neck), decoded * 255, wrong * 255],
    [f"{Path(image_name).name}, {kinds['brachial']}", "down the columns", "along the rows"],
    f"Filled along the rows, the decoded mask overlaps the true one with an IoU of only {apart:.2f}",
    masks=[plexus, None, None],
)
record.figure("run_length_trap", picture, alt="An ultrasound image, its mask decoded, and stripes decoded wrongly.")

# %% [markdown]
# ## Empty masks
#
# An empty string in the table is an empty mask: no nerve in this frame. How many are there? The competition's score
# is the mean Dice over images, and two empty masks agree perfectly (Dice 1). So this share is also what a network
# scores that never finds a nerve.

# %%
from nervekit.metrics import dice

necks = data.load("brachial", source, size=(96, 96), subjects=3)
found = necks.masks.any(axis=(1, 2))
floor = dice(necks.masks, np.zeros_like(necks.masks)).mean()
record.value("data.brachial.images", len(necks), data=kinds["brachial"])
record.value("data.brachial.subjects", len(np.unique(necks.groups)), data=kinds["brachial"])
record.value("data.brachial.empty_share", 1 - found.mean(), data=kinds["brachial"])
print(f"{(~found).sum()} of {len(necks)} masks are empty; mean Dice of always answering 'no nerve': {floor:.2f}")

# %% [markdown]
# Not every empty mask means an empty image. We ask, among the first three subjects, which image without a mask
# resembles most one with a mask.

# %%
few = necks.subset(np.isin(necks.groups, list(dict.fromkeys(necks.groups.tolist()))[:3]))
has_nerve = few.masks.any(axis=(1, 2))
unmarked, marked = few.subset(~has_nerve), few.subset(has_nerve)
nearest, alike, _ = splits.nearest(unmarked.images, marked.images)
empty = int(np.argmax(alike))
twin = int(nearest[empty])
record.value("data.brachial.contradiction_correlation", alike[empty], data=kinds["brachial"]);

# %% [markdown]
# The same view, once with a nerve drawn and once without: one of the two masks is wrong, and no network can satisfy
# both. Such pairs put a ceiling on every score, and they are a reason to keep all frames of a subject on one side of
# a split. (How alike the two are is in the title below; look before you judge.)

# %%
picture = figures.gallery(
    [marked.images[twin], unmarked.images[empty]],
    [f"{marked.ids[twin]}, {kinds['brachial']}: marked", f"{unmarked.ids[empty]}, {kinds['brachial']}: empty mask"],
    f"Two frames that correlate {alike[empty]:.2f}, one marked and one not (squeezed to 96x96)",
    masks=[marked.masks[twin], None],
)
record.figure("contradiction", picture, alt="Two nearly equal ultrasound images, one with an outlined nerve.")

# %% [markdown]
# ## DICOM: from a stored value to Hounsfield units
#
# The CT set 3D-IRCADb-01 comes as DICOM files without any ending: `PATIENT_DICOM/image_0` and so on, and one folder
# of masks for each organ. A DICOM file is a list of named elements, the pixels being one of them. We open the slice
# that shows most liver, of the last patient that is here with both liver and bones.

# %%
import pydicom

from nervekit.data import ircadb, volumes

with data.open_files("ircadb", source, subjects=2) as opened:
    whose = volumes.organs(opened.files)
    patient = [name for name, organs in whose.items() if {"liver", "bone"} <= set(organs)][-1]
    (volume,) = volumes.find(opened.files, [patient])
    units = np.stack([ircadb.read_slice(opened.files, volume, z) for z in range(volume.shape[0])])
    liver = np.stack([ircadb.read_mask(opened.files, volume, "liver", z) for z in range(volume.shape[0])])
    middle = int(liver.sum(axis=(1, 2)).argmax())
    header = pydicom.dcmread(BytesIO(opened.files.read(volume.slices[middle])))
    organs = {name: ircadb.read_mask(opened.files, volume, name, middle) for name in volume.masks}
kinds["ircadb"] = word[opened.source]
print(f"{kinds['ircadb']} patient {patient}, {volume.slices[middle]}")
for name in ("InstanceNumber", "Rows", "BitsAllocated", "PixelSpacing", "RescaleSlope", "RescaleIntercept"):
    print(f"{name}: {header.get(name)}")

# %% [markdown]
# The stored values are not yet what a radiologist calls density. *Slope* and *intercept* turn them into Hounsfield
# units, where air is -1000 and water 0 on every scanner. Some files have slope 1 and intercept 0, and code that
# forgets both works, until it meets a scanner that stores air as 0.

# %%
stored = header.pixel_array
hounsfield = stored * float(header.RescaleSlope) + float(header.RescaleIntercept)
inside = organs["liver"]
print(f"stored in the liver: {stored[inside].mean():.0f}, Hounsfield units: {hounsfield[inside].mean():.0f}")
print("the reader gives the same:", (hounsfield == units[middle]).all())
record.value("data.ircadb.liver_hounsfield", hounsfield[inside].mean(), data=kinds["ircadb"]);

# %% [markdown]
# A screen shows 256 grey values, a CT slice has some thousands. A *window*, given by its centre and its width, says
# which units become black and which white; everything beyond is lost. The choice is part of a method and must be
# written down.

# %%
shown = {}
for name, (centre, width) in {"abdomen": (150, 500), "narrow, for the liver": (60, 160), "bone": (400, 1500)}.items():
    shown[name] = ircadb.to_grey(hounsfield, (centre, width)), (centre - width / 2, centre + width / 2)
lost = {name: np.mean((hounsfield < low) | (hounsfield > high)) for name, (_, (low, high)) in shown.items()}
picture = formats.windows(
    hounsfield,
    shown,
    f"One {kinds['ircadb']} slice: the narrow window flattens {lost['narrow, for the liver']:.0%} of all pixels",
)
record.figure("windows", picture, alt="A CT slice in three windows, above a histogram of its Hounsfield units.")

# %% [markdown]
# ## Organs by name
#
# Every organ has its folder of masks, and patients differ in which they have: ask for organs by name, and look which
# patients remain. `load("ircadb", organs=["liver", "livertumor*"])` joins several. Tumours lie inside the liver's
# mask.

# %%
bone = organs["bone"]
threshold = hounsfield > 200
bone_dice = dice(bone[np.newaxis], threshold[np.newaxis])[0]
record.value("data.ircadb.patients", len(whose), data=kinds["ircadb"])
record.value("data.ircadb.organs", len(organs), data=kinds["ircadb"])
record.value("data.ircadb.bone_threshold_dice", bone_dice, data=kinds["ircadb"])
print(f"patient {patient} of {list(whose)} has", ", ".join(organs))
print(f"everything above 200 HU as bone: Dice {bone_dice:.2f}")

# %% [markdown]
# Bones are bright, so a threshold finds part of them: a baseline that a network has to beat. The liver has the
# density of its neighbours, and no threshold finds it.

# %%
same = np.abs(hounsfield - np.median(hounsfield[organs["liver"]])) < 50
others = (same & ~organs["liver"]).sum() / same.sum()
visible = {name: organ for name, organ in organs.items() if organ.any()}
largest = dict(sorted(visible.items(), key=lambda item: -item[1].sum())[:6])
picture = formats.organs(
    shown["abdomen"][0],
    largest,
    f"{others:.0%} of the pixels as dense as this liver ({kinds['ircadb']}) are something else",
)
record.figure("organs", picture, alt="A CT slice with the outlines of its organs, each in a colour of its own.")

# %% [markdown]
# ## Slices in order, and their distance
#
# Sorted as text, `image_10` comes before `image_2`. A network that sees one slice at a time never notices, and a sum over all
# slices, such as a volume, does not either; whoever looks at neighbours, takes the distance between slices from their positions,
# or shows a cut does.

# %%
names = [name.split("/")[-1] for name in volume.slices]
by_name = np.argsort(names, kind="stable")
out_of_place = int((by_name != np.arange(len(names))).sum())
between, *pixel = volume.spacing
areas = liver.sum(axis=(1, 2)) * pixel[0] * pixel[1] / 100
record.value("data.ircadb.slices", len(names), data=kinds["ircadb"])
record.value("data.ircadb.out_of_place_as_text", out_of_place, data=kinds["ircadb"])
picture = formats.slice_order(
    areas, by_name, f"Sorted as text, {out_of_place} of {len(names)} {kinds['ircadb']} slices are in the wrong place"
)
record.figure("slice_order", picture, alt="Liver area by slice: a smooth curve in true order, a jagged one as text.")

# %% [markdown]
# The distance between slices is not that between pixels. With both, pixels become millimetres and slices a volume;
# without, an organ's size is a number without meaning. `load` gives the spacing of each image in `dataset.spacing`,
# scaled along when it resizes.

# %%
millilitres = liver.sum() * between * pixel[0] * pixel[1] / 1000
record.value("data.ircadb.slice_spacing_mm", between, data=kinds["ircadb"])
record.value("data.ircadb.liver_ml", millilitres, data=kinds["ircadb"])
row = int(liver.sum(axis=(0, 2)).argmax())
picture = formats.cut(
    ircadb.to_grey(units[:, row]),
    (between, pixel[1]),
    f"Slices {between:.1f} mm apart, pixels {pixel[1]:.2f} mm: {millilitres:.0f} ml of {kinds['ircadb']} liver",
)
record.figure("cut", picture, alt="A frontal cut through a CT volume, squashed with voxels as cubes and true to scale.")

# %% [markdown]
# ## A folder of your own
#
# Your images need no format of ours. Two folders, `images` and `masks`, with the same names in both, are enough; any
# format that Pillow opens will do, and they may be mixed. We make such a folder from four images of the first set,
# two of one group and two of another, and call the groups patients. An empty file `SIMULATED.json` keeps simulated
# images from passing for real ones.

# %%
from nervekit.data import folder

endings = {"P01 left 1": "png", "P01 left 2": "tif", "P02 right 1": "jpg", "P02 right 2": "bmp"}
groups, counts = np.unique(exported.groups, return_counts=True)
first, second = (np.flatnonzero(exported.groups == group)[:2] for group in groups[counts > 1][:2])
own = TemporaryDirectory()
for part in ("images", "masks"):
    (Path(own.name) / part).mkdir()
for position, (name, ending) in zip([*first, *second], endings.items()):
    Image.fromarray(exported.images[position]).save(Path(own.name) / "images" / f"{name}.{ending}")
    Image.fromarray(exported.masks[position]).save(Path(own.name) / "masks" / f"{name}.png")
if kind == "simulated":
    (Path(own.name) / "SIMULATED.json").touch()
mine = folder.read(own.name, size=small, group_pattern=r"^(P\d+)")
record.value("data.own.images", len(mine))
record.value("data.own.patients", len(np.unique(mine.groups)))
print(mine.describe(), dict(zip(mine.ids.tolist(), mine.groups.tolist())), sep="\n")

# %% [markdown]
# What comes out is the same `SegmentationDataset` as from `load`, so that training, scores and figures of the course
# take your images too. It has no published split: divide it with `splits.group_kfold`, as notebook 03 does.
# `group_pattern` picks the patient out of the name; give it whenever there is more than one image a patient.

# %%
picture = figures.gallery(
    list(mine.images),
    [f"{name}.{ending}\npatient {group}" for (name, ending), group in zip(endings.items(), mine.groups)],
    f"{len(mine)} {kind} images in {len(set(endings.values()))} formats, of {len(np.unique(mine.groups))} patients",
    masks=list(mine.masks),
)
record.figure("own", picture, alt="Four small ultrasound images with outlined masks, named by file and patient.")

# %% [markdown]
# A reader that guesses is worse than none. Here somebody saved one image twice, in two formats: which of them belongs
# to the mask? The reader does not choose; it says what is wrong, where, and what to do.

# %%
from nervekit.errors import NervekitError

Image.fromarray(exported.images[0]).save(Path(own.name) / "images" / "P01 left 1.bmp")
try:
    folder.read(own.name)
except NervekitError as error:
    print(str(error).replace(own.name, "FOLDER"))
own.cleanup()

# %% [markdown]
# ## Annotate, train, correct
#
# Drawing outlines is slow; correcting them is fast. So a study may annotate some images by hand, train on them, let
# the network propose outlines for the next images, and have a person correct the proposals: again and again, with
# fewer corrections each time. The two ends meet in labelme's JSON files, which we read above and now write.
#
# First a person annotates. Nobody sits at the screen of an automatic run, so we play the person: the published masks of 48
# images stand for the outlines drawn in labelme. The images that wait for outlines are the first fold above, and the 48 come
# from the other folds, so that no group is on both sides. `read_folder` makes a dataset of images and JSON files, small
# enough for a network that learns in seconds. It is given no `group_pattern` here, so that it counts each image as a group of
# its own, although some of the 48 share one above.

# %%
from nervekit.data import preannotate

annotated, waiting = by_group[0]
annotated = annotated[:: max(1, len(annotated) // 48)][:48]
desk = TemporaryDirectory()
if kind == "simulated":
    (Path(desk.name) / "SIMULATED.json").touch()
hand = [[values[one] for one in annotated] for values in (exported.images, exported.masks, exported.ids)]
preannotate.write_folder(Path(desk.name) / "by hand", *hand, tolerance=1)
by_hand = labelme.read_folder(Path(desk.name) / "by hand", ["nerve"], size=(64, 64))
print(by_hand.describe())

# %% [markdown]
# Then we train the U-Net of the first paper, in the narrower of two readings (8 to 128 feature maps), on 64 x 64 pixels. Its
# loss is the cross-entropy (how surprised the network is by the truth at each pixel: minus the logarithm of the probability
# that it gave to it) plus one minus the Dice coefficient; the cross-entropy alone is slow to leave the empty mask where
# nearly everything is background. Notebook 02 explains network and training; here it only has to be better than nothing.

# %%
import keras

from nervekit import losses, models, training

keras.utils.set_random_seed(SEED)
network = models.build("huang_unet", (64, 64, 1), width=8)
training.compile_model(network, loss=losses.CrossEntropyDiceLoss())
history = training.fit(network, by_hand, epochs=24, batch_size=8, seed=SEED)
print(f"{history.seconds:.0f} s; sum IoU of the annotated images in the last epoch {history.curves['pooled_iou'][-1]:.2f}")

# %% [markdown]
# The network now proposes outlines for the images that wait. Its probabilities are at the size of its input and go back
# to that of the image: enlarged linearly and cut at one half, since a mask enlarged to the nearest would be stairs.

# %%
unseen = [Image.fromarray(exported.images[one]).convert("L") for one in waiting]
small_unseen = np.stack([pictures.resize(image, (64, 64)) for image in unseen])[..., np.newaxis]
guesses = [
    pictures.resize(Image.fromarray(probability), exported.masks[one].shape) > 0.5
    for one, probability in zip(waiting, training.predict(network, small_unseen))
]
quality = np.array([iou(exported.masks[one][np.newaxis], guess[np.newaxis])[0] for one, guess in zip(waiting, guesses)])
print(f"{len(waiting)} {kind} images wait; mean IoU of the proposals {quality.mean():.2f}")

# %% [markdown]
# A person would now open them all. We write three of them, with a poor, a middling and a good proposal, as labelme
# annotations beside their images.

# %%
ranked = np.argsort(quality)
chosen = ranked[[len(ranked) // 8, len(ranked) // 2, -1 - len(ranked) // 8]]
frames = [exported.images[waiting[one]] for one in chosen]
truths = [exported.masks[waiting[one]] for one in chosen]
proposals = [guesses[one] for one in chosen]
table = Path(desk.name) / "proposed"
written = preannotate.write_folder(table, frames, proposals, ["1 poor", "2 middling", "3 good"])
print(sorted(path.name for path in table.iterdir()))

# %% [markdown]
# Each part of a mask became a polygon through the centres of its outermost pixels, with as few corners as stay within half a
# pixel of them; a part with a hole, or one pixel wide, is kept as pixels. We measure that: the largest distance of such a
# pixel from the polygon's line, and how well the mask comes back when the file is read.

# %%
from nervekit.data import shapes

polygons = [json.loads(path.read_text())["shapes"] for path in written]
deviation = max(shapes.deviation(mask, drawn) for mask, drawn in zip(proposals, polygons))
proposed = labelme.read_folder(table, ["nerve"], size=None)
back = [iou(mask[np.newaxis], read[np.newaxis])[0] for mask, read in zip(proposals, proposed.masks)]
before = [iou(mask[np.newaxis], read[np.newaxis])[0] for mask, read in zip(truths, proposed.masks)]
record.value("data.labelme.largest_deviation", deviation, unit="pixel")
record.value("data.labelme.read_back_iou", np.min(back))
record.value("data.labelme.proposal_iou", np.mean(before))
print(f"off by {deviation:.2f} pixels at most; read back with an IoU of {np.min(back):.3f} or more")

# %% [markdown]
# `tolerance` trades faithfulness for corners. With 0 the mask comes back to the pixel, but nobody wants to move that
# many points; from one or two pixels on, the outline itself begins to change.

# %%
for tolerance in (0, 0.25, 0.5, 1, 2):
    traced = [shapes.trace(mask, tolerance) for mask in proposals]
    corners = sum(len(drawn["points"]) for parts in traced for drawn in parts)
    off = max(map(shapes.deviation, proposals, traced))
    print(f"tolerance {tolerance:4} pixels: {corners:4} corners in all, off by {off:.2f} pixels at most")

# %% [markdown]
# Now it is a person's turn. labelme is a program of its own (`.venv/bin/pip install 'nervekit[annotate]'`); it needs a
# screen, so that it does not run on Colab. `.venv/bin/labelme FOLDER --labels nerve` opens a folder with its proposals in
# place: drag a corner, delete a part, or draw it anew, and save. (The folder of this run is a temporary one; write to one of
# your own to try it.) We play the person again, and correct the poor one: its published mask stands for the outline that the
# person would draw.

# %%
preannotate.write(written[0], {"nerve": truths[0]}, "1 poor.png", tolerance=1, overwrite=True)
corrected = labelme.read_folder(table, ["nerve"], size=None)
after = [iou(mask[np.newaxis], read[np.newaxis])[0] for mask, read in zip(truths, corrected.masks)]
record.value("data.labelme.corrected_iou", np.mean(after))
print(corrected.describe(), f"mean IoU {np.mean(before):.3f} before, {np.mean(after):.3f} after", sep="\n")

# %% [markdown]
# Without `overwrite=True` an annotation that is already there is never replaced: it may hold somebody's work of an
# hour. The corrected folder is a `SegmentationDataset` like the first one: the next network is trained on both. The figure
# cuts each frame out around what is drawn on it.

# %%
polygons.append(json.loads(written[0].read_text())["shapes"])
outlines = [[np.array(drawn["points"]) for drawn in parts if drawn["shape_type"] == "polygon"] for parts in polygons]
picture = formats.annotations(
    [*frames, frames[0]],
    [*truths, truths[0]],
    outlines,
    [f"{name}\nIoU {score:.2f}" for name, score in zip([*proposed.ids, "1 corrected"], [*before, after[0]])],
    f"One correction takes the mean IoU of three {kind} frames from {np.mean(before):.2f} to {np.mean(after):.2f}",
)
record.figure("correct", picture, alt="Three frames with proposed polygons over the true outline, and one corrected.")
desk.cleanup()

# %% [markdown]
# ## Paper, ours, verdict
#
# The numbers of the first paper that concern its data, beside what we counted.

# %%
rows = papers.compare(paper, record.values(), {"data": kind}, prefix="huang_2019.data")
Markdown(papers.claims_table(rows))

# %% [markdown]
# The record of this run, with every number above and every figure, is written last.

# %%
record.provenance(sets=kinds | {"femoral": kind})
record.finish();

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
# - We read bitmaps with the patient in their name, TIFF with run-length codes, slices of a CT, and a folder of our own.
# - We met masks that are empty though the nerve is in view, windows that lose most of a slice, and slices out of order.
# - We trained a small network on labelme annotations, turned its predictions into annotations of further images,
#   measured how far their outlines move, corrected one, and read it again.
#
# **Key points**
#
# - The steps that spoil a study raise no error: look at arrays, not only at code.
# - The index of a palette mask is the class; its colour is decoration.
# - Where nearly everything is background, pixel accuracy means nothing.
# - Split patients or sessions, never images.
# - A format says how numbers are stored, not what they mean: direction, slope, order and spacing have to be asked for.
# - Correct proposals instead of drawing from nothing, and never let a program overwrite a person's work.
#
# **Exercises**
#
# 1. Call `splits.leakage` with `threshold=0.5` and look at the pairs that are added: are they still twins?
# 2. Replace `"nearest"` by `"linear"` with `> 0` for all masks. How does the share of nerve change at 64 x 64, and how
#    at 256 x 256?
# 3. Split by `splits.kfold` and run the leak report on its first fold. Does a new random split leak less than the
#    published one?
# 4. Annotate ten images of your own with labelme, read them with `labelme.read_folder`, and decide how to group them.
# 5. Which window would you choose for tumours in the liver? Try centres and widths in `ircadb.to_grey`.
