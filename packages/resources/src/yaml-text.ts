/** Values as YAML, for programs and people: one document, long lines unbroken, no anchors. Ends without a line break. */
import { stringify } from 'yaml';

export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}
