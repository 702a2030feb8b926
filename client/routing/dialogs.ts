/** The open dialog of the layout. Only one can be open at a time. */
export type OpenDialog = 'switcher' | 'settings' | 'shortcuts' | 'create' | 'browse' | 'direct'
