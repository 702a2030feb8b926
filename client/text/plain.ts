export const toPlainText = (text: string, most: number) => text.slice(0, most)
