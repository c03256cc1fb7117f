"""DICOM files: what they say, the few facts of it that are kept, their pixels, and a copy that names nobody."""
