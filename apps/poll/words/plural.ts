/** A text with one form per CLDR plural category. A missing category uses `other`. */
export type Plural = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>
