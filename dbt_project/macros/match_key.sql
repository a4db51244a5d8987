{#-
    A name as it is compared: full-width characters to half-width, all white space removed, upper case. Nothing cleverer: two
    names that differ in anything else are two names, and a person decides.
-#}
{% macro match_key(text) %}
    {{- return(adapter.dispatch('match_key', 'jifen')(text)) -}}
{% endmacro %}

{% macro default__match_key(text) %}
    {{- no_implementation('match_key') -}}
{% endmacro %}

{% macro duckdb__match_key(text) -%}
    {%- set full = '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠'
        ~ 'ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～' -%}
    {%- set half = '!"#$%&\'\'()*+,-./0123456789:;<=>?@'
        ~ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~' -%}
    {#- Every character that Unicode calls white space, and the zero-width ones that come with copied text. -#}
    {%- set blanks = '[\\s\\x{0B}\\x{1C}-\\x{1F}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200D}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{2060}\\x{3000}\\x{FEFF}]' -%}
    {#- `translate` is dear, and full-width brackets are what nearly all full-width text is: only the rest pays for it. -#}
    case
        when regexp_matches({{ text }}, '[！-＇＊-～]')
            then upper(translate(regexp_replace({{ text }}, '{{ blanks }}', '', 'g'), '{{ full }}', '{{ half }}'))
        else upper(replace(replace(regexp_replace({{ text }}, '{{ blanks }}', '', 'g'), '（', '('), '）', ')'))
    end
{%- endmacro %}
