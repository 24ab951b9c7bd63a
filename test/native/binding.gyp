{
  "targets": [
    {"target_name": "probe", "sources": ["probe.c"]},
    {"target_name": "failures", "sources": ["failures.c"]},
  ]
}
