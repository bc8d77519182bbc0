"""What an instrument is: band centres, FWHM, noise, swath and line period; one TOML file a sensor."""

from onboard.sensors.sensor import Sensor, load_sensor, sensor_names

__all__ = ["Sensor", "load_sensor", "sensor_names"]
