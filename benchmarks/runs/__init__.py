"""One program per thing measured. Each runs in a process of its own and ends by printing one line of JSON."""
