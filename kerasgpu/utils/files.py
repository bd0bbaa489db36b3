"""get_file: download once, check, keep. Downloads resume, files appear only when complete, archives cannot write outside their folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from urllib.parse import urlsplit

from kerasgpu import config

_CHUNK = 1 << 18
_MOST_UNPACKED = 32 << 30


def hash_file(path, algorithm="sha256", chunk_size=_CHUNK) -> str:
    """Hexadecimal digest of a file; algorithm "sha256", "md5", or "auto" (sha256)."""
    h = hashlib.new("sha256" if algorithm == "auto" else algorithm)
    with open(path, "rb") as f:
        while block := f.read(chunk_size):
            h.update(block)
    return h.hexdigest()


def validate_file(path, file_hash, algorithm="auto") -> bool:
    """Whether a file has this digest; with "auto" the length of the digest tells the algorithm."""
    if algorithm == "auto":
        algorithm = "md5" if len(file_hash) == 32 else "sha256"
    return hash_file(path, algorithm) == str(file_hash).lower()


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
):
    """The path of a file in the cache, downloaded from `origin` if it is not there.

    Args:
        fname: name in the cache; a plain name. Default: the last part of the URL.
        origin: http(s) or file URL.
        extract, untar: unpack the archive; the path is then that of the folder, which is called after `fname`, with "_extracted"
            in place of an ending.
        md5_hash, file_hash, hash_algorithm: digest that the file must have.
        cache_subdir, cache_dir: folder; default KERAS_HOME/datasets.
        archive_format: "auto", "tar", "zip" or None.
        force_download: download even if the file is there.

    Raises ValueError for bad names and digests, ConnectionError (with what to put where by hand) when it cannot be downloaded.
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    given = fname is not None
    fname = os.fspath(fname) if given else os.path.basename(urlsplit(origin).path)
    if not fname:
        raise ValueError(
            f"Can't parse the file name from the origin provided: '{origin}'. Please specify the `fname` as the input param."
        )
    folder = os.path.join(os.path.expanduser(cache_dir) if cache_dir else config.keras_home(), cache_subdir)
    if os.path.isabs(fname):
        folder, fname = os.path.split(fname)
    root = os.path.realpath(folder)
    path = os.path.join(folder, fname)
    if os.path.commonpath([root, os.path.realpath(path)]) != root or os.path.realpath(path) == root:
        raise ValueError(f"get_file: fname={fname!r} would lie outside the cache folder {folder}; pass a plain file name")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    archive = path
    if extract or untar:
        named, _, ending = fname.partition(".")
        if ending and given:
            path = os.path.join(folder, f"{named}_extracted")
        else:
            archive = f"{path}_archive"
    if not force_download and os.path.exists(archive):
        if file_hash is None or validate_file(archive, file_hash, hash_algorithm):
            return _unpacked(archive, path, extract or untar, "tar" if untar else archive_format)
        print(
            "A local file was found, but it seems to be incomplete or outdated because its hash does not match; downloading again."
        )
    download(origin, archive, file_hash, hash_algorithm)
    return _unpacked(archive, path, extract or untar, "tar" if untar else archive_format)


def download(origin, path, file_hash=None, algorithm="auto") -> None:
    """Fetch a URL into a file. An interrupted download continues where it stopped; the file appears when complete and checked."""
    if config.offline() and not origin.startswith("file:"):
        raise ConnectionError(f"KERASGPU_OFFLINE=1 forbids downloads. Fetch {origin} elsewhere and put it at {path}")
    part = path + ".part"
    for attempt in range(3):
        try:
            _fetch(origin, part)
            break
        except urllib.error.HTTPError as error:
            if error.code == 416 and os.path.exists(part):  # nothing left of a finished part
                break
            raise ConnectionError(f"URL fetch failure on {origin}: {error.code} -- {error.reason}") from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(error, OSError) and error.errno == 28:
                raise
            if attempt == 2:
                raise ConnectionError(
                    f"URL fetch failure on {origin}: {reason}. Fetch it elsewhere and put it at {path}"
                ) from None
            time.sleep(0.2 * 4**attempt)
    if file_hash is not None and not validate_file(part, file_hash, algorithm):
        os.unlink(part)
        raise ValueError(
            f"Incomplete or corrupted file detected. The {algorithm} file hash does not match the provided value of {file_hash}: {origin}"
        )
    os.replace(part, path)


def _fetch(origin, part):
    have = os.path.getsize(part) if os.path.exists(part) else 0
    request = urllib.request.Request(
        origin, headers={"User-Agent": "kerasgpu", **({"Range": f"bytes={have}-"} if have else {})}
    )
    with urllib.request.urlopen(request, timeout=30, context=_ssl_context(origin)) as response:
        resumed = have > 0 and getattr(response, "status", None) == 206
        length = response.headers.get("Content-Length")
        total = int(length) + (have if resumed else 0) if length and length.isdigit() else None
        bar = _Bar(os.path.basename(urlsplit(origin).path), total)
        done = have if resumed else 0
        with open(part, "ab" if resumed else "wb") as f:
            while block := response.read(_CHUNK):
                f.write(block)
                done += len(block)
                bar.show(done)
        bar.end(done)
    if total is not None and done < total:
        raise OSError(f"connection closed after {done} of {total} bytes")


def _ssl_context(origin):
    if not origin.startswith("https"):
        return None
    context = ssl.create_default_context()
    if not context.get_ca_certs():  # Pythons that come without the system's certificates
        try:
            import certifi

            context.load_verify_locations(certifi.where())
        except ImportError:
            pass
    return context


class _Bar:
    """A line that fills while a download runs; on something that is not a terminal, one line at the end."""

    def __init__(self, name, total):
        self.name, self.total = name, total
        self.live = sys.stderr.isatty()
        self.begin = self.last = time.monotonic()

    def show(self, done):
        now = time.monotonic()
        if not self.live or now - self.last < 0.1:
            return
        self.last = now
        if self.total:
            filled = int(30 * done / self.total)
            text = f"[{'=' * filled}{'.' * (30 - filled)}] {done / 1e6:.1f} of {self.total / 1e6:.1f} MB"
        else:
            text = f"{done / 1e6:.1f} MB"
        print(f"\r{self.name} {text}", end="", file=sys.stderr, flush=True)

    def end(self, done):
        seconds = time.monotonic() - self.begin
        print(
            f"{chr(13) if self.live else ''}{self.name}: {done / 1e6:.1f} MB in {seconds:.1f} s" + " " * 40 * self.live,
            file=sys.stderr,
        )


def _unpacked(archive, path, wanted, archive_format):
    if not wanted or archive_format is None:
        return path
    if not os.path.exists(path):
        # The folder appears when it is complete: what an interruption leaves is not taken for the data.
        part = f"{path}.unpacking"
        shutil.rmtree(part, ignore_errors=True)
        try:
            if extract_archive(archive, part, archive_format):
                os.replace(part, path)
            else:
                raise ValueError(f"{archive} is neither a tar nor a zip archive, so it cannot be unpacked")
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return path


def extract_archive(file_path, path=".", archive_format="auto") -> bool:
    """Unpack a tar or zip archive into a folder; False if it is neither. Only regular files, only inside the folder."""
    formats = ("tar", "zip") if archive_format == "auto" else (archive_format,)
    for kind in formats:
        if kind == "tar" and tarfile.is_tarfile(file_path):
            with tarfile.open(file_path) as archive:
                members: list = [(m.name, m.size, m.isfile(), m.isdir(), m) for m in archive.getmembers()]
                _unpack(members, path, lambda m: archive.extractfile(m), file_path)
            return True
        if kind == "zip" and zipfile.is_zipfile(file_path):
            with zipfile.ZipFile(file_path) as archive:
                entries: list = [
                    (m.filename, m.file_size, not m.is_dir() and (m.external_attr >> 28) in (0, 8), m.is_dir(), m)
                    for m in archive.infolist()
                ]
                _unpack(entries, path, lambda m: archive.open(m), file_path)
            return True
    return False


def _unpack(members, folder, open_member, name):
    root = os.path.realpath(folder)
    if sum(size for _, size, *_ in members) > _MOST_UNPACKED:
        raise ValueError(f"{name} would unpack to more than {_MOST_UNPACKED >> 30} GiB; it is not unpacked")
    # Everything is checked before anything is written.
    targets = [os.path.realpath(os.path.join(root, label)) for label, *_ in members]
    for (label, _, is_file, is_dir, _), target in zip(members, targets):
        inside = os.path.commonpath([root, target]) == root and (is_dir or target != root)
        if not inside or not (is_file or is_dir) or ".." in label.replace("\\", "/").split("/"):
            raise ValueError(f"{name}: member {label!r} is a link or lies outside the folder; the archive is not unpacked")
    os.makedirs(root, exist_ok=True)
    try:
        for (_, _, _, is_dir, member), target in zip(members, targets):
            if is_dir:
                os.makedirs(target, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open_member(member) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out)
    except (IsADirectoryError, NotADirectoryError, FileExistsError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{name} is damaged: it cannot be unpacked ({error})") from None
