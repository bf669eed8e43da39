/** What a customer is asked who wrote something about themselves where everybody reads it: in their language where it is one of ours, not in that of whoever answers. */
const ASKED = {
  en: "Please send us the details by direct message and delete what you wrote here: everybody can read it.",
  fr: "Merci de nous envoyer ces informations en message privé et de supprimer votre message d’ici\u202f: tout le monde peut le lire.",
};

export const askDirect = (language: string | null): string => ASKED[language?.startsWith("fr") ? "fr" : "en"];
