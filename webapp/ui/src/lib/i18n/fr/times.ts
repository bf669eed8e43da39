import type { Catalogue } from "../catalogue";
import { forms } from "../plural";

const many = forms("fr");

export const times: Catalogue["times"] = {
  title: "Meilleurs moments",
  suggest: "Meilleurs moments",
  looking: "Lecture de l’historique…",
  chooseFirst: "Choisissez d’abord un compte.",
  tooMany: "Les moments sont jugés pour 20 comptes au plus.",
  take: (when) => `Prendre ${when}`,
  taken: (when) => `Prévue pour ${when}.`,
  none: "Il n’y a aucun moment à proposer.",
  allTaken: "Les moments qui se détachent sont tous pris, ou hors des heures d’ouverture, ces deux prochaines semaines.",
  behind: "Les publications",
  behindOf: (account) => `Les publications derrière ce chiffre, ${account}`,
  measure: {
    reactions: "Les chiffres sont la médiane des mentions «\u00a0j’aime\u00a0», des partages et des réponses, lue quand une publication avait un ou deux jours.",
    answers: "Les chiffres sont la médiane des réponses de clients en deux jours\u00a0: trop peu d’autres chiffres sont connus.",
  },
  usual: (n) => `Toutes les publications ensemble\u00a0: ${n}.`,
  better: "★ se détache. Plus la couleur est forte, mieux c’est que les autres publications du compte\u202f; sans étoile, ce peut être un hasard.",
  caption: (handle) => `Ce que les publications de ${handle} ont apporté, par jour et par heure`,
  day: "Jour",
  cell: (p) => `${p.day} ${p.from}–${p.to}\u00a0: ${p.brought}, ${p.posts} ${many(p.posts, "publication", "publications")}${p.best ? ", se détache" : ""}`,
  posts: (n) => `${n} ${many(n, "publication", "publications")}`,
  brought: (n) => `a apporté ${n}`,
  partly: (p) => `Les ${p.shown} sur ${p.of} qui ont le plus apporté.`,
  toSlots: "Créneaux d’après l’historique",
  toSlotsDone: (n) => (n ? `${n} ${many(n, "créneau ajouté", "créneaux ajoutés")}\u00a0: voyez ci-dessous, puis enregistrez.` : "Les moments qui se détachent ont déjà leurs créneaux."),
  anyDay: "Tous les jours",
  allDay: "toute la journée",
  atNetwork: "Sur le réseau",
};
