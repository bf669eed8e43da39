import type { Catalogue } from "../catalogue";

export const cards: Catalogue["cards"] = {
  on: (handles) => `Carte du lien sur ${handles}`,
  title: "Titre de la carte",
  description: "Description sur la carte",
  elsewhere: "Le lien n’est plus dans le texte\u00a0; la carte y mène toujours.",
  noPicture: "L’image de la page n’a pas pu être reprise\u00a0:",
  edit: "Modifier",
  done: "Terminé",
  choose: "Image de la médiathèque…",
  dropPicture: "Sans image",
  again: "Consulter à nouveau",
  remove: "Retirer la carte",
  none: (handles) => `Pas de carte du lien sur ${handles}.`,
  put: "En mettre une",
  failed: (handles) => `Pas encore de carte du lien sur ${handles}.`,
  tryAgain: "Réessayer",
  byHand: "L’écrire à la main",
  without: "S’en passer",
  reads: (network) => `${network} lit lui-même la page quand il montre la publication\u00a0: voici ce qu’elle dit maintenant.`,
  unread: (network) => `${network} lit lui-même la page quand il montre la publication. On ne sait pas ici ce que montrera sa carte.`,
  given: "Envoyée avec la publication, telle qu’elle est ici.",
};
