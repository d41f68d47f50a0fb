"""The words that `normalising` looks for in a name that are not themselves names. Tables only, no logic.

What says something about origin does not belong here: that is the lexicon in `data/`.
"""

TITLES: dict[str, str] = {
    # English, as written in South African lists
    "mr": "Mr", "mister": "Mr", "mrs": "Mrs", "ms": "Ms", "miss": "Miss", "master": "Master", "mstr": "Master",
    "dr": "Dr", "doctor": "Dr", "prof": "Prof", "professor": "Prof", "rev": "Rev", "revd": "Rev", "reverend": "Rev",
    "pastor": "Pastor", "past": "Pastor", "ps": "Pastor", "fr": "Fr", "adv": "Adv", "advocate": "Adv", "atty": "Attorney",
    "sir": "Sir", "dame": "Dame", "lady": "Lady", "hon": "Hon", "honourable": "Hon", "cllr": "Councillor",
    "councillor": "Councillor", "capt": "Captain", "captain": "Captain", "col": "Colonel", "maj": "Major", "lt": "Lieutenant",
    "sgt": "Sergeant", "apostle": "Apostle",
    # Afrikaans
    "mnr": "Mnr", "meneer": "Mnr", "mev": "Mev", "mevrou": "Mev", "mej": "Mej", "mejuffrou": "Mej", "me": "Me", "ds": "Ds",
    "dominee": "Ds", "advokaat": "Adv", "kapt": "Kapt", "kol": "Kol",
    # Sotho-Tswana and Nguni forms of address
    "ntate": "Ntate", "mme": "Mme", "mma": "Mma", "rra": "Rra", "mnumzane": "Mnumzane", "nkosikazi": "Nkosikazi",
}  # fmt: skip
"""Title as folded text -> as displayed. Left out: `Prince`, `Chief`, `Bishop`, `Major`, `Sister`, which are given names here."""

SUFFIXES = frozenset(
    """
    jr jnr junior snr sr senior ii iii iv esq phd mba bcom bsc msc llb btech casa ca acma cima pr eng
    mbchb mbbch bchd bproc bcompt bpharm mmed llm dphil frcs
    """.split()
)
"""Generation marks and qualifications, recognised only after a full name: `Junior` in front is a given name."""

NAMES_TOO = frozenset("junior senior ca pr eng ii iii iv".split())
"""Suffixes that are as well given names or initials, and more likely so behind a comma: `Botha, CA`."""

SENIOR_COUNSEL = "sc"
"""Follows the name of an advocate; behind any other name it is rather initials (`Botha SC`)."""

ROLES = frozenset("director directors owner member manager ceo md cfo partner proprietor direkteur eienaar lid".split())
"""Roles typed beside a name; dropped at either end when a name remains."""

PARTICLES = frozenset(
    "van von der den de du le la les da dos das do di del della ter ten te vd bin binti ibn ben al el st".split()
)
"""Words that belong to the surname after them (`van der Merwe`, `dos Santos`). A particle in last place is a name."""

NOT_LEADING = frozenset("bin binti ibn ben al el do di te ten la st".split())
"""Particles that are given names when a name starts with them (`Ben Dlamini`, `Bin Wang`, `Al Jones`)."""

COMPOUND_STARTS = frozenset("janse jansen jansens jansz".split())
"""First half of a compound such as `Janse van Rensburg`, when a particle follows."""

PLACEHOLDER_WORDS = frozenset(
    """
    a above and another any applicable as asdf asdfgh available be below blah blank confirmed contact customer deleted
    dir director directors ditto do dummy empty enter error example first fname for full fullname geen given here idem
    info initials insert known last later lid lname member missing n na name names naam nan nb new nil no nobody none
    not null number onbekend onbekende only other owner pending person persoon private provided qwerty ref
    sample same see self someone somebody staff still supplied surname surnames tba tbc tbd temp test tester testing the
    to unavailable undefined unknown unnamed update user value van voornaam who withheld x xx xxx xyz y yes yet your z
    """.split()
)
"""A name made of these words alone is a placeholder (`Test User`, `Not available`, `To be confirmed`)."""

PLACEHOLDER_PHRASES = frozenset(
    (
        # What a caller noted
        "call back", "callback", "call again", "call later", "do not call", "dont call", "do not phone", "do not contact",
        "wrong number", "wrong no", "wrong person", "wrong details", "not interested", "no answer", "no reply", "no response",
        "not answering", "not reachable", "unreachable", "not available anymore", "voicemail", "voice mail", "left message",
        "number does not exist", "does not exist", "not in service", "out of service", "phone off", "switched off",
        "disconnected", "bel terug", "verkeerde nommer", "geen antwoord", "stel nie belang nie", "nie beskikbaar nie",
        # What stands for another place or for several people
        "see note", "see notes", "see comment", "see comments", "see attached", "see list", "refer to notes", "sien nota",
        "sien notas", "to follow", "no details", "no contact", "no director", "no directors", "various", "various directors",
        "various members", "various owners", "multiple", "multiple directors", "verskeie", "verskeie direkteure",
        "deceased", "oorlede",
    )
)  # fmt: skip
"""A name that is one of these, word for word, is a placeholder. Their words alone are not: `Back` is a surname, `Call` too."""

COMPANY_WORDS = frozenset(
    """
    pty ltd edms bpk npc npo limited incorporated beperk holdings holding trading traders enterprise enterprises
    projects construction contractors consulting consultants consultancy services solutions investments investment
    properties logistics transport suppliers supplies group company companies cooperative foundation municipality
    restaurant motors engineering association technologies catering developments distributors wholesalers
    ventures industries boerdery beleggings eiendomme konstruksie vervoer dienste attorneys accountants
    """.split()
)
"""A name with any of these words is a company's. Left out: `Church`, `Farmer`, `Bank`, `Trust`, which people are called."""

COMPANY_ENDINGS = frozenset("cc bk inc trust".split())
"""Company forms that are also initials or a given name: they count only after at least two other words."""

COMPANY_PHRASES = ("family trust", "estate late", "deceased estate", "boedel wyle", "the trust", "t a")
"""Sequences of words that mark a trust, an estate or a trading name."""

CUT_AT = frozenset("aka nee born gebore formerly previously voorheen alias".split())
"""What follows one of these is another name of the same person; the first one is kept."""
