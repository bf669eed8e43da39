"""What customers of the demonstration write: invented, in several languages and moods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random


@dataclass(frozen=True)
class Voice:
    """`after`: what they write when they have been answered; nothing where it is empty. `html`: how
    their mail looks. `followers`: how many they have there."""

    network: str
    who: str
    to: str
    text: str
    direct: bool = False
    subject: str = ""
    after: str = ""
    html: str = ""
    followers: int = 0


AURORE_X, AURORE, AURORE_SKY, AURORE_MAIL = "auroreair", "auroreair", "auroreair.test", "help@auroreair.example"

_GROUP = (
    "<p>Hello,</p><p>we would like to book <b>32 seats</b> to Porto on 12 June:</p>"
    '<table border="1" cellpadding="6" style="border-collapse:collapse"><tr style="background:#e8eef7">'
    '<th align="left">From</th><th align="left">To</th><th align="right">Seats</th></tr>'
    '<tr><td>Nantes</td><td>Porto</td><td align="right">20</td></tr>'
    '<tr><td>Lyon</td><td>Porto</td><td align="right">12</td></tr></table>'
    '<p>Whom do we talk to?</p><p style="color:#5a5f66">Kind regards<br>A. Silva</p>'
)

FIRST = (
    Voice("x", "mireille_v", AURORE_X, "Vol AU412 annulé ce matin, personne au comptoir. On dort où ce soir ?",
          after="Merci. On vient de nous donner une chambre, ça va mieux."),
    Voice("x", "tkowalczyk", AURORE_X, "my suitcase went to Oslo. I did not go to Oslo. what now?",
          followers=48_200,
          after="ok, thank you. please tell it that I miss it"),
    Voice("x", "sunday_flyer", AURORE_X, "Is there a vegetarian meal from Nantes to Lisbon or do I bring lunch?",
          after="Perfect, then I leave the sandwich at home."),
    Voice("x", "paula_r", AURORE_X, "My booking X7K2MQ is gone from your app. Can you call me on +44 20 7946 0958?"),
    Voice("x", "miles4all", AURORE_X, "FREE MILES for everybody who flies to Porto!! https://free-miles.example.com/now"),
    Voice("x", "nadia.k", AURORE_X, "Could you check seat 14C on AU208 for tomorrow please", direct=True),
    Voice("mastodon", "benoit", AURORE, "Bonjour, peut-on changer le nom sur un billet après un mariage ?",
          after="C’est noté, merci pour la réponse rapide !"),
    Voice("mastodon", "hana", AURORE, "Stuck at gate B22 for two hours now and the screen says «on time». Really?",
          followers=1_940,
          after="Fine, but somebody should tell the screen."),
    Voice("mastodon", "olek", AURORE, "The crew on AU77 carried my grandmother's cello like a baby. Thank you!! 🎻❤️"),
    Voice("bluesky", "rosa.test", AURORE_SKY, "Does the 48 h refund window count from booking or from the e-mail?",
          after="Clear. Thank you!"),
    Voice("bluesky", "yusuf.test", AURORE_SKY, "هل يمكنني تغيير موعد رحلتي إلى الغد بدون رسوم؟"),
    Voice("bluesky", "edna.test", AURORE_SKY, "Your app logs me out each time I open the boarding pass. Android 15.",
          after="I did that and it still logs me out. Anything else I can try?"),
    Voice("email", "margot.petit@customer.example", AURORE_MAIL,
          "Bonjour,\n\nMa valise n'est pas arrivée avec le vol AU131 du 3. Référence bagage : LYS48213.\n"
          "Pouvez-vous me dire où elle se trouve ?\n\nBien à vous,\nMargot Petit", subject="Bagage perdu LYS48213"),
    Voice("x", "margot_p", AURORE_X, "Toujours rien pour ma valise LYS48213 ? Je vous ai écrit hier depuis"
          " margot.petit@customer.example"),
    Voice("email", "procurement@partner.example", AURORE_MAIL,
          "Hello,\n\nwe would like to book 32 seats to Porto on 12 June. Whom do we talk to?\n\nKind regards\nA. Silva",
          subject="Group booking, 32 passengers", html=_GROUP),
    Voice("x", "vinylhead", "lumenhelp", "which of your turntables can I repair myself when the belt goes?",
          after="great, ordering the belt now"),
    Voice("mastodon", "jo_cam", "lumen", "Does the L200 camera charge over USB-C while it is recording?",
          after="Good to know, thanks."),
    Voice("mastodon", "kimiko", "lumen", "返品は三十日以内なら箱なしでも大丈夫ですか？"),
)  # fmt: skip

# Said again and again while the demonstration runs, each time of another flight, place or thing.
TALES = (
    Voice("x", "", AURORE_X, "Forty minutes on hold about {flight}. I know your waiting music by heart now.",
          after="Thank you. That took you two minutes, the phone took forty."),
    Voice("x", "", AURORE_X, "Le vol {flight} pour {city} est affiché retardé. De combien de temps ?",
          after="Merci de l’avoir dit clairement."),
    Voice("x", "", AURORE_X, "Do miles expire if I flew to {city} in March but the points came in May?",
          after="That is fair. Thanks!"),
    Voice("x", "", AURORE_X, "is the lounge in {city} open before 6?", after="ok see you there then"),
    Voice("x", "", AURORE_X, "Bonjour, mon dossier {booking} : le siège payé n’apparaît plus.", direct=True,
          after="Il est revenu, merci beaucoup."),
    Voice("mastodon", "", AURORE, "Transportez-vous les vélos démontés vers {city}, et à quel prix ?",
          after="Parfait, je réserve."),
    Voice("mastodon", "", AURORE, "Necesito cambiar mi vuelo {flight} a {city}, ¿cómo lo hago?",
          after="¡Muchas gracias!"),
    Voice("mastodon", "", AURORE, "Wie lange vor Abflug nach {city} macht der Schalter auf?", after="Danke!"),
    Voice("mastodon", "", AURORE, "Crying baby, spilled coffee, and the crew of {flight} kept smiling. Thank you."),
    Voice("bluesky", "", AURORE_SKY, "Window seat, clear sky all the way to {city}, free biscuit. Ten of ten."),
    Voice("bluesky", "", AURORE_SKY, "Booked {flight} twice by accident. Can one be cancelled without a fee?",
          after="You just saved my week."),
    Voice("bluesky", "", AURORE_SKY, "My bag did not come with {flight}. The belt in {city} is empty, the desk too.",
          after="They found it behind the desk. Thank you for calling them."),
    Voice("bluesky", "", AURORE_SKY, "Peut-on venir à {city} avec un chat en cabine ?", after="Le chat vous remercie."),
    Voice("email", "", AURORE_MAIL,
          "Bonjour,\n\nmon vol {flight} a été annulé. Comment demander l’indemnisation ?\n\nBien à vous",
          subject="Vol {flight} annulé", after="Bonjour,\n\nc’est fait, merci de votre aide.\n\nBien à vous"),
    Voice("email", "", AURORE_MAIL,
          "Hello,\n\nI left a grey scarf on {flight} to {city}, seat 9A. Has anybody found it?\n\nKind regards",
          subject="Scarf left on {flight}",
          after="Hello,\n\nthat is the one! I will collect it on Friday.\n\nThank you"),
    Voice("email", "", AURORE_MAIL,
          "Hello,\n\nplease send the invoice for booking {booking}; my company needs it.\n\nBest regards",
          subject="Invoice for {booking}", after="Received, thank you."),
    Voice("x", "", "lumenhelp", "my new {thing} crackles on the left side only, is that covered?",
          after="wow that was easy. sending it back tomorrow"),
    Voice("x", "", "lumenhelp", "does the {thing} still get updates?", after="thx"),
    Voice("mastodon", "", "lumen", "Where can I buy the feet for the {thing}? One rolled away for ever.",
          after="Ordered. Long live spare parts."),
    Voice("mastodon", "", "lumen", "Which cable does the {thing} want: the round one or the flat one?",
          after="The round one it is. Thanks!"),
)  # fmt: skip

_NAMES = (
    "ada", "bruno", "celia", "dmitri", "elif", "farid", "greta", "hugo", "irina", "jules", "keiko", "lars", "manon",
    "nils", "oda", "pablo", "quentin", "rania", "sven", "tilde", "ugo", "vera", "wim", "xenia", "yann", "zoe",
)  # fmt: skip
_FACTS = {
    "city": ("Lisbon", "Oslo", "Porto", "Athens", "Dublin", "Naples", "Nantes", "Warsaw"),
    "thing": ("L200 camera", "P9 speaker", "T3 turntable", "K5 headphones"),
}


def tell(tale: Voice, luck: Random) -> Voice:
    """Somebody new tells it of a flight, a place or a thing of their own."""
    facts = {name: luck.choice(of) for name, of in _FACTS.items()}
    facts["flight"] = f"AU{luck.randint(100, 999)}"
    facts["booking"] = "".join(luck.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(6))
    who = f"{luck.choice(_NAMES)}{luck.randint(1, 999)}"
    return replace(tale, who=who, text=tale.text.format(**facts), subject=tale.subject.format(**facts))
