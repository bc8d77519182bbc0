"""Light and air between sun, ground and sensor: batched, against the array API."""
