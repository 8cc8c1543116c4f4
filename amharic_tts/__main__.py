"""`python -m amharic_tts`: the same as the command `amharic-tts`."""

from amharic_tts.cli import main

main()
