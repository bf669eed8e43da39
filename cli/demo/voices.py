"""What customers of the demonstration write: invented, in several languages and moods."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    network: str
    who: str
    to: str
    text: str
    direct: bool = False
    subject: str = ""


AURORE_X, AURORE, AURORE_SKY, AURORE_MAIL = "auroreair", "auroreair", "auroreair.test", "help@auroreair.example"

FIRST = (
    Voice("x", "mireille_v", AURORE_X, "Vol AU412 annulé ce matin, personne au comptoir. On dort où ce soir ?"),
    Voice("x", "tkowalczyk", AURORE_X, "my suitcase went to Oslo. I did not go to Oslo. what now?"),
    Voice("x", "sunday_flyer", AURORE_X, "Is there a vegetarian meal from Nantes to Lisbon or do I bring lunch?"),
    Voice("x", "nadia.k", AURORE_X, "Could you check seat 14C on AU208 for tomorrow please", direct=True),
    Voice("mastodon", "benoit", AURORE, "Bonjour, peut-on changer le nom sur un billet après un mariage ?"),
    Voice("mastodon", "hana", AURORE, "Stuck at gate B22 for two hours now and the screen says «on time». Really?"),
    Voice("mastodon", "olek", AURORE, "The crew on AU77 carried my grandmother's cello like a baby. Thank you!! 🎻❤️"),
    Voice("bluesky", "rosa.test", AURORE_SKY, "Does the 48 h refund window count from booking or from the e-mail?"),
    Voice("bluesky", "yusuf.test", AURORE_SKY, "هل يمكنني تغيير موعد رحلتي إلى الغد بدون رسوم؟"),
    Voice("bluesky", "edna.test", AURORE_SKY, "Your app logs me out each time I open the boarding pass. Android 15."),
    Voice("email", "margot.petit@customer.example", AURORE_MAIL,
          "Bonjour,\n\nMa valise n'est pas arrivée avec le vol AU131 du 3. Référence bagage : LYS48213.\n"
          "Pouvez-vous me dire où elle se trouve ?\n\nBien à vous,\nMargot Petit", subject="Bagage perdu LYS48213"),
    Voice("email", "procurement@partner.example", AURORE_MAIL,
          "Hello,\n\nwe would like to book 32 seats to Porto on 12 June. Whom do we talk to?\n\nKind regards\nA. Silva",
          subject="Group booking, 32 passengers"),
    Voice("x", "vinylhead", "lumenhelp", "which of your turntables can I repair myself when the belt goes?"),
    Voice("mastodon", "jo_cam", "lumen", "Does the L200 camera charge over USB-C while it is recording?"),
    Voice("mastodon", "kimiko", "lumen", "返品は三十日以内なら箱なしでも大丈夫ですか？"),
)  # fmt: skip

LATER = (
    Voice("x", "grumpyplanes", AURORE_X, "Forty minutes on hold. I know your waiting music by heart now."),
    Voice("x", "lea_en_route", AURORE_X, "Merci pour la réponse rapide hier, tout est réglé !"),
    Voice("mastodon", "cycliste44", AURORE, "Transportez-vous les vélos démontés, et à quel prix ?"),
    Voice("mastodon", "ana_maria", AURORE, "Necesito cambiar mi vuelo de Nantes a Sevilla, ¿cómo lo hago?"),
    Voice("bluesky", "postcard.test", AURORE_SKY, "Window seat, clear sky over the Alps, free biscuit. Ten of ten."),
    Voice("bluesky", "frugal.test", AURORE_SKY, "Booked twice by accident. Can one be cancelled without a fee?"),
    Voice("x", "hifi_max", "lumenhelp", "my new headphones crackle on the left side only, is that covered?"),
    Voice("mastodon", "tinkerer", "lumen", "Where can I buy the feet for the P9 speaker? One rolled away for ever."),
    Voice("email", "j.dubois@customer.example", AURORE_MAIL,
          "Bonjour, mon vol AU412 a été annulé. Comment demander l'indemnisation ?\n\nJ. Dubois",
          subject="Vol AU412 annulé"),
    Voice("x", "roadwarrior", AURORE_X, "Do miles expire if I flew in March but the points came in May?"),
)  # fmt: skip
