"""Paths into data, as tests have them: XPath and JSONPath. What reads them is imported when there is one."""

from __future__ import annotations


def path_mistake(kind: str, path: str) -> str:
    """What is wrong with a path, "" for nothing; `kind` is `json` or `xpath`."""
    return _jsonpath_mistake(path) if kind == "json" else _xpath_mistake(path)


def _jsonpath_mistake(path: str) -> str:
    import jsonpath

    if not path:  # the library's own error about it cannot be shown
        return '"" is no JSONPath. The whole data is $.'
    try:
        jsonpath.compile(path)
    except (jsonpath.JSONPathError, RecursionError) as exc:
        return f'"{path}" is no JSONPath: {" ".join(str(exc).split())}. Correct it.'
    return ""


def _xpath_mistake(path: str) -> str:
    from lxml import etree

    try:
        etree.XPath(path)
    except etree.XPathSyntaxError as exc:
        return f'"{path}" is no XPath: {exc}. Correct it.'
    return ""
