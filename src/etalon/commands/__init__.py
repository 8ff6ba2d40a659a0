"""Commands of `etalon`, one module a command or group; what they need is imported when they run."""
