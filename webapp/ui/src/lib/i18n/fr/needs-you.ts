export const needsYou = {};
