"""How does a pipetting robot fill the plate of the plan?"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from lamella.errors import SettingsError
from lamella.table.plates import PLATE_FORMATS

__all__ = ["Transfer", "opentrons_protocol", "picklist", "tube_place"]

_RACK_ROWS, _RACK_COLUMNS = 4, 6
_RACK_SLOTS = ("4", "5", "6")
_LABWARE = {
    6: "corning_6_wellplate_16.8ml_flat",
    12: "corning_12_wellplate_6.9ml_flat",
    24: "corning_24_wellplate_3.4ml_flat",
    48: "corning_48_wellplate_1.6ml_flat",
    96: "corning_96_wellplate_360ul_flat",
    384: "corning_384_wellplate_112ul_flat",
}

_PROTOCOL = '''\
"""{title}

Written by Lamella from the plate map that is analysed. For research use only. Tubes stand in the
rack in the order of the list below; run it dry, then with water, before cells are involved.
"""

from opentrons import protocol_api

metadata = {{"apiLevel": "2.13", "protocolName": {name}}}

# Rack, tube, what it holds, well, volume in microlitres.
TRANSFERS = {transfers}


def run(protocol: protocol_api.ProtocolContext) -> None:
    tubes = "opentrons_24_tuberack_eppendorf_1.5ml_safelock_snapcap"
    racks = [protocol.load_labware(tubes, slot) for slot in {slots}]
    plate = protocol.load_labware({plate}, "1")
    tips = protocol.load_labware({tips}, "7")
    pipette = protocol.load_instrument({pipette}, "right", tip_racks=[tips])
    tube = None
    for rack, source, holds, well, volume in TRANSFERS:
        if (rack, source) != tube:
            if tube is not None:
                pipette.drop_tip()
            pipette.pick_up_tip()
            protocol.comment(holds)
            tube = (rack, source)
        pipette.transfer(volume, racks[rack][source], plate[well].top(-2), new_tip="never")
    if tube is not None:
        pipette.drop_tip()
'''


@dataclass(frozen=True, slots=True)
class Transfer:
    """One volume from a tube into a well; tubes count from 1."""

    tube: int
    holds: str
    plate: str
    well: str
    volume_ul: float


def tube_place(tube: int) -> tuple[int, str]:
    """Rack, counted from 0, and place of a tube in it: down the columns of racks of 24.

    >>> tube_place(1), tube_place(5), tube_place(24), tube_place(25)
    ((0, 'A1'), (0, 'A2'), (0, 'D6'), (1, 'A1'))

    Raises:
        SettingsError: More tubes than three racks hold.
    """
    rack, place = divmod(tube - 1, _RACK_ROWS * _RACK_COLUMNS)
    if not 0 <= rack < len(_RACK_SLOTS):
        raise SettingsError(
            f"tube {tube} does not fit in three racks of 24. Make fewer doses a run."
        )
    column, row = divmod(place, _RACK_ROWS)
    return rack, f"{chr(ord('A') + row)}{column + 1}"


def picklist(transfers: Sequence[Transfer]) -> str:
    """The transfers as CSV, as liquid handlers import it.

    >>> print(picklist([Transfer(1, "vehicle", "P1", "B02", 100.0)]), end="")
    source,source_well,content,destination,destination_well,volume_ul
    rack 1,A1,vehicle,P1,B2,100
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["source", "source_well", "content", "destination", "destination_well", "volume_ul"]
    )
    for one in transfers:
        rack, tube = tube_place(one.tube)
        well, volume = _short(one.well), f"{one.volume_ul:.4g}"
        writer.writerow([f"rack {rack + 1}", tube, one.holds, one.plate, well, volume])
    return buffer.getvalue()


def opentrons_protocol(transfers: Sequence[Transfer], *, title: str, plate_wells: int) -> str:
    """A protocol for an Opentrons OT-2 as text; it is never imported here.

    Args:
        transfers: All into one plate.
        title: Names the protocol.
        plate_wells: Wells of the plate.

    Raises:
        SettingsError: The plate is not known, or too many tubes.
    """
    if plate_wells not in PLATE_FORMATS or plate_wells not in _LABWARE:
        raise SettingsError(f"no labware is known for a plate of {plate_wells} wells.")
    small = max((one.volume_ul for one in transfers), default=0.0) <= 20
    moves = [
        (*tube_place(one.tube), one.holds, _short(one.well), round(one.volume_ul, 2))
        for one in transfers
    ]
    racks = 1 + max((rack for rack, *_ in moves), default=0)
    lines = "".join(f"    {move!r},\n" for move in moves)
    return _PROTOCOL.format(
        title=title.replace("\\", "/").replace('"""', "'''").strip() or "Lamella",
        name=json.dumps(title),
        transfers=f"[\n{lines}]",
        slots=json.dumps(_RACK_SLOTS[:racks]),
        plate=json.dumps(_LABWARE[plate_wells]),
        tips=json.dumps("opentrons_96_tiprack_20ul" if small else "opentrons_96_tiprack_300ul"),
        pipette=json.dumps("p20_single_gen2" if small else "p300_single_gen2"),
    )


def _short(well: str) -> str:
    """A well as robots write it: B2.

    >>> _short("B02"), _short("P24")
    ('B2', 'P24')
    """
    letters = well.rstrip("0123456789")
    return f"{letters}{int(well[len(letters) :])}"
