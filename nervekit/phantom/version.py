VERSION = "1"  # bumped whenever pictures change: caches depend on it
