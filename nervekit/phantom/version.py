VERSION = "2"  # bumped whenever pictures change: caches depend on it
