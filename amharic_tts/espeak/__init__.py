"""espeak-ng as a program: a process of its own holds the library, the studio asks it over pipes.

espeak-ng is GPL-3.0-or-later and this project Apache-2.0: `library` and `process` run in that
process only. Everything else uses `client`.
"""
