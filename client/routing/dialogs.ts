/** The dialogs that the page's layout opens. Only one of them can be open at a time. */
export type OpenDialog = 'switcher' | 'settings' | 'shortcuts' | 'create' | 'browse' | 'direct'
