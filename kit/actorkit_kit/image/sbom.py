"""The bill of materials of an image, as CycloneDX 1.6 in JSON (ECMA-424), from what the resolver itself has told.

It names the files that pip downloaded by their hashes, so it says what is in the image, and not what a scanner makes of
it. The same image gives the same bytes: no time stands in it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from docker import DockerClient

import actorkit
from actorkit_kit.image.contents import Contents, DebianPackage, look_into
from actorkit_kit.kit_folder import keep, place_in
from actorkit_kit.plan.model import Plan

#: Property of the document that names the image it is about.
_ID: Final = "actorkit:image:id"


def folder_of(plan: Plan) -> Path:
    """Where what is known of a topology's images is kept: beside the topology."""
    return place_in(plan.base, f"{plan.topology}-images")


def write_all(client: DockerClient, plan: Plan, tags: Iterable[str]) -> list[Path]:
    """Write the bill of every image that has none of its own yet; the paths of all, in the order of `tags`.

    Raises:
        KitError: a file cannot be written.
        ImageNotFound: the engine lacks an image.
    """
    paths = []
    for tag in tags:
        path = folder_of(plan) / "sbom" / f"{tag.rpartition(':')[0].replace('/', '-')}.cdx.json"
        if _about(path) != (tag, str(client.images.get(tag).id)):
            keep(path, json.dumps(document(tag, look_into(client, tag)), indent=1) + "\n")
        paths.append(path)
    return paths


def _about(path: Path) -> tuple[str, str]:
    """Tag and id of the image that a bill is about; empty where there is none that can be read."""
    try:
        component = json.loads(path.read_text(encoding="utf-8"))["metadata"]["component"]
        ids = [told["value"] for told in component["properties"] if told["name"] == _ID]
        return f"{component['name']}:{component['version']}", ids[0]
    except (OSError, ValueError, LookupError, TypeError):
        return "", ""


def document(tag: str, contents: Contents) -> dict[str, Any]:
    """The bill of the image `tag`."""
    repository, _, version = tag.rpartition(":")
    components = [_actorkit(), *(_python_package(package) for package in contents.packages)]
    if contents.python:
        purl = f"pkg:generic/python@{quote(contents.python, safe='')}"
        components.append(
            {"type": "platform", "bom-ref": purl, "name": "python", "version": contents.python, "purl": purl}
        )
    components += [_debian_package(package, contents.debian) for package in contents.debian_packages]
    unique = {component["bom-ref"]: component for component in components}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{tag} {contents.id}')}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "kit", "version": actorkit.__version__}]},
            "component": {
                "type": "container",
                "bom-ref": "image",
                "name": repository,
                "version": version,
                "properties": [{"name": _ID, "value": contents.id}],
            },
        },
        "components": [unique[ref] for ref in sorted(unique)],
        "dependencies": [{"ref": "image", "dependsOn": sorted(unique)}, *({"ref": ref} for ref in sorted(unique))],
    }


def _actorkit() -> dict[str, Any]:
    purl = f"pkg:pypi/actorkit@{quote(actorkit.__version__, safe='')}"
    licenses = [{"license": {"id": "Apache-2.0"}}]
    told = {"name": "actorkit", "version": actorkit.__version__, "licenses": licenses, "purl": purl}
    return {"type": "library", "bom-ref": purl, **told}


def _python_package(package: Mapping[str, Any]) -> dict[str, Any]:
    """A package that pip installed (`actorkit_kit.image.inside.pip.Package`)."""
    name = re.sub(r"[-_.]+", "-", package["name"]).lower()
    kind = "generic" if "path" in package else "pypi"
    purl = f"pkg:{kind}/{quote(name, safe='')}@{quote(package['version'], safe='')}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
    }
    if "sha256" in package:
        component["hashes"] = [{"alg": "SHA-256", "content": package["sha256"]}]
    if "license" in package:
        component["licenses"] = [{"expression": package["license"]}]
    elif "license_name" in package:
        component["licenses"] = [{"license": {"name": package["license_name"]}}]
    if "url" in package:
        component["externalReferences"] = [{"type": "distribution", "url": package["url"]}]
    found = [{"name": f"actorkit:{key}", "value": package[key]} for key in ("file", "path") if key in package]
    return {**component, "properties": found} if found else component


def _debian_package(package: DebianPackage, distribution: str) -> dict[str, Any]:
    qualifiers = f"?arch={package.architecture}" + (f"&distro={distribution}" if distribution else "")
    purl = f"pkg:deb/debian/{quote(package.name, safe='')}@{quote(package.version, safe='')}{qualifiers}"
    return {"type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl}
