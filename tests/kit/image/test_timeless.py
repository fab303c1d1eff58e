"""Images without times: what is written anew, and what stays as it is."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from actorkit_kit.image import timeless


def packed(files: dict[str, bytes], at: float) -> bytes:
    """A tar file whose entries are of a time, with an extended attribute each."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo("opt")
        folder.type, folder.mtime, folder.mode = tarfile.DIRTYPE, at, 0o755
        tar.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uid, info.uname = len(content), at, 10001, "someone"
            info.pax_headers = {"SCHILY.xattr.user.x": "kept", "atime": str(at)}
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def saved(folder: Path, at: float) -> Path:
    """An image as docker saves it, built at a time on a base of one layer."""
    layers = [packed({"opt/base": b"base"}, 1.0), packed({"opt/own": b"own"}, at)]
    configuration = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"User": "10001", "Hostname": f"host-{at}"},
        "container": f"container-{at}",
        "created": f"at {at}",
        "history": [{"created": f"at {at}", "created_by": "COPY"}],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
    }
    manifest = [{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["0/layer.tar", "1/layer.tar"]}]
    path = folder / f"saved-{at}.tar"
    with tarfile.open(path, "w") as tar:
        files = {"c.json": json.dumps(configuration).encode(), "manifest.json": json.dumps(manifest).encode()}
        files |= {"0/layer.tar": layers[0], "1/layer.tar": layers[1]}
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_images_that_differ_in_times_alone_become_one(tmp_path: Path) -> None:
    written = []
    for at in (1.5, 1700000000.25):
        target = tmp_path / f"{at}.tar"
        timeless.rewrite(saved(tmp_path, at), 1, "shop/execute:1", target)
        written.append(target.read_bytes())
    assert written[0] == written[1]
    with tarfile.open(fileobj=io.BytesIO(written[0])) as image:
        (manifest,) = json.load(image.extractfile("manifest.json") or io.BytesIO())
        configuration = json.load(image.extractfile(manifest["Config"]) or io.BytesIO())
        layers = [(image.extractfile(name) or io.BytesIO()).read() for name in manifest["Layers"]]
    assert manifest["RepoTags"] == ["shop/execute:1"]
    assert layers[0] == packed({"opt/base": b"base"}, 1.0)
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    assert configuration["rootfs"]["diff_ids"] == digests
    assert configuration["created"] == timeless.EPOCH
    assert configuration["history"] == [{"created": timeless.EPOCH, "created_by": "COPY"}]
    assert configuration["config"] == {"User": "10001"}
    with tarfile.open(fileobj=io.BytesIO(layers[1])) as layer:
        own = layer.getmember("opt/own")
    assert (own.mtime, own.uid, own.uname) == (0, 10001, "")
    assert own.pax_headers == {"SCHILY.xattr.user.x": "kept"}
