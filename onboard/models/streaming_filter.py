"""The streaming matched filter: the reference that the flight core is checked against.

A matched filter in log radiance (Beer-Lambert makes CH4 additive there), with running per-column
means and one shrunk covariance shared by all columns, so that a line can be judged while the
capture is still being imaged. The filter follows Thompson et al. 2015 (AMT 8, 4383, column-wise
whitening) and Foote et al. 2020 (TGRS 58, 6480, Eq. 2: the filter and its unit absorption);
the saturating response of CH4 is kept as a curve, not as one slope. With classes of ground
(:mod:`onboard.models.ground_classes`) each class has its own mean about the columns' and its own covariance,
both drawn towards those of all ground while few pixels are behind them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from onboard.errors import UsageError
from onboard.models.class_statistics import CLASS_PRIOR, ClassStatistics
from onboard.models.dead_bands import Lacking
from onboard.models.filter_tables import FilterSettings, FilterTables, linear_to_enhancement
from onboard.models.teaching import robust_deviation, teaching_pixels, without_plumes

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint8]

LOADING = 1e-8
"""Variance added to each band, far below the sensor's noise, so that a solve cannot fail."""
STD_FLOOR = 1e-3
CLASS_LEAST = 64
"""Pixels of a class in a batch from which its own deviation says what looks like a plume."""


@dataclass
class Statistics:
    """Running statistics of one capture.

    Attributes:
        mean: (samples, K) running mean of log radiance a column.
        feature_mean: (samples, F) running mean of dynamic features a column.
        weight: (samples,) lines behind each mean, forgetting included.
        scatter: (K, K) sum of outer products of deviations.
        feature_scatter: (F,) sum of squared deviations of features.
        count: Pixels behind ``scatter``, forgetting included.
        classes: The same by class of ground, if there are classes.
        lacking: Which bands the lines lacked; none did if None.
    """

    mean: Array64
    feature_mean: Array64
    weight: Array64
    scatter: Array64
    feature_scatter: Array64
    count: float = 0.0
    classes: ClassStatistics | None = None
    lacking: Lacking | None = None

    @classmethod
    def empty(cls, samples: int, bands: int, features: int, classes: int = 0) -> Statistics:
        """Return statistics of nothing."""
        return cls(
            np.zeros((samples, bands)),
            np.zeros((samples, features)),
            np.zeros(samples),
            np.zeros((bands, bands)),
            np.zeros(features),
            classes=ClassStatistics.empty(classes, bands) if classes else None,
        )


@dataclass(frozen=True)
class GroundFilters:
    """The filter of each class of ground, or one for all.

    Attributes:
        weights: (F, K) ppm m per unit of log radiance.
        offsets: (F,) ppm m, what the class's mean deviation would give, taken away.
    """

    weights: Array64
    offsets: Array64


@dataclass(frozen=True)
class FilteredLines:
    """What the filter makes of newly arrived lines.

    Attributes:
        enhancement: (n, samples) float32 ppm m; NaN where invalid.
        sigma: (n, samples) float32 ppm m; NaN where invalid.
        brightness: (n, samples) float32, mean log radiance over the filter's bands.
        dynamic: (n, samples, F) float32, features less their column mean, over their deviation.
        weights: (K,) float64, the filter of all ground, ppm m per unit of log radiance.
        keep: (n, samples) bool, pixels that went into the means.
    """

    enhancement: Array
    sigma: Array
    brightness: Array
    dynamic: Array
    weights: Array64
    keep: Mask


@dataclass
class StreamingMatchedFilter:
    """The filter with its state; one call of :meth:`absorb` for each batch of new lines.

    Attributes:
        tables: Sensor and gas tables.
        settings: Constants of the statistics.
        samples: Columns of the capture.
        features: Number of dynamic features normalised along.
    """

    tables: FilterTables
    samples: int
    features: int = 0
    settings: FilterSettings = field(default_factory=FilterSettings)
    state: Statistics = field(init=False)

    def __post_init__(self) -> None:
        tables = self.tables
        self.state = Statistics.empty(self.samples, len(tables.reference), self.features, tables.classes)

    def absorb(
        self,
        log: Array,
        valid: Mask,
        first_line: int,
        dynamic: Array | None = None,
        labels: Labels | None = None,
        dead: Mask | None = None,
    ) -> FilteredLines:
        """Take in new lines, and judge them by the statistics that now include them.

        Args:
            log: (n, samples, K) float32 log radiance at the filter's bands, as read back from the ring.
            valid: (n, samples) bool.
            first_line: Line number of the first of them; picks the pixels of the covariance.
            dynamic: (n, samples, F) float32 raw dynamic features.
            labels: (n, samples) uint8 classes of ground; wanted if and only if the tables have classes.
            dead: (n or fewer, K) bands that lines lack as a whole (:mod:`onboard.models.dead_bands`),
                filled in ``log``, without lines that the caller gave up; none is lacking if None.

        Raises:
            UsageError: Labels are missing, or there are no classes.
        """
        self._require_labels(labels)
        if dynamic is None:
            dynamic = np.zeros((*log.shape[:2], 0), np.float32)
        if labels is None:
            labels = np.zeros(log.shape[:2], np.uint8)
        lines = np.arange(first_line, first_line + log.shape[0])[:, None]
        chosen = (lines + np.arange(self.samples)[None, :]) % self.settings.covariance_stride == 0
        brightness = log.mean(axis=2, dtype=np.float32)
        keep = teaches = teaching_pixels(valid, brightness)
        take = chosen & teaches
        before = replace(self.state, lacking=self._lacking(dead, len(log)))
        state, used, used_f = self._update(before, log, dynamic, keep, take, labels)
        filters = self._filters(state)
        alpha = self._enhancement(log, used, filters, labels)
        if take.any():
            # Plumes leave the means only: in the covariance, what looks like a plume is mostly clutter
            # that the filter must learn to ignore.
            limit = self.settings.exclude_sigma * self._deviations(alpha, take, labels)
            keep = without_plumes(alpha, limit[labels], teaches, self.tables.exclude_near)
            state, used, used_f = self._update(before, log, dynamic, keep, take, labels)
            filters = self._filters(state)
            alpha = self._enhancement(log, used, filters, labels)
        self.state = state
        sigma = self._sigma(alpha, brightness, filters, take & keep, labels)
        deviation = np.sqrt(state.feature_scatter / max(state.count, 1.0)) + STD_FLOOR
        normal = ((dynamic - used_f[None]) / deviation).astype(np.float32)
        nan = np.float32(np.nan)
        return FilteredLines(
            np.where(valid, alpha, nan).astype(np.float32),
            np.where(valid, sigma, nan).astype(np.float32),
            brightness,
            np.where(valid[..., None], normal, np.float32(0)),
            self._weights(self._covariance(state), state.count, _left_out(state)),
            keep,
        )

    def _update(
        self, before: Statistics, log: Array, dynamic: Array, keep: Mask, take: Mask, labels: Labels
    ) -> tuple[Statistics, Array64, Array64]:
        """Return (new statistics, used column means of bands, used column means of features)."""
        memory = float(self.settings.memory_lines)
        old = np.minimum(before.weight, memory)
        new = keep.sum(axis=0).astype(np.float64)
        total = old + new
        safe = np.maximum(total, 1e-12)[:, None]
        mean = (old[:, None] * before.mean + _column_sum(log, keep)) / safe
        mean_f = (old[:, None] * before.feature_mean + _column_sum(dynamic, keep)) / safe
        used, used_f = self._shrink(mean, total), self._shrink(mean_f, total)

        rows, columns = np.nonzero(take)
        deviation = log[rows, columns].astype(np.float64) - used[columns]
        deviation_f = dynamic[rows, columns].astype(np.float64) - used_f[columns]
        cap = memory * self.samples / self.settings.covariance_stride
        decay = min(1.0, cap / before.count) if before.count > 0 else 0.0
        classes = before.classes
        if classes is not None:
            classes = classes.updated(decay, deviation, keep[rows, columns], labels[rows, columns])
        scatter = decay * before.scatter + deviation.T @ deviation
        scatter_f = decay * before.feature_scatter + (deviation_f**2).sum(axis=0)
        count = decay * before.count + len(rows)
        state = Statistics(mean, mean_f, total, scatter, scatter_f, count, classes, before.lacking)
        return state, used, used_f

    def _require_labels(self, labels: Labels | None) -> None:
        """Refuse labels without classes, and classes without labels."""
        if (labels is not None) != (self.state.classes is not None):
            raise UsageError(
                "labels and classes of ground belong together",
                field="labels",
                found="none" if labels is None else labels.shape,
                expected=f"{self.tables.classes} classes",
            )

    def _lacking(self, dead: Mask | None, lines: int) -> Lacking:
        """Return which bands lines lacked, these included."""
        before, bands = self.state.lacking, len(self.tables.reference)
        if dead is None:
            dead = np.zeros((lines, bands), np.bool_)
        return (before or Lacking.nothing(bands)).updated(dead, float(self.settings.memory_lines))

    def _shrink(self, mean: Array64, weight: Array64) -> Array64:
        """Draw column means towards the mean over all columns while few lines are behind them."""
        overall = (weight @ mean) / max(float(weight.sum()), 1e-12)
        kappa = self.settings.kappa
        return np.asarray((weight[:, None] * mean + kappa * overall) / (weight + kappa)[:, None])

    def _covariance(self, state: Statistics) -> Array64:
        return np.asarray(state.scatter / max(state.count, 1.0))

    def _filters(self, state: Statistics) -> GroundFilters:
        """Return the filter of all ground, or that of each class."""
        overall, classes = self._covariance(state), state.classes
        if classes is None:
            return GroundFilters(self._weights(overall, state.count, _left_out(state))[None], np.zeros(1))
        weights = np.stack(
            [
                self._weights(
                    classes.covariance(index, overall),
                    count + min(CLASS_PRIOR, state.count),
                    _left_out(state),
                )
                for index, count in enumerate(classes.count)
            ]
        )
        means = np.stack([classes.mean(index) for index in range(len(weights))])
        return GroundFilters(weights, np.einsum("ck,ck->c", weights, means))

    def _weights(self, covariance: Array64, count: float, left_out: Array64 | float) -> Array64:
        """Return the filter (K,) of a covariance that so many pixels are behind.

        ``left_out`` is added to the variance of bands, which keeps those out that lines lacked.
        """
        bands = len(self.tables.reference)
        load = 2.0 * bands / (bands + count)
        tables = self.tables
        noise = tables.noise_a**2 * (tables.noise_b + tables.reference) / tables.reference**2
        target = tables.target
        whitened = np.linalg.solve(covariance + np.diag(load * noise + LOADING + left_out), target)
        return np.asarray(whitened / (target @ whitened))

    def _enhancement(self, log: Array, used: Array64, filters: GroundFilters, labels: Labels) -> Array64:
        if self.state.classes is None:
            (weights,) = filters.weights
            linear = log.astype(np.float64) @ weights - (used @ weights)[None, :]
            return np.asarray(linear_to_enhancement(linear, weights, self.tables), np.float64)
        alpha = np.zeros(log.shape[:2])
        for index, (weights, offset) in enumerate(zip(filters.weights, filters.offsets, strict=True)):
            here = labels == index
            columns = np.nonzero(here)[1]
            linear = log[here].astype(np.float64) @ weights - (used @ weights)[columns] - offset
            alpha[here] = linear_to_enhancement(linear, weights, self.tables)
        return alpha

    def _deviations(self, alpha: Array64, take: Mask, labels: Labels) -> Array64:
        """Return the robust deviation (F,) by class, or one for all; rare classes have that of all ground."""
        overall = robust_deviation(alpha[take])
        found = np.full(max(self.tables.classes, 1), overall)
        for index in range(self.tables.classes):
            own = alpha[take & (labels == index)]
            if own.size >= CLASS_LEAST:
                found[index] = robust_deviation(own)
        return found

    def _sigma(
        self, alpha: Array64, brightness: Array, filters: GroundFilters, picked: Mask, labels: Labels
    ) -> Array64:
        """Instrument noise carried through the filter, plus what clutter adds beyond it."""
        tables = self.tables
        squares = filters.weights**2
        per_square = squares @ (tables.noise_a**2 * tables.noise_b / tables.reference**2)
        per_one = squares @ (tables.noise_a**2 / tables.reference)
        ratio = np.exp(brightness.astype(np.float64))
        noise = per_square[labels] / ratio**2 + per_one[labels] / ratio
        clutter = 0.0
        if picked.any():
            clutter = max(0.0, float(alpha[picked].var() - noise[picked].mean()))
        return np.asarray(np.sqrt(noise + clutter))


def _left_out(state: Statistics) -> Array64 | float:
    """What is added to the variance of bands that lines lacked."""
    return 0.0 if state.lacking is None else state.lacking.variance()


def _column_sum(values: Array, keep: Mask) -> Array64:
    """(samples, X) sum over lines of (n, samples, X) where ``keep``."""
    return np.asarray(
        np.einsum("nsk,ns->sk", values, keep.astype(np.float32), dtype=np.float64, casting="unsafe")
    )
