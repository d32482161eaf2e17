VERSION = "4"  # bumped whenever pictures change: caches depend on it
