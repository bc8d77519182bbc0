"""Networks, one file an architecture, in a registry; the classical filters beside them."""
