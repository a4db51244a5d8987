-- What the checks of several folders use; each folder has a file of this name for what its own checks share.

-- Whether two words differ in letter case or signs alone; of words that the files alone give a meaning to also in one letter,
-- which may have been lost: of firm and fir, but not of group_a and group_b.
create or replace temp macro are_alike(one, other, may_lack_a_letter) as
    one <> other
    and (
        (
            regexp_replace(lower(one), '[^\pL\pN]', '', 'g') = regexp_replace(lower(other), '[^\pL\pN]', '', 'g')
            -- 1.1 is not 11.
            and regexp_replace(one, '[^0-9]+', '-', 'g') = regexp_replace(other, '[^0-9]+', '-', 'g')
        )
        or (
            may_lack_a_letter and length(one) <> length(other) and levenshtein(one, other) = 1
            -- I and II are two.
            and not regexp_matches(other || ' ' || one, '[0-9]|(^|[^\pL])(?i:[ivx]+)( |$)')
        )
    );
