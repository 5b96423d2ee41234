{#- One blocking check as a message of at most six lines: code or name, where, figures, fix, and the page about it. -#}
{% macro log_check(check) -%}
  {%- set node = causal.study_node(check.study_id) -%}
  {%- set where = node.patch_path.split('://') | last if node and node.patch_path else check.study_id -%}
  {%- set parts = (check.reason or 'blocked').split('; ') -%}
  {%- set lines = [('CAUSAL-' ~ check.code ~ ' ' if check.code else check.check_name ~ ': ') ~ parts[0] ~ '  ' ~ where] -%}
  {%- for part in parts[1:4] -%}{%- do lines.append('  ' ~ part) -%}{%- endfor -%}
  {%- if parts | length > 4 -%}{%- do lines.append('  ' ~ parts[4:] | join('; ')) -%}{%- endif -%}
  {%- do lines.append('  more: docs/' ~ ('errors.md#causal-' ~ check.code if check.code else 'checks.md#' ~ check.check_name | replace('_', '-'))) -%}
  {%- do log(lines | join('\n'), info=True) -%}
{%- endmacro %}
