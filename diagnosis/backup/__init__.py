"""Everything in one file, taken while the platform runs, and put back into an empty place.

The file is a tar. ``header.json`` comes first, and says by which migrations the tables were made. Then come the rows
of each table, the same from every database, as they were at one moment; then the files that they name, the models and
the secret key. After some thousand members comes a list of their SHA-256, and ``end.json`` at the end: without it the
backup was cut off. Neither taking nor restoring holds more than a few of them in memory.
"""
