"""Surface: maps of what lies where in a scene."""

from onboard.scenes.surface.climates import CLIMATES, Climate, climate_names, get_climate
from onboard.scenes.surface.maps import SurfaceMaps, build_surface

__all__ = ["CLIMATES", "Climate", "SurfaceMaps", "build_surface", "climate_names", "get_climate"]
