"""Small CT patients in the layout of 3D-IRCADb-01, for tests."""

import io

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SIDE = 16


def content(values, number, *, slope=1, intercept=0, spacing=(0.5, 0.75), apart=2.0, drop=(), syntax=None, **changed):
    """Bytes of one slice: int16 as CT, uint8 as mask."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    # The same number every time: its length is part of the size of the file.
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
    bits = 8 * values.dtype.itemsize
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(values.dtype.kind == "i")
    dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
    dataset.PixelSpacing, dataset.SliceThickness = list(spacing), 9
    dataset.InstanceNumber = number
    dataset.ImagePositionPatient = [0, 0, apart * number]
    dataset.PixelData = values.tobytes()
    for name, value in changed.items():
        setattr(dataset, name, value)
    for name in drop:
        delattr(dataset, name)
    if syntax:
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset["PixelData"].VR = "OB"
        from pydicom.encaps import encapsulate

        dataset.PixelData = encapsulate([values.tobytes()])
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def hounsfield(number):
    values = np.full((SIDE, SIDE), -1000, np.int16)
    values[4:12, 4:12] = 10 * number
    return values


def organ(number, left=4):
    values = np.zeros((SIDE, SIDE), np.uint8)
    values[4 : 4 + number % 4, left : left + 3] = 255
    return values


def save_patient(folder, slices=12, organs=("liver", "bone"), first=0):
    """Write slices so that their names sort otherwise than their numbers."""
    for name in ("PATIENT_DICOM", *(f"MASKS_DICOM/{each}" for each in organs)):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + slices):
        (folder / "PATIENT_DICOM" / f"image_{number}").write_bytes(content(hounsfield(number), number))
        for position, each in enumerate(organs):
            mask = organ(number, 4 + 4 * position)
            (folder / "MASKS_DICOM" / each / f"image_{number}").write_bytes(content(mask, number))
    return folder
