VERSION = "5"  # bumped whenever files change: caches depend on it
