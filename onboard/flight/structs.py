"""The structs of ``onboard.h`` for ctypes, field for field."""

from __future__ import annotations

import ctypes as c
from typing import Any


class SizedStruct(c.Structure):
    """A struct that starts with its own size, set on creation."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.struct_size = c.sizeof(type(self))


class Detail(SizedStruct):
    """``onb_detail``: why a call failed."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("status", c.c_uint32),
        ("problem", c.c_char * 128),
        ("field", c.c_char * 96),
        ("found", c.c_char * 160),
        ("expected", c.c_char * 160),
    )


class Config(SizedStruct):
    """``onb_config``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("samples", c.c_uint32),
        ("threads", c.c_uint32),
        ("allow_spinning", c.c_uint32),
        ("products", c.c_uint32),
        ("trusted_key_count", c.c_uint32),
        ("trusted_keys", c.c_char_p),
        ("minimum_sequence", c.c_uint64),
        ("inference_bytes", c.c_uint64),
        ("pixel_size_m", c.c_double),
        ("engine_library", c.c_char_p),
        ("known_answer", c.c_uint32),
        ("event_queue", c.c_uint32),
        ("now_unix_s", c.c_uint64),
        ("target", c.c_char_p),
        ("denoise", c.c_uint32),
        ("reserved", c.c_uint32),
        ("gas_lines", c.c_void_p),
        ("gas_points", c.c_uint32),
        ("gas_bands", c.c_uint32),
    )


class BundleDescription(SizedStruct):
    """``onb_bundle_description``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("format_version", c.c_uint32),
        ("sequence", c.c_uint64),
        ("key_id", c.c_uint8 * 32),
        ("is_signed", c.c_uint32),
        ("part_count", c.c_uint32),
        ("bands", c.c_uint32),
        ("mf_bands", c.c_uint32),
        ("minerals", c.c_uint32),
        ("strip_lines", c.c_uint32),
        ("halo_lines", c.c_uint32),
        ("known_lines", c.c_uint32),
        ("known_samples", c.c_uint32),
        ("products", c.c_uint32),
        ("inference_bytes", c.c_uint64),
        ("manifest", c.c_void_p),
        ("manifest_size", c.c_uint64),
        ("band_table", c.c_void_p),
        ("band_table_size", c.c_uint64),
        ("expires_unix_s", c.c_uint64),
        ("target", c.c_char * 32),
        ("has_denoiser", c.c_uint32),
        ("reserved", c.c_uint32),
        ("denoiser_inference_bytes", c.c_uint64),
    )


class DeltaDescription(SizedStruct):
    """``onb_delta_description``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("format_version", c.c_uint32),
        ("sequence", c.c_uint64),
        ("old_size", c.c_uint64),
        ("new_size", c.c_uint64),
        ("old_sha256", c.c_uint8 * 32),
        ("new_sha256", c.c_uint8 * 32),
        ("key_id", c.c_uint8 * 32),
        ("is_signed", c.c_uint32),
        ("operation_count", c.c_uint32),
        ("memory_bytes", c.c_uint64),
    )


class Lines(SizedStruct):
    """``onb_lines``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("line_count", c.c_uint32),
        ("radiance", c.c_void_p),
        ("line_quality", c.c_void_p),
    )


class Products(SizedStruct):
    """``onb_products``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("first_line", c.c_uint32),
        ("line_count", c.c_uint32),
        ("samples", c.c_uint32),
        ("minerals", c.c_uint32),
        ("reserved", c.c_uint32),
        ("mineral_stride", c.c_uint64),
        ("plume_probability", c.POINTER(c.c_float)),
        ("ch4_enhancement", c.POINTER(c.c_float)),
        ("ch4_sigma", c.POINTER(c.c_float)),
        ("mineral_probability", c.POINTER(c.c_float)),
        ("plume_mask", c.POINTER(c.c_uint8)),
        ("quality", c.POINTER(c.c_uint8)),
    )


class Radiance(SizedStruct):
    """``onb_radiance``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("first_line", c.c_uint32),
        ("line_count", c.c_uint32),
        ("samples", c.c_uint32),
        ("bands", c.c_uint32),
        ("reserved", c.c_uint32),
        ("band_index", c.POINTER(c.c_uint32)),
        ("radiance", c.POINTER(c.c_float)),
        ("quality", c.POINTER(c.c_uint8)),
    )


class Event(SizedStruct):
    """``onb_event``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("event_id", c.c_uint32),
        ("first_line", c.c_uint32),
        ("last_line", c.c_uint32),
        ("first_sample", c.c_uint32),
        ("last_sample", c.c_uint32),
        ("area_pixels", c.c_uint32),
        ("peak_line", c.c_uint32),
        ("peak_sample", c.c_uint32),
        ("detected_at_line", c.c_uint32),
        ("touches_edge", c.c_uint32),
        ("peak_enhancement", c.c_float),
        ("mean_enhancement", c.c_float),
        ("confidence", c.c_float),
        ("centroid_line", c.c_double),
        ("centroid_sample", c.c_double),
        ("ime_kg", c.c_double),
    )


class HealthReport(SizedStruct):
    """``onb_health_report``."""

    _fields_ = (
        ("struct_size", c.c_uint32),
        ("engine_in_block", c.c_uint32),
        ("lines_pushed", c.c_uint64),
        ("lines_delivered", c.c_uint64),
        ("strips", c.c_uint64),
        ("events", c.c_uint64),
        ("events_dropped", c.c_uint64),
        ("repaired_pixels", c.c_uint64),
        ("invalid_pixels", c.c_uint64),
        ("arena_bytes", c.c_uint64),
        ("arena_high_water", c.c_uint64),
        ("inference_bytes", c.c_uint64),
        ("inference_high_water", c.c_uint64),
        ("allocations_after_open", c.c_uint64),
        ("engine_requests", c.c_uint64),
        ("line_ns_max", c.c_uint64),
        ("line_ns_total", c.c_uint64),
        ("strip_ns_max", c.c_uint64),
        ("strip_ns_total", c.c_uint64),
        ("scrubs", c.c_uint64),
        ("scrub_errors", c.c_uint64),
        ("body_ns_total", c.c_uint64),
        ("lines_lacking_bands", c.c_uint64),
        ("most_lacking_bands", c.c_uint64),
        ("known_answers", c.c_uint64),
    )
