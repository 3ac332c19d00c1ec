"""One file per job: which tables meet. Each is a spark-submit of its own; `pipeline` runs them all in one session."""
