"""Where tables come from: files, URLs, databases, built-in tables and OpenML, all through `sources.read_source`."""
