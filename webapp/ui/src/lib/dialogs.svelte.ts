/** Which of the frame's own dialogs is open; any page may open one. */
export const dialogs: { palette: boolean; keys: boolean; brake: boolean; notices: boolean } = $state({ palette: false, keys: false, brake: false, notices: false });
