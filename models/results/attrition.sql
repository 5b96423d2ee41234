{{ causal.unite('attrition', model.columns) }}
