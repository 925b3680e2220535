"""Machines of every shape, as their /proc and /sys tell: which cores are ours, and who else is on them."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from foretype.models.machine.cores import Cores, busy_inside, cores
from foretype.models.tuning.quiet import Quiet


@attrs.define
class Root:
    """A root folder with the files that the kernel would show."""

    path: Path

    def put(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
        return file

    def machine(self, processors: int, *, threads: int = 1) -> None:
        """Processors; so many share a core; numbered as x86 does: siblings lie half the row apart."""
        self.put("sys/devices/system/cpu/online", f"0-{processors - 1}")
        apart = processors // threads
        for number in range(processors):
            siblings = ",".join(str(number % apart + apart * index) for index in range(threads))
            self.put(f"sys/devices/system/cpu/cpu{number}/topology/core_cpus_list", siblings)

    def check(self, machine: int, usable: int, logical: int, *, affinity: range, group: str = "") -> None:
        expected = Cores(machine, usable, logical, self.path / group if group else None)
        assert cores(self.path, frozenset(affinity)) == expected


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


V2 = "sys/fs/cgroup"


def test_a_desktop(root: Root) -> None:
    root.machine(32, threads=2)
    root.put("proc/self/cgroup", "0::/user.slice/session-2.scope")
    root.put(f"{V2}/user.slice/session-2.scope/cpu.max", "max 100000")
    root.check(16, 16, 32, affinity=range(32))


def test_half_of_its_cores(root: Root) -> None:
    root.machine(32, threads=2)
    root.check(16, 4, 4, affinity=range(4))
    root.check(16, 16, 16, affinity=range(16))


def test_two_processors_that_are_one_core(root: Root) -> None:
    root.machine(8, threads=2)
    assert cores(root.path, frozenset({1, 5})).usable == 1


def test_a_container_with_two_cores_by_quota(root: Root) -> None:
    root.machine(64)
    root.put("proc/self/cgroup", "0::/")
    root.put(f"{V2}/cpu.max", "200000 100000")
    root.put(f"{V2}/cpu.stat", "usage_usec 1")
    root.check(64, 2, 2, affinity=range(64), group=f"{V2}/cpu.stat")


@pytest.mark.parametrize(("quota", "usable"), [("150000", 1), ("50000", 1), ("399999", 3), ("6400000", 64)])
def test_parts_of_a_core_are_not_counted(root: Root, quota: str, usable: int) -> None:
    root.machine(64)
    root.put("proc/self/cgroup", "0::/")
    root.put(f"{V2}/cpu.max", f"{quota} 100000")
    assert cores(root.path, frozenset(range(64))).usable == usable


def test_a_quota_on_a_group_above_and_one_below_it(root: Root) -> None:
    root.machine(16)
    root.put("proc/self/cgroup", "0::/batch/job/step")
    root.put(f"{V2}/batch/cpu.max", "400000 100000")
    root.put(f"{V2}/batch/cpu.stat", "usage_usec 1")
    root.put(f"{V2}/batch/job/step/cpu.max", "800000 100000")
    root.put(f"{V2}/batch/job/step/cpu.stat", "usage_usec 1")
    root.check(16, 4, 4, affinity=range(16), group=f"{V2}/batch/cpu.stat")


def test_a_container_that_is_told_its_path_on_the_host(root: Root) -> None:
    root.machine(64)
    root.put("proc/self/cgroup", "0::/system.slice/docker-1234.scope")
    root.put(f"{V2}/cpu.max", "200000 100000")
    assert cores(root.path, frozenset(range(64))).usable == 2


@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct"])
def test_control_groups_of_version_one(root: Root, controllers: str) -> None:
    root.machine(64)
    root.put("proc/self/cgroup", f"4:{controllers}:/docker/12\n0::/docker/12")
    folder = f"{V2}/{controllers}/docker/12"
    root.put(f"{folder}/cpu.cfs_quota_us", "300000")
    root.put(f"{folder}/cpu.cfs_period_us", "100000")
    root.put(f"{folder}/cpuacct.usage", "1")
    root.check(64, 3, 3, affinity=range(64), group=f"{folder}/cpuacct.usage")
    root.put(f"{folder}/cpu.cfs_quota_us", "-1")
    root.check(64, 64, 64, affinity=range(64))


def test_a_container_with_two_cores_by_cpuset(root: Root) -> None:
    root.machine(64)
    root.put("proc/self/cgroup", "0::/")
    root.put(f"{V2}/cpuset.cpus.effective", "8-9")
    root.put(f"{V2}/cpu.stat", "usage_usec 1")
    root.check(64, 2, 2, affinity=range(8, 10), group=f"{V2}/cpu.stat")


def test_a_group_that_is_wider_than_the_affinity_says_nothing(root: Root) -> None:
    root.machine(64)
    root.put("proc/self/cgroup", "0::/")
    root.put(f"{V2}/cpuset.cpus.effective", "0-63")
    root.put(f"{V2}/cpu.stat", "usage_usec 1")
    root.check(64, 2, 2, affinity=range(2))


@pytest.mark.parametrize("text", ["", "nonsense", "max", "max 100000", "-5 100000", "100000 0", "1 2 3"])
def test_what_cannot_be_read_limits_nothing(root: Root, text: str) -> None:
    root.machine(4)
    root.put("proc/self/cgroup", "0::/")
    root.put(f"{V2}/cpu.max", text)
    root.check(4, 4, 4, affinity=range(4))


def test_a_root_without_any_of_it(root: Root) -> None:
    assert cores(root.path, frozenset(range(3))).usable >= 1


@pytest.mark.parametrize("name", ["cpu.stat", "cpuacct.usage"])
def test_what_others_use_inside_is_what_we_did_not(root: Root, name: str) -> None:
    now, mine = 10.0, 3.0
    file = root.put(name, "0")

    def used(seconds: float) -> None:
        root.put(name, f"usage_usec {seconds * 1e6:.0f}" if name == "cpu.stat" else f"{seconds * 1e9:.0f}")

    used(50.0)
    ask = busy_inside(file, wall=lambda: now, own=lambda: mine)
    assert ask() == 0.0
    now, mine = now + 0.1, mine + 0.2
    used(50.3)
    assert ask() == pytest.approx(1.0)
    now += 0.01
    used(80.0)
    assert ask() == pytest.approx(1.0), "too soon to say anything new"
    now += 3600
    used(90.0)
    assert ask() == pytest.approx(1.0), "an hour says nothing about now"
    now += 1
    assert ask() == 0.0


def test_without_a_group_nobody_is_inside() -> None:
    assert busy_inside(None)() == 0.0


def test_others_on_cores_that_we_may_not_use_leave_a_machine_quiet() -> None:
    quiet = Quiet(runnable=lambda: 31, sleep=lambda _seconds: None, spare=62)
    assert quiet.wait()
    assert Quiet(runnable=lambda: 31, sleep=lambda _seconds: None, spare=4).others() == 26
