"""What a wheel holds: the project as it lies in a clone, in one folder, and a .pth file that puts that folder on Python's path.

Its rooms are called app, steps and registry, which a site-packages may have from somebody else; and what digests or copies the files
beside it (caches of steps, contexts of images) must find its own there. MANIFEST.in says which files go in.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HOME = "switchyard_home"


class Whole(build_py):
    """Copies what the manifest lists; an editable installation stays with setuptools' own ways."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        self.run_command("egg_info")
        files = [file for file in self.get_finalized_command("egg_info").filelist.files if ".egg-info" not in file]
        home = Path(self.build_lib, HOME)
        for file in files:
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, home / file)
        Path(self.build_lib, "switchyard.pth").write_text(f"{HOME}\n")


setup(cmdclass={"build_py": Whole})
