"""What flies: the C++ core's Python face, over exactly the C interface of ``include/onboard.h``."""

from onboard.flight.bundle import default_bundle_path
from onboard.flight.session import FlightSession
from onboard.flight.types import BundleInfo, Health, PlumeEvent, ProductBlock

__all__ = ["BundleInfo", "FlightSession", "Health", "PlumeEvent", "ProductBlock", "default_bundle_path"]
