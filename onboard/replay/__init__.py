"""Ground replay: plays a capture through the flight core, writes and scores its products."""
