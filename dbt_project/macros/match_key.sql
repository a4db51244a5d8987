{#-
    A name as it is compared: full-width characters to half-width, all white space removed, upper case. Nothing more: two names
    that differ in anything else are two names, and a person decides.
-#}
{% macro match_key(text) %}
    {{- return(adapter.dispatch('match_key', 'jifen')(text)) -}}
{% endmacro %}

{% macro duckdb__match_key(text) -%}
    {%- set full = '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠'
        ~ 'ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～' -%}
    {%- set half = '!"#$%&\'\'()*+,-./0123456789:;<=>?@'
        ~ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~' -%}
    {%- set blanks = match_blanks() -%}
    {#- Most names have no special characters but full-width brackets: only the others take the slow path. -#}
    case
        when regexp_matches({{ text }}, '[{{ blanks }}！-＇＊-～]')
            then upper(translate(regexp_replace({{ text }}, '[{{ blanks }}]', '', 'g'), '{{ full }}', '{{ half }}'))
        else upper(translate({{ text }}, '（）', '()'))
    end
{%- endmacro %}

{#- Whether a name has anything but white space, and so a key that is not empty; computed without making the key. -#}
{% macro has_key(text) %}
    {{- return(adapter.dispatch('has_key', 'jifen')(text)) -}}
{% endmacro %}

{% macro duckdb__has_key(text) -%}
    regexp_matches({{ text }}, '[^{{ match_blanks() }}]')
{%- endmacro %}

{#- Every character that Unicode calls white space, and the zero-width ones that come with copied text: the inside of a regular expression's brackets. -#}
{% macro match_blanks() -%}
    \s\x{0B}\x{1C}-\x{1F}\x{85}\x{A0}\x{1680}\x{2000}-\x{200D}\x{2028}\x{2029}\x{202F}\x{205F}\x{2060}\x{3000}\x{FEFF}
{%- endmacro %}
