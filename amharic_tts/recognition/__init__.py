"""Speech recognition: what is said in recordings, with the times of the words."""
