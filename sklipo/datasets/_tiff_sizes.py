"""Pixel sizes that programs of microscopes write into TIFF files."""

import re
from xml.etree import ElementTree

from tifffile import RESUNIT

from ._pixel_sizes import PixelSize

_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
# Tags of DigitalMicrograph.
_DM_UNITS, _DM_SCALES = (65004, 65003), (65010, 65009)
_MAKE, _SIS_TAGS = 271, (33471, 33560)


def find_size(page):
    """Return the PixelSize of a page, None if the file states none."""
    for find in (_fei, _zeiss, _tvips, _sis, _jeol, _digital_micrograph, _imagej, _ome):
        # What the tags of programs hold is not under our control.
        try:
            size = find(page.parent, page)
        except (LookupError, TypeError, ValueError, ArithmeticError, SyntaxError):
            continue
        if size:
            return size
    return None


def _fei(tiff, page):
    """Return the size that Thermo Fisher's (FEI's) scanning microscopes write."""
    if not tiff.is_fei:
        return None
    scan, beam = tiff.fei_metadata.get("Scan"), tiff.fei_metadata.get("IRBeam")
    if scan:
        return _in_meters(scan["PixelHeight"], scan["PixelWidth"])
    image = tiff.fei_metadata["Image"]
    return _in_meters(
        beam["VFW"] / image["ResolutionY"], beam["HFW"] / image["ResolutionX"]
    )


def _zeiss(tiff, page):
    """Return the size that Zeiss' scanning microscopes write."""
    if not tiff.is_sem:
        return None
    # The size on a display of 1024 pixels.
    size = tiff.sem_metadata[""][3] * 1024 / tiff.pages[0].imagewidth
    return _in_meters(size, size)


def _tvips(tiff, page):
    """Return the size that the cameras of TVIPS write."""
    if not tiff.is_tvips:
        return None
    metadata = tiff.tvips_metadata
    return PixelSize(metadata["PixelSizeY"], metadata["PixelSizeX"], "nm", "nm")


def _sis(tiff, page):
    """Return the size that Olympus' (SIS') cameras write."""
    for tag in _SIS_TAGS:
        if tag in page.tags and "pixelsizex" in page.tags[tag].value:
            metadata = page.tags[tag].value
            return _in_meters(metadata["pixelsizey"], metadata["pixelsizex"])
    return None


def _jeol(tiff, page):
    """Return the size that JEOL's SightX writes, by the magnification."""
    if page.tags.valueof(_MAKE) != "JEOL Ltd.":
        return None
    imaging = re.search(
        r"<ImageFormingSystem>.*?</ImageFormingSystem>", page.description, re.DOTALL
    )[0]
    mode, value = (
        re.search(f"<{name}>(.*?)</{name}>", imaging)[1]
        for name in ("ModeString", "SelectorValue")
    )
    if mode == "DIFF":
        return PixelSize(1, 1, "1/nm", "1/nm")
    if mode != "MAG" or "<EosMode>eosTEM<" not in page.description:
        return None
    is_inch = page.tags.valueof(_RESOLUTION_UNIT) == RESUNIT.INCH
    meters = (0.0254 if is_inch else 0.01) / float(value)
    height, width = _per_resolution(page)
    return _in_meters(height * meters, width * meters)


def _digital_micrograph(tiff, page):
    """Return the size that DigitalMicrograph writes."""
    if not {*_DM_UNITS, *_DM_SCALES} <= set(page.tags.keys()):
        return None
    scales = [float(page.tags[tag].value) for tag in _DM_SCALES]
    units = [str(page.tags[tag].value).strip("\0 ") for tag in _DM_UNITS]
    return PixelSize(*scales, *units)


def _imagej(tiff, page):
    """Return the size that ImageJ writes."""
    if not page.description.startswith("ImageJ="):
        return None
    units = dict(re.findall(r"^(y?unit)=(.*?)\s*$", page.description, re.MULTILINE))
    width_unit = units["unit"]
    return PixelSize(*_per_resolution(page), units.get("yunit", width_unit), width_unit)


def _ome(tiff, page):
    """Return the size that OME-TIFF states of the image that a page is in."""
    if not tiff.is_ome:
        return None
    elements = ElementTree.fromstring(tiff.ome_metadata).iter()
    images = [each.attrib for each in elements if _local_name(each.tag) == "Pixels"]
    number = [series.keyframe is page for series in tiff.series].index(True)
    # Images whose pixels lie in other files are no series of this one.
    pixels = images[number if len(images) == len(tiff.series) else 0]
    sizes = [pixels.get(f"PhysicalSize{axis}") for axis in "YX"]
    units = [pixels.get(f"PhysicalSize{axis}Unit") for axis in "YX"]
    # What is stated of one axis alone holds for both.
    sizes, units = ([y or x, x or y] for y, x in (sizes, units))
    return PixelSize(*map(float, sizes), *(unit or "µm" for unit in units))


def _local_name(tag):
    """Return the name of an XML element without its namespace."""
    return str(tag).rpartition("}")[2].rpartition(":")[2]


def _per_resolution(page):
    """Return the height and width of a pixel in units of the resolution tags."""
    tags = page.tags.valueof(_Y_RESOLUTION), page.tags.valueof(_X_RESOLUTION)
    # 0 pixels per unit stay 0: no size, which is told as one that can't be true.
    return [under / over if over else 0.0 for over, under in tags]


def _in_meters(height, width):
    """Return the PixelSize of numbers in meters."""
    return PixelSize(float(height), float(width), "m", "m")
