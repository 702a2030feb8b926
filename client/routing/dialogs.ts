/** Only one dialog of the layout can be open at a time. */
export type OpenDialog = 'switcher' | 'settings' | 'shortcuts' | 'create' | 'browse' | 'direct'
