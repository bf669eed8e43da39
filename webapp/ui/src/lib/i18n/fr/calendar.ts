import type { Catalogue } from "../catalogue";
import { forms } from "../plural";

const many = forms("fr");

export const calendar: Catalogue["calendar"] = {
  views: { month: "Mois", week: "Semaine", list: "Liste" },
  view: "Affichage",
  today: "Aujourd’hui",
  previous: "Avant",
  next: "Après",
  zone: "Fuseau horaire de cette page",
  secondZone: "Second fuseau horaire",
  noSecond: "Pas de second fuseau",
  timesIn: (zone) => `Heures de ${zone}`,
  newPost: "Nouvelle publication",
  empty: "Rien n’est prévu sur cette période",
  moved: (p) => `Déplacée à ${p.when}, ${p.zone}.`,
  movedClash: (p) => `Déplacée à ${p.when}, ${p.zone}. ${p.clash}`,
  notMoved: (why) => `Pas déplacée\u202f: ${why}`,
  notYours: "Vous ne pouvez pas la déplacer\u202f: il faut pouvoir publier sur tous ses comptes.",
  cannotMove: "Ce qui part ou est parti ne peut plus être déplacé.",
  past: "Cette heure est déjà passée.",
  move: "Déplacer…",
  moveTo: "Déplacer à",
  moveDo: (p) => `Déplacer à ${p.when}, ${p.zone}`,
  open: "Ouvrir",
  details: "Publication",
  more: (n) => `${n} de plus`,
  accounts: (n) => `${n} ${many(n, "compte", "comptes")}`,
  noText: "Sans texte",
  freeSlot: "Créneau libre",
  freeSlotFor: (p) => `${p.label || "Créneau libre"}\u00a0: ${p.accounts}. Y écrire une publication.`,
};
