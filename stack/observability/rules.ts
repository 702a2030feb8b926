import type { Alert } from './alerts.ts'

/**
 * Returns the PromQL expression of an alert: its `value` with its `condition`. If the alert has a
 * second expression, in its field `and`, the operator `and on (function)` joins both.
 */
export function expressionOf({ value, condition, and }: Alert): string {
  const isCompound = /\n| or /.test(value)
  const compared = isCompound ? `(\n${indent(value)}\n) ${condition}` : `${value} ${condition}`
  return and === undefined ? compared : `${compared}\nand on (function)\n${and}`
}

/** Returns a file of rules for Prometheus. `runbooks` is the address of the runbooks. */
export function formatRules(alerts: readonly Alert[], runbooks: string): string {
  return `# Alerts for Prometheus 2.42 or later. Written by \`npm run observability\`; do not edit.
groups:
  - name: natter
    rules:
${alerts.map((alert) => indent(formatRule(alert, runbooks), 6)).join('\n')}
`
}

function formatRule(alert: Alert, runbooks: string) {
  const labels = { severity: alert.severity, ...alert.labels }
  const annotations = {
    summary: alert.summary,
    description: alert.description,
    runbook_url: `${runbooks}#${alert.name.toLowerCase()}`,
  }
  return `- alert: ${alert.name}
  expr: |-
${indent(expressionOf(alert), 4)}
  for: ${alert.for}
  labels:
${formatMap(labels)}
  annotations:
${formatMap(annotations)}`
}

/**
 * Formats a YAML map. Quotes its values as JSON, because a JSON string is also a valid YAML string.
 */
function formatMap(map: Record<string, string>) {
  return Object.entries(map)
    .map(([key, text]) => `    ${key}: ${JSON.stringify(text)}`)
    .join('\n')
}

function indent(text: string, spaces = 2) {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(spaces))
}
