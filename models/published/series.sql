{{ causal.published_records('series', model.columns, ref('study_status')) }}
