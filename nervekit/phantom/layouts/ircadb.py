"""The files of the simulated CT set: DICOM slices without extension, in folders of patients and organs.

``3Dircadb1.N/PATIENT_DICOM/image_K`` (int16 with slope and intercept; of every second patient the intercept
is -1024) and ``3Dircadb1.N/MASKS_DICOM/<organ>/image_K`` (8 bits, {0, 255}, not of the CT's study). Organs are
``liver``, ``bone`` and, in patients who have them, ``livertumor1`` and ``livertumor2``.
"""

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from nervekit.phantom import ircadb
from nervekit.phantom.layouts import frames

VERSIONS = {"pydicom": pydicom.__version__}
WINDOW = (-160, 240)  # of screenshots, in Hounsfield units


def write(folder, subjects, seed, progress=False):
    """Write the set into ``folder``; how many slices it has."""
    numbers = [(one, index) for one in range(subjects) for index in range(ircadb.subject(one, seed).slices)]
    for number, index in frames.bar(numbers, "ircadb", progress):
        body = ircadb.subject(number, seed)
        maps = ircadb.frame(number, index, seed=seed)
        patient = folder / f"3Dircadb1.{number + 1}"
        stored = ircadb.scan(maps) - np.int16(body.intercept)
        masks = {organ: mask * np.uint8(255) for organ, mask in maps["organs"].items()}
        for name, pixels in ({"patient": stored} | masks).items():
            place = patient / "PATIENT_DICOM" if name == "patient" else patient / "MASKS_DICOM" / name
            place.mkdir(parents=True, exist_ok=True)
            data = dicom(pixels, maps, name=name, patient=number + 1, index=index, seed=seed,
                         intercept=body.intercept if name == "patient" else 0)
            data.save_as(place / f"image_{index}", enforce_file_format=True)
    return len(numbers)


def dicom(pixels, maps, *, name, patient, index, seed, intercept):
    """A CT slice, or a mask ``name`` of it, as a DICOM data set with the tags of the public files."""
    def uid(*what):
        return generate_uid(entropy_srcs=["nervekit", str(seed), str(patient), *map(str, what)])

    signed = pixels.dtype.kind == "i"
    bits = 8 * pixels.dtype.itemsize
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = uid(name, index)
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = generate_uid(entropy_srcs=["nervekit"])
    data.file_meta.ImplementationVersionName = "NERVEKIT"
    data.ImageType = ["DERIVED", "PRIMARY"]
    data.Modality = "CT"
    data.InstitutionName = "Simulated by nervekit"
    data.PatientName = f"simulated_{patient}^{name}"
    data.PatientID = ""
    data.StudyInstanceUID, data.SeriesInstanceUID = uid(name, "study"), uid(name, "series")
    data.StudyID, data.SeriesNumber, data.InstanceNumber = "", None, index
    data.SliceThickness = data.SpacingBetweenSlices = maps["thickness"]
    data.ImagePositionPatient = [0, 0, index * maps["thickness"]]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.PixelSpacing = [round(side, 6) for side in maps["spacing"]]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.PixelRepresentation = int(signed)
    data.RescaleIntercept, data.RescaleSlope = intercept, 1
    data.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    data["PixelData"].VR = "OW" if bits > 8 else "OB"
    return data


def screenshot(subject=0, frame=0, *, seed=0):
    """A grey picture of a slice, -160 HU (black) to 240 HU (white), and its liver as a mask of {0, 255}."""
    maps = ircadb.frame(subject, frame, seed=seed)
    low, high = WINDOW
    grey = np.clip((ircadb.scan(maps) - low) * (255 / (high - low)), 0, 255)
    return Image.fromarray(grey.astype(np.uint8)), Image.fromarray(maps["mask"] * np.uint8(255))
