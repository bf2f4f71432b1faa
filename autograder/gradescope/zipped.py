"""A zip that is the same for the same files, whenever it is made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can hold
UNIX = 3


def zipped(files: Mapping[str, bytes], programs: Collection[str] = ()) -> bytes:
    """The files by their paths, in order; `programs` among them may be executed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, BEGINNING)
            info.create_system = UNIX
            info.external_attr = (0o100755 if name in programs else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    return made.getvalue()
