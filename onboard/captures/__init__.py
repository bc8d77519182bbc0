"""Files in: EMIT L1B RAD netCDF, ENVI and raw line streams; line blocks out, in constant memory."""

from onboard.captures.blocks import Capture, LineBlock
from onboard.captures.location import Location
from onboard.captures.opening import open_capture
from onboard.captures.raw import RawLines
from onboard.captures.resample import BandMatch, band_match
from onboard.captures.validation import check_block

__all__ = [
    "BandMatch",
    "Capture",
    "LineBlock",
    "Location",
    "RawLines",
    "band_match",
    "check_block",
    "open_capture",
]
