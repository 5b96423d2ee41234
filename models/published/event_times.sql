{{ causal.published_records('event_time', model.columns, ref('study_status')) }}
