"""get_file against a server on this machine: resumed downloads, hashes, archives that try to escape."""

import hashlib
import http.server
import io
import os
import stat
import tarfile
import threading
import zipfile

import pytest

import kerasgpu as keras
from kerasgpu.utils import files

CONTENT = bytes(range(256)) * 4000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; `drops` connections are cut in the middle."""

    drops = 0
    seen: list = []

    def do_GET(self):
        begin = 0
        asked = self.headers.get("Range")
        type(self).seen.append(asked)
        if self.path == "/missing":
            return self.send_error(404)
        if asked:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            if begin >= len(CONTENT):
                return self.send_error(416)
        body = CONTENT[begin:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if type(self).drops > 0:
            type(self).drops -= 1
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.connection.close()
            return
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    Handler.drops, Handler.seen = 0, []
    monkeypatch.delenv("KERASGPU_OFFLINE", raising=False)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def read(path):
    with open(path, "rb") as f:
        return f.read()


def get(name, origin, folder, **arguments):
    return keras.utils.get_file(name, origin=origin, cache_dir=str(folder), cache_subdir="d", **arguments)


def test_download_once(server, tmp_path):
    path = get("x.bin", f"{server}/x.bin", tmp_path, file_hash=hashlib.sha256(CONTENT).hexdigest())
    assert path == str(tmp_path / "d" / "x.bin") and read(path) == CONTENT
    get("x.bin", f"{server}/x.bin", tmp_path)
    get("x.bin", f"{server}/x.bin", tmp_path, md5_hash=hashlib.md5(CONTENT).hexdigest())
    assert len(Handler.seen) == 1
    get("x.bin", f"{server}/x.bin", tmp_path, force_download=True)
    assert len(Handler.seen) == 2
    assert get(None, f"{server}/sub/y.bin?a=1", tmp_path).endswith("y.bin")


def test_dropped_connections_are_resumed(server, tmp_path):
    Handler.drops = 2
    path = get("x.bin", f"{server}/x.bin", tmp_path, file_hash=hashlib.sha256(CONTENT).hexdigest())
    assert read(path) == CONTENT
    assert Handler.seen[0] is None and all(r.startswith("bytes=") for r in Handler.seen[1:])
    assert os.listdir(tmp_path / "d") == ["x.bin"]


def test_gives_up_and_goes_on_later(server, tmp_path):
    Handler.drops = 3
    with pytest.raises(ConnectionError, match=r"URL fetch failure.*put it at .*x\.bin"):
        get("x.bin", f"{server}/x.bin", tmp_path)
    assert os.listdir(tmp_path / "d") == ["x.bin.part"]
    assert read(get("x.bin", f"{server}/x.bin", tmp_path)) == CONTENT
    assert Handler.seen[-1].startswith("bytes=")


def test_wrong_hash(server, tmp_path):
    with pytest.raises(ValueError, match="hash does not match"):
        get("x.bin", f"{server}/x.bin", tmp_path, file_hash="0" * 64)
    assert os.listdir(tmp_path / "d") == []


def test_a_bad_cached_file_is_replaced(server, tmp_path, capsys):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x.bin").write_text("damaged")
    path = get("x.bin", f"{server}/x.bin", tmp_path, file_hash=hashlib.sha256(CONTENT).hexdigest())
    assert read(path) == CONTENT
    assert "hash does not match" in capsys.readouterr().out


def test_errors_of_the_server(server, tmp_path):
    with pytest.raises(ConnectionError, match="404"):
        get("x", f"{server}/missing", tmp_path)
    with pytest.raises(ConnectionError, match="URL fetch failure"):
        get("x", "http://127.0.0.1:9/x", tmp_path)


def test_offline(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGPU_OFFLINE", "1")
    with pytest.raises(ConnectionError, match=r"KERASGPU_OFFLINE=1 forbids downloads\. Fetch .* and put it at .*x\.bin"):
        get("x.bin", f"{server}/x.bin", tmp_path)
    assert Handler.seen == []


@pytest.mark.parametrize("name", ["..", "../x", "a/../../x", ".", "d/../../../x"])
def test_names_outside_the_cache(name, tmp_path):
    with pytest.raises(ValueError, match="outside the cache folder"):
        get(name, "file:///etc/hostname", tmp_path)


def test_no_origin():
    with pytest.raises(ValueError, match="origin"):
        keras.utils.get_file("x")


# -- archives ---------------------------------------------------------------------------------------------------
def tar(members, path, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, what in members:
            info = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                info.size = len(what)
                archive.addfile(info, io.BytesIO(what))
            else:
                info.type, info.linkname = what
                archive.addfile(info)
    return path


def unpack(archive, tmp_path):
    return get("out", f"file://{archive}", tmp_path / "cache", extract=True)


@pytest.mark.parametrize("option", ["extract", "untar"])
def test_the_folder_of_an_archive_with_an_ending(tmp_path, option):
    archive = tar([("a.txt", b"hello")], tmp_path / "good.tar.gz")
    path = get("data.tar.gz", f"file://{archive}", tmp_path / "cache", **{option: True})
    assert os.path.basename(path) == "data_extracted" and read(os.path.join(path, "a.txt")) == b"hello"


def test_tar_and_zip(tmp_path):
    path = unpack(tar([("a/b.txt", b"hello"), ("c.txt", b"x")], tmp_path / "good.tar.gz"), tmp_path)
    assert read(os.path.join(path, "a", "b.txt")) == b"hello"
    with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
        archive.writestr("a/b.txt", "hello")
    path = get("zipped", f"file://{tmp_path / 'good.zip'}", tmp_path / "cache", extract=True)
    assert read(os.path.join(path, "a", "b.txt")) == b"hello"


SYMLINK, HARDLINK = tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", b"x")],
        [("/tmp/kerasgpu-evil", b"x")],
        [("a/../../evil", b"x")],
        [("link", (SYMLINK, "/etc/passwd"))],
        [("link", (SYMLINK, "..")), ("link/evil", b"x")],
        [("link", (HARDLINK, "../../secret"))],
        [("link", (HARDLINK, "../../secret")), ("link", b"overwritten")],
        [("a", (SYMLINK, ".")), ("a/..", (SYMLINK, "..")), ("a/../evil", b"x")],
        [("pipe", (tarfile.FIFOTYPE, ""))],
        [("device", (tarfile.CHRTYPE, ""))],
        [("good", b"x"), (".", b"x")],
    ],
)
def test_tar_archives_that_escape(members, tmp_path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(ValueError, match="link or lies outside"):
        unpack(tar(members, tmp_path / "bad.tar.gz"), tmp_path)
    assert (tmp_path / "secret").read_text() == "secret"
    assert os.listdir(tmp_path / "cache" / "d") == ["out_archive"]
    assert not list(tmp_path.rglob("evil")) and not os.path.exists("/tmp/kerasgpu-evil")
    assert not any(p.is_symlink() for p in tmp_path.rglob("*"))


@pytest.mark.parametrize("name", ["../evil", "/tmp/kerasgpu-evil", "a/../../evil"])
def test_zip_archives_that_escape(name, tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(ValueError, match="link or lies outside"):
        unpack(tmp_path / "bad.zip", tmp_path)
    assert not list(tmp_path.rglob("evil")) and not os.path.exists("/tmp/kerasgpu-evil")


def test_zip_archive_with_a_link(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="link or lies outside"):
        unpack(tmp_path / "bad.zip", tmp_path)


def test_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_UNPACKED", 1000)
    with pytest.raises(ValueError, match="would unpack to more"):
        unpack(tar([("a", bytes(600)), ("b", bytes(600))], tmp_path / "bomb.tar.gz"), tmp_path)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(2000))
    with pytest.raises(ValueError, match="would unpack to more"):
        get("other", f"file://{tmp_path / 'bomb.zip'}", tmp_path / "cache", extract=True)
