{{ causal.published_records('sensitivity', model.columns, ref('study_status')) }}
