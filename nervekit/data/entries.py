"""The public sets: whose they are, under which licence, where they are published, and how a copy is recognised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One public set.

    Parameters
    ----------
    key, title : str
        Its name in this package, and for people.
    images, megabytes : int
        How much there is to fetch.
    licence, citation, address : str
        Whose it is and where it lies.
    name : str
        What its archive and its folder are called.
    markers : tuple of str
        Patterns of paths; a folder or archive that holds one of them is a copy of the set.
    archives : tuple of str
        Patterns of the names its archives may have, in lower case.
    suffixes : tuple of str
        Endings of the files that are images and masks; all files if empty.
    manifest : {"whole", "part", "none"}
        Whether SHA-256 of every file is known, of some patients, or of nothing (the rules forbid a copy to list).
    group : str
        What images are grouped by.
    by_hand : str
        Where a person downloads it with a browser, if not at `address`.
    unlabelled : int
        Images without masks that come beside `images`.
    """

    key: str
    title: str
    images: int
    megabytes: int
    licence: str
    citation: str
    address: str
    name: str
    markers: tuple[str, ...]
    archives: tuple[str, ...]
    suffixes: tuple[str, ...] = ()
    manifest: str = "whole"
    group: str = "patient"
    by_hand: str = ""
    unlabelled: int = 0


FEMORAL = Entry(
    key="femoral",
    title="Femoral nerve block, ultrasound (Huang et al. 2019)",
    images=562,
    megabytes=15,
    licence="MIT, Copyright (c) 2019 Shaowei Gao",
    citation=(
        "Huang C, Zhou Y, Tan W, Qiu Z, Zhou H, Song Y, Zhao Y, Gao S. Applying deep learning in recognizing "
        "the femoral nerve block region on ultrasound images. Ann Transl Med 2019;7(18):453. "
        "doi: 10.21037/atm.2019.08.61"
    ),
    address=(
        "https://github.com/gscfwid/femoral_nerve_block_computer_vision/archive/"
        "b1002eefd3e737c36bbac1765ea9765166bf6262.zip"
    ),
    name="femoral_nerve_block_computer_vision-b1002eefd3e737c36bbac1765ea9765166bf6262",
    markers=("trainset/images",),
    archives=("*femoral*.zip",),
    suffixes=(".jpg", ".png"),
    group="session",
)

MEDIAN = Entry(
    key="median",
    title="Median nerve, ultrasound (Melnic, Conti and Federici)",
    images=246,
    megabytes=419,
    licence="GPL-3.0, the licence of the repository",
    citation=(
        "Melnic A, Conti E, Federici L. DL-UNet: A Convolutional Neural Network for Median Nerve Segmentation. "
        "Universita Politecnica delle Marche, Ancona. github.com/SasageyoOrg/cvdl-deep-mn"
    ),
    address=(
        "https://raw.githubusercontent.com/SasageyoOrg/cvdl-deep-mn/ce5a7dc2a7347070d26d13923d54b4a86aa75036/"
    ),
    name="cvdl-deep-mn-ce5a7dc2a7347070d26d13923d54b4a86aa75036",
    markers=("Dataset/Images",),
    archives=("*median*.zip", "cvdl-deep-mn*.zip"),
    suffixes=(".bmp",),
    by_hand="https://github.com/SasageyoOrg/cvdl-deep-mn/archive/ce5a7dc2a7347070d26d13923d54b4a86aa75036.zip",
)

BRACHIAL = Entry(
    key="brachial",
    title="Brachial plexus, ultrasound (Kaggle, Ultrasound Nerve Segmentation)",
    images=5635,
    megabytes=1100,
    licence="Kaggle competition rules: to be accepted there, no passing on",
    citation=(
        "Ultrasound Nerve Segmentation. Kaggle competition, 2016. "
        "kaggle.com/competitions/ultrasound-nerve-segmentation"
    ),
    address="https://www.kaggle.com/competitions/ultrasound-nerve-segmentation/data",
    name="ultrasound-nerve-segmentation",
    markers=("train/*_mask.tif",),
    archives=("*brachial*.zip", "ultrasound-nerve-segmentation*.zip"),
    suffixes=(".tif", ".csv"),
    manifest="none",
    group="subject",
    unlabelled=5508,
)

IRCADB = Entry(
    key="ircadb",
    title="Liver and neighbouring organs, CT of 20 patients (3D-IRCADb-01)",
    images=2823,
    megabytes=780,
    licence="CC BY-NC-ND 4.0",
    citation=(
        "Soler L, Hostettler A, Agnus V, et al. 3D image reconstruction for comparison of algorithm database: a "
        "patient-specific anatomical and medical image database. IRCAD, Strasbourg, Tech. Rep. 2010."
    ),
    address="https://cloud.ircad.fr/index.php/s/JN3z7EynBiwYyjy/download",
    name="3Dircadb1",
    markers=("3Dircadb1.[0-9]*", "PATIENT_DICOM*"),
    archives=("3dircadb1*.zip", "*ircadb*.zip"),
    manifest="part",
)

ENTRIES = {entry.key: entry for entry in (FEMORAL, MEDIAN, BRACHIAL, IRCADB)}
