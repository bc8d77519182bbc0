"""Tests, one file a source file, in folders that mirror the package."""
