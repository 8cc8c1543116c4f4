"""What runs an XTTS: these modules import torch, and are imported when a voice is loaded."""
