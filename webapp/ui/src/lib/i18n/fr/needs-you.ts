import type { Catalogue } from "../catalogue";
import { forms } from "../plural";

const many = forms("fr");

export const needsYou: Catalogue["needsYou"] = {
  lead: "Ce que Guichet ne peut pas décider seul. Rien ici n’est envoyé, renvoyé ni abandonné tant que personne ne l’a dit.",
  empty: "Rien à trancher",
  emptyText: "Quand on ne peut savoir si une publication est partie, quand un compte perd son accès ou qu’un collègue laisse des envois derrière lui, cela apparaît ici.",
  kinds: {
    unknown_delivery: "Est-ce parti\u202f?",
    failed_delivery: "Refusé par le réseau",
    orphaned_schedule: "Prévu par une personne partie",
    awaiting_approval: "En attente d’accord",
    dead_letter: "Incompréhensible",
    account: "Compte sans accès",
    held: "Retenu par le frein",
  },
  counts: (n) => `${n} ${many(n, "question", "questions")}`,
  evidence: "Ce que l’on sait",
  attempt: (n, how) => `Essai ${n}\u202f: ${how}`,
  attemptStates: { started: "commencé", accepted: "accepté", refused: "refusé", unknown: "issue inconnue", absent: "absence prouvée", failed: "refusé" },
  looked: { absent: "Recherche sur le réseau\u202f: il n’y était pas", found: "Recherche sur le réseau\u202f: trouvé", candidates: "Recherche sur le réseau\u202f: quelque chose de semblable s’y trouve", unreadable: "Recherche sur le réseau\u202f: pas de réponse claire", error: "La recherche elle-même a échoué" },
  candidate: "Celle-ci\u202f?",
  choices: {
    link: "Elle y est\u202f: la lier",
    resend: "Renvoyer",
    drop: "Abandonner",
    retry: "Réessayer une fois",
    take_over: "Reprendre à mon compte",
    replay: "Relire",
    reconnect: "Reconnecter",
    approve: "Approuver",
    reject: "Refuser",
  },
  linkTitle: "De quelle publication s’agit-il\u202f?",
  linkText: "Collez l’adresse de la publication telle qu’elle est sur le réseau. Elle sera tenue pour envoyée\u202f; rien n’est renvoyé.",
  linkAddress: "Adresse de la publication",
  linkDo: "La lier",
  resendTitle: "Renvoyer\u202f?",
  resendText: "Si elle était tout de même partie, elle s’y trouvera deux fois. Regardez d’abord le compte.",
  dropTitle: "Abandonner\u202f?",
  dropText: "Elle ne sera pas envoyée. Ce qui se trouve peut-être sur le réseau y reste.",
  done: "C’est fait.",
  openPost: "Ouvrir la publication",
  openConversation: "Ouvrir la conversation",
  openAccount: "Voir le compte sur le réseau",
  more: (n) => `${n} de plus de ce genre`,
};
