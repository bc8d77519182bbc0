"""The validation page: one self-contained HTML file, and the same figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from onboard.errors import MissingExtraError, OutputError
from onboard.scenes.library import Library
from onboard.scenes.outputs import whole_files
from onboard.scenes.validation.figures import INSIDE, MISSING, OUTSIDE, REPORTED, Figure, tally
from onboard.scenes.validation.sections import Section, gather, sections
from onboard.sensors import load_sensor

HTML, JSON = "validation.html", "validation.json"
SEED = 7
SIZE = (640, 192)
EXTRA = "report"
NEEDED = ("scipy", "matplotlib", "jinja2", "torch", "mag1c")


@dataclass(frozen=True)
class ValidationResult:
    """What a validation made.

    Attributes:
        page: The HTML file.
        data: The JSON file.
        figures: Every figure, in the order of the page.
    """

    page: Path
    data: Path
    figures: tuple[Figure, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many figures got each verdict."""
        return tally(self.figures)

    @property
    def outside(self) -> tuple[Figure, ...]:
        """Figures outside their bands."""
        return tuple(figure for figure in self.figures if figure.verdict == OUTSIDE)


def validate(
    out: Path,
    *,
    seed: int = SEED,
    size: tuple[int, int] = SIZE,
    emit: Path | None = None,
    outlines: Path | None = None,
    library: Library | None = None,
    overwrite: bool = False,
) -> ValidationResult:
    """Hold the simulated world against real EMIT data and write the page.

    Args:
        out: Folder of the page, made if missing; ``validation.html`` and ``validation.json`` appear in it
            together or not at all.
        seed: Seed of all scenes.
        size: Lines and samples of each climate's study scene.
        emit: EMIT's radiance statistics (.mat), or a folder that holds them; a built-in summary if None.
        outlines: Real plume outlines (JSON); built-in percentiles if None.
        library: Spectra; the built-in ones if None.
        overwrite: Replace what lies there.

    Returns:
        Where it is, and every figure.

    Raises:
        UsageError: A size too small for statistics a column.
        MissingExtraError: A library of the extra "report" is not installed.
        CaptureError: ``emit`` or ``outlines`` cannot be read.
        OutputError: The page cannot be written, or exists and may not be replaced.
    """
    require_libraries()
    page, data = out / HTML, out / JSON
    if not overwrite:
        refuse_existing(page, data)
    found = gather(load_sensor("emit"), seed=seed, size=size, emit=emit, outlines=outlines, library=library)
    drawn = sections(found)
    settings: dict[str, object] = {
        "seed": seed,
        "lines": size[0],
        "samples": size[1],
        "emit": found.spectra.emit.source,
        "outlines": found.shapes.source,
        "library": library.source if library else "built-in",
        "version": package_version(),
    }
    texts = as_json(drawn, settings), as_html(drawn, settings)
    with whole_files([data, page], overwrite=overwrite) as parts:
        for part, text in zip(parts, texts, strict=True):
            part.write_text(text, encoding="utf-8")
    return ValidationResult(page, data, tuple(figure for section in drawn for figure in section.figures))


def refuse_existing(*paths: Path) -> None:
    """Refuse to replace outputs, before the work rather than after.

    Raises:
        OutputError: One of them exists.
    """
    for path in paths:
        if path.exists():
            raise OutputError(
                "an output exists already", file=path, remedy="give --overwrite, or name another place"
            )


def require_libraries() -> None:
    """Refuse before any work if a library of the extra is missing.

    Raises:
        MissingExtraError: One is.
    """
    for name in NEEDED:
        try:
            import_module(name)
        except ImportError as error:
            raise MissingExtraError(name, EXTRA, "the validation page") from error


def package_version() -> str:
    """Version of this package, or "unknown" where it runs without being installed."""
    try:
        return version("onboard")
    except PackageNotFoundError:
        return "unknown"


def as_json(drawn: Sequence[Section], settings: dict[str, object]) -> str:
    """Return settings, counts and every figure with band and verdict, by section."""
    figures = [figure for section in drawn for figure in section.figures]
    return json.dumps(
        {
            "settings": settings,
            "verdicts": tally(figures),
            "sections": [
                {
                    "key": section.key,
                    "title": section.words.title,
                    "figures": [figure.as_dict() for figure in section.figures],
                }
                for section in drawn
            ],
        },
        indent=2,
        allow_nan=False,
    )


def as_html(drawn: Sequence[Section], settings: dict[str, object]) -> str:
    """Return the page. Everything that is filled in is escaped."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ModuleNotFoundError as error:
        raise MissingExtraError("jinja2", EXTRA, "the validation page") from error
    source = files(__package__).joinpath("template.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    figures = [figure for section in drawn for figure in section.figures]
    return template.from_string(source).render(
        sections=drawn,
        settings=settings,
        counts=tally(figures),
        inside=INSIDE,
        outside=OUTSIDE,
        reported=REPORTED,
        missing=MISSING,
    )
