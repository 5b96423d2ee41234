"""A dbt project of two files, small enough to read beside a test, and definitions that differ in one thing each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DEFINITION: dict[str, Any] = {
    "question": "Does the push raise sessions in the following week?",
    "owner": "growth",
    "design": "observational",
    "estimand": "ATT",
    "control_index": "calendar",
    "as_of": "2026-05-01",
    "interference": {"assumption": "none", "because": "pushes are private"},
    "methods": ["cem", "aipw"],
    "confounders": ["sessions_7d", {"feature": "sessions", "window_days": 28, "name": "sessions_28d"}],
    "outcomes": [{"feature": "sessions", "name": "sessions_next_7d", "window_days": 7}],
    "checks": {
        "placebo_outcomes": [{"feature": "sessions", "window_days": 7, "gap_days": 21, "name": "three_weeks_ago"}]
    },
}

PROJECT = """\
# the company's project
name: company
version: "1.0"
config-version: 2
profile: company
model-paths: [models, python_models]

vars:
  studies: []  # every study of the company
  currency: 'EUR'
"""

REGISTRY = """\
models:
  - name: feat_sessions
    config:
      meta:
        registry:
          unit_id: user_id
          event_at: started_at
          features:
            - {name: sessions_7d, label: "7-day session count", column: session_id, aggregation: count, window_days: 7}
            - {name: sessions, label: Sessions, column: session_id, aggregation: count}
"""

STUDY = """\
models:
  - name: push
    config:
      meta:
        study:
          question: Does the push raise sessions in the following week?
          owner: growth
          design: observational
          estimand: ATT
          control_index: calendar
          as_of: "2026-05-01"
          interference: {assumption: unknown}
          methods: [cem, aipw]
          confounders: [sessions_7d]
          outcomes:
            - {feature: sessions, name: sessions_next_7d, window_days: 7}
  - name: push__published
    data_tests: [causal.has_passed_gates]
"""


def write_project(folder: Path, study: str | None = STUDY, studies: str = "[push]") -> Path:
    """The project in `folder`, with the text `study` as models/push.yml (none: only the registry)."""
    models = folder / "models"
    models.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT.replace("[]", studies if study else "[]"))
    (models / "feat_sessions.yml").write_text(REGISTRY)
    (models / "feat_sessions.sql").write_text("select 1 as user_id, 1 as session_id, now() as started_at\n")
    if study is not None:
        (models / "push.yml").write_text(study)
        (models / "push.sql").write_text(
            "{{ causal.study_table(cohort=ref('push__cohort'), features=[ref('feat_sessions')]) }}\n"
        )
        (models / "push__cohort.sql").write_text("select 1 as unit_id, 1 as treatment, now() as treated_at\n")
    return folder
