"""What this room's tests need to compile C against ``onboard.h``."""

from __future__ import annotations

from pathlib import Path

FLIGHT = Path(__file__).parents[2] / "onboard" / "flight"
INCLUDE = FLIGHT / "include"
C_FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wshadow", "-Wconversion"]
