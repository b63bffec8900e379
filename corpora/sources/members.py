"""Archives as folders of files, read without being extracted."""

from __future__ import annotations

from collections.abc import Iterator

from corpora.documents import Drop
from corpora.file_names import is_system_file
from corpora.sources.raw_file import RawFile
from kobert_pipeline.ground.archives import Member, is_zip, tar_members, zip_members


def members(archive: RawFile) -> Iterator[RawFile | Drop]:
    """The files inside, in the archive's order; each must be read before the next is asked for.

    A member that `kobert_pipeline.ground.archives` refuses is dropped for its reason, and its neighbours are read. Files
    of systems are given too: the caller counts them.
    """
    found = zip_members(archive.seekable()) if is_zip(archive.name) else tar_members(archive.binary())
    for member in found:
        if member.refused and not is_system_file(member.name):
            yield Drop(member.refused, f"{archive.place}/{member.name}")
        else:
            yield _raw_file(archive, member)


def _raw_file(archive: RawFile, member: Member) -> RawFile:
    prefix = f"{archive.stem}/" if archive.stem else ""
    return RawFile(f"{archive.place}/{member.name}", prefix + member.name, member.name, member.open)
