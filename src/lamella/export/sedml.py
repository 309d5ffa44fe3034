"""Which simulation of a network is meant? SED-ML level 1 version 4: one course, every species."""

from __future__ import annotations

from collections.abc import Iterator

from lamella.signalling.network import Network

__all__ = ["sedml_text"]

_SED = "http://sed-ml.org/sed-ml/level1/version4"
_SBML = "http://www.sbml.org/sbml/level3/version2/core"
_MATH = "http://www.w3.org/1998/Math/MathML"
_STIFF = "KISAO:0000019"


def sedml_text(network: Network, *, source: str, end_s: float = 7200.0, steps: int = 60) -> str:
    """A SED-ML document that runs an SBML file and reports every species and rule.

    Args:
        network: The model that `source` holds.
        source: Path of the SBML file, as seen from this document.
        end_s: Last time [s].
        steps: Number of equal steps.
    """
    return "\n".join(_lines(network, source, end_s, steps)) + "\n"


def _lines(network: Network, source: str, end_s: float, steps: int) -> Iterator[str]:
    names = [*network.species_ids, *(rule.id for rule in network.rules)]
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<sedML xmlns="{_SED}" xmlns:sbml="{_SBML}" level="1" version="4">'
    yield (
        '<listOfModels><model id="model" language="urn:sedml:language:sbml.level-3.version-2" '
        f'source="{source}"/></listOfModels>'
    )
    yield (
        '<listOfSimulations><uniformTimeCourse id="course" initialTime="0" outputStartTime="0" '
        f'outputEndTime="{end_s:g}" numberOfSteps="{steps}"><algorithm kisaoID="{_STIFF}"/>'
        "</uniformTimeCourse></listOfSimulations>"
    )
    yield (
        '<listOfTasks><task id="task" modelReference="model" simulationReference="course"/>'
        "</listOfTasks>"
    )
    yield "<listOfDataGenerators>"
    yield _generator("time", 'symbol="urn:sedml:symbol:time"')
    for name in names:
        kind = "species" if name in network.species_ids else "parameter"
        target = f"/sbml:sbml/sbml:model/sbml:listOf{kind.capitalize()}"
        target += "" if kind == "species" else "s"
        yield _generator(name, f"target=\"{target}/sbml:{kind}[@id='{name}']\"")
    yield "</listOfDataGenerators>"
    yield '<listOfOutputs><report id="courses"><listOfDataSets>'
    for name in ("time", *names):
        yield f'<dataSet id="set_{name}" label="{name}" dataReference="of_{name}"/>'
    yield "</listOfDataSets></report></listOfOutputs>"
    yield "</sedML>"


def _generator(name: str, where: str) -> str:
    return (
        f'<dataGenerator id="of_{name}"><listOfVariables><variable id="v_{name}" {where} '
        f'taskReference="task"/></listOfVariables><math xmlns="{_MATH}"><ci>v_{name}</ci></math>'
        "</dataGenerator>"
    )
