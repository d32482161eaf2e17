VERSION = "7"  # bumped whenever files change: caches depend on it
