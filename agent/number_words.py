"""Words of English that state a number, a date or a unit."""

# ruff: noqa: SIM905 - a word list reads better as a paragraph than as quoted strings

from __future__ import annotations

NUMBER_WORDS = frozenset(
    """
    zero nil nought naught one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fourty fifty sixty seventy eighty ninety
    ones twos threes fours fives sixes sevens eights nines tens twenties thirties forties fifties sixties seventies
    eighties nineties
    hundred hundreds thousand thousands million millions billion billions trillion trillions lakh crore
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth hundredth thousandth millionth
    seconds thirds fourths fifths sixths sevenths eighths ninths tenths hundredths thousandths
    half halves halved quarter quarters
    once twice thrice single double doubles doubled doubling triple triples tripled tripling treble quadruple
    quadrupled quintuple tenfold couple couples dozen dozens pair pairs trio score scores minus
    """.split()
)

DATE_WORDS = frozenset(
    """
    january february march april june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    mondays tuesdays wednesdays thursdays fridays saturdays sundays
    today tomorrow yesterday tonight fortnight fortnights noon midnight
    """.split()
)

DATE_WORDS_WHEN_CAPITAL = frozenset(
    "may jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun".split()
)
"""Ordinary words, or short forms, that name a date only with a capital: ``may`` the verb, ``May`` the month."""

UNIT_WORDS = frozenset(
    """
    % ‰ € $ £ ¥ percent percentage eur euro euros usd dollar dollars gbp pound pounds chf cent cents
    unit units piece pieces pcs pallet pallets case cases box boxes carton cartons kg kilo kilos ton tons tonne tonnes
    hour hours day days week weeks month months year years minute minutes
    k m mn bn mio
    """.split()
)
"""Words that change what a figure means when they follow it."""
