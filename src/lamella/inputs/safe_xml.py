"""XML from strangers: parsed without entities, document types or anything fetched."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

__all__ = ["XmlError", "attribute", "children", "parse_xml"]


class XmlError(ValueError):
    """The text is no well-formed XML, or asks for what only an attack needs."""


def parse_xml(text: str | bytes) -> Element:
    """The root element, its names without namespaces.

    Raises:
        XmlError: Not well-formed, or with a document type (entities can swell a few bytes
            to gigabytes, or name files).

    >>> parse_xml('<a xmlns="http://x"><b c="1"/></a>')[0].tag
    'b'
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, found: builder.start(_local(tag), found)
    parser.EndElementHandler = lambda tag: builder.end(_local(tag))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(text, True)
        return builder.close()
    except (expat.ExpatError, ParseError, AssertionError) as error:
        raise XmlError(f"the XML is damaged ({error})") from error


def children(element: Element, *path: str) -> list[Element]:
    """The elements under `path`, one name a level."""
    found = [element]
    for name in path:
        found = [child for parent in found for child in parent if child.tag == name]
    return found


def attribute(element: Element, name: str, default: str = "") -> str:
    """An attribute's text without blanks around it."""
    return element.get(name, default).strip()


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _refuse_doctype(*_: object) -> None:
    raise XmlError("the XML declares a document type, which no microscope writes")
