/** The dialog of the layout that is open; one at a time. */
export type OpenDialog = 'switcher' | 'settings' | 'shortcuts' | 'create' | 'browse' | 'direct'
