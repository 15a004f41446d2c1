"""`spelt`: a date as people write it in words, in the English words and the plain order of marks that strptime knows."""

from __future__ import annotations

import re
from functools import lru_cache

_MONTHS = (
    ("January", "januar jänner janvier janv enero ene gennaio genn gen janeiro januari stycznia styczeń ledna leden"),
    ("February", "februar feber février févr fév febrero febbraio febb fevereiro fev februari lutego luty února únor"),
    ("March", "märz mär maerz mars marzo março maart mrt marts marca marzec března březen"),
    ("April", "avril avr abril abr aprile april apr kwietnia kwiecień dubna duben"),
    ("May", "mai mayo maggio magg mag maio mei maj maja května květen"),
    ("June", "juni juin junio giugno giu junho czerwca czerwiec června červen"),
    ("July", "juli juillet juil julio luglio lug julho lipca lipiec července červenec"),
    ("August", "août aout agosto ago agustus augustus augusti sierpnia sierpień srpna srpen"),
    ("September", "septembre septiembre settembre sett set setembro wrzesień września září sept"),
    ("October", "oktober okt octobre octubre ottobre ott outubro out oktober październik października října říjen"),
    ("November", "novembre noviembre novembro listopad listopada"),
    ("December", "dezember dez décembre déc diciembre dic dicembre dezembro desember des december grudzień grudnia prosince prosinec"),
)
_DAYS = (
    ("Monday", "montag lundi lunes lunedì segunda-feira maandag"),
    ("Tuesday", "dienstag mardi martes martedì terça-feira dinsdag"),
    ("Wednesday", "mittwoch mercredi miércoles mercoledì quarta-feira woensdag"),
    ("Thursday", "donnerstag jeudi jueves giovedì quinta-feira donderdag"),
    ("Friday", "freitag vendredi viernes venerdì sexta-feira vrijdag"),
    ("Saturday", "samstag sonnabend samedi sábado sabato zaterdag"),
    ("Sunday", "sonntag dimanche domingo domenica zondag"),
)
_ENGLISH = [name for name, _ in (*_MONTHS, *_DAYS)]
_WORDS = {word: name for name, words in (*_MONTHS, *_DAYS) for word in words.split()}
_NAMED = frozenset(word.lower() for name in _ENGLISH for word in (name, name[:3]))
_MONTH = "|".join(name for name, _ in _MONTHS)
_SHORT = "|".join(sorted({name[:3] for name, _ in _MONTHS}))
_LETTERS = re.compile(r"[^\W\d_]+(?:-feira)?\.?")
_HALF = re.compile(r"(?i)(?<=\d) ?([ap])\.? ?m\.?(?=$| )")
_LEFT_OUT = re.compile(r"(?i)(?<=\d)(?:st|nd|rd|th)\b|\b(?:de|del|of)\b ?|(?<=\d) uhr$|(?<=\d) h$")
_POINT = re.compile(rf"(?<=\d)\.(?= ?(?:{_MONTH}|{_SHORT})\b)")


@lru_cache(maxsize=65_536)
def spelt(text: str) -> str:
    """`text` with names of months and weekdays in English, am and pm without points, no ordinals and no filling words.

    "21. Juni 2023" is "21 June 2023", "June 21st, 2023" is "June 21, 2023", "8:30 p.m." is "8:30 PM". A text that says nothing
    of the kind stays as it is.
    """
    if text.isascii() and not any(map(str.isalpha, text)):
        return text
    plain = _HALF.sub(lambda found: f" {found[1].upper()}M", _LEFT_OUT.sub("", text))
    named = _LETTERS.sub(_word, plain)
    return named if named == text else _POINT.sub("", named)


def _word(found: re.Match[str]) -> str:
    word = found[0].rstrip(".").lower()
    if word in _WORDS:
        return _WORDS[word]
    return found[0].rstrip(".") if word in _NAMED else found[0]
