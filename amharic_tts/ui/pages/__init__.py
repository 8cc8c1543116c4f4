"""One file per page: it builds the widgets; its handlers translate between them and the core."""
