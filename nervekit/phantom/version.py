VERSION = "6"  # bumped whenever files change: caches depend on it
