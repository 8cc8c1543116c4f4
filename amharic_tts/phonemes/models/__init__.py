"""Phone recognisers, one file a family."""
