"""The deep check of a dataset: every clip's sound and text in numbers, and what is odd in them.

`clip` measures one clip, `judge` compares the numbers with limits and with the other clips, `run`
does both over a dataset with progress, `store` keeps what was found beside the rows. Nothing here
changes a row.
"""
