"""What is wrong with a unified social credit code itself, in words, for a person who typed one that nobody has."""

from connectors.reasons import explain as words_of
from connectors.uscc import fault, repair, tidy


def told_of_code(uscc: str) -> str:
    """What its own check says of a code, in Chinese and English, and which one may be meant; empty for a valid one."""
    code = tidy(uscc)
    why = fault(code)
    if why is None:
        return ""
    meant = repair(code)
    told = f"代码有误 The code itself: {words_of(why).zh} {words_of(why).en}"
    return f"{told}; 或为 {meant} may be meant" if meant else told
