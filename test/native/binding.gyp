{
  "targets": [
    {"target_name": "probe", "sources": ["probe.c"]},
    {"target_name": "failures", "sources": ["failures.c"]},
    # No addon: preloaded.
    {"target_name": "refuse_threads", "sources": ["refuse_threads.c"], "libraries": ["-ldl"]},
  ]
}
