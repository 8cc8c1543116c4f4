"""Setting the studio up: look at the machine, plan, install, check. Standard library only.

`smart_install.py` runs this before anything is installed, so no module here (nor any that they
import) may need a package.
"""
