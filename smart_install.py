"""Set the studio up and start it: `python smart_install.py --run` (or --test, --doctor, --dry-run).

Needs nothing but Python 3.10 to 3.13. The work is done in `amharic_tts/install`; this file is
written so that any Python reads it far enough to say that it is the wrong one.
"""

import sys

FOUND = sys.version_info[:2]

if not ((3, 10) <= FOUND <= (3, 13)):
    sys.stderr.write(
        "error: The studio needs Python 3.10 to 3.13, and this is Python "
        + sys.version.split()[0]
        + "\nhint: Install Python 3.12 (python.org, or your system's packages), then: "
        + "python3.12 smart_install.py --run\n"
    )
    sys.exit(2)

from pathlib import Path  # noqa: E402

HERE = Path(__file__).resolve().parent

if not (HERE / "amharic_tts" / "install").is_dir():
    sys.stderr.write(
        "error: smart_install.py needs the studio's other files beside it\n"
        "hint: Get the whole project, not this file alone\n"
    )
    sys.exit(2)

from amharic_tts.install.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(HERE, sys.argv[1:]))
