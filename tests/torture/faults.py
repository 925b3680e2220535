"""Faults of machines, one a round: what foretype promises then is written beside each, and looked at.

What a machine cannot be made to do (no compiler, no namespaces) is counted apart, with the reason.
"""

from __future__ import annotations

import asyncio

from foretype.tests.torture import faults_crowd, faults_disk, faults_home, faults_running
from foretype.tests.torture.fault import CannotBeMadeHereError, Fault
from foretype.tests.torture.section import Found, Section

FAULTS = (*faults_disk.FAULTS, *faults_home.FAULTS, *faults_running.FAULTS, *faults_crowd.FAULTS)


async def _played(fault: Fault) -> str:
    return await fault.play()


def play(seed: int) -> Found:
    """A round: the fault with this number."""
    fault = FAULTS[seed % len(FAULTS)]
    try:
        said = asyncio.run(_played(fault))
    except CannotBeMadeHereError as missing:
        return Found({"faults.left_out": 1}, notes=(f"{fault.name}: left out, {missing}",))
    if said:
        return Found({"faults.tried": 1}, wrong=(f"{fault.name}: {said}",))
    return Found({"faults.tried": 1}, notes=(f"{fault.name}: {fault.sentence}",))


SECTION = Section("faults", "faults.tried", len(FAULTS), "faults.unexplained", play, rounds=len(FAULTS))
