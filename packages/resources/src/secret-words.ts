/** What may be a secret is neither quoted nor shown in a frame: reports end in logs, and files hold keys by mistake. */

/** Also the fields that name a file with a secret: what is written there by mistake is the secret itself. */
const SECRET_NAME = /secret|token|passw|passphrase|credential|(?:private|preshared|access|auth)[_-]?key|psk|seed/i;

export function namesSecret(field: string | number | undefined): boolean {
  return typeof field === 'string' && SECRET_NAME.test(field);
}

/** A key that names a secret, and the rest of its line; a path is no secret, nor is what begins on the next line. */
const SECRET_ENTRY = new RegExp(`^(.*?(?:${SECRET_NAME.source})[\\w-]*["']?\\s*:\\s+)(["']?(?![/"'])\\S.*)$`, 'i');

/** The value begins on the next line, as a block or by itself. */
const SECRET_BELOW = new RegExp(`(?:${SECRET_NAME.source})[\\w-]*["']?\\s*:\\s*([|>][-+\\d]*)?\\s*$`, 'i');

/**
 * The line with such a value covered, each character by one: what stands below it stays below it.
 * Cost: in the worst case the square of the lengths, so long lines are handed over in part.
 * @param before the line before it
 */
export function withoutSecrets(line: string, before: string): string {
  if (SECRET_BELOW.test(before)) return line.replaceAll(/\S/g, '*');
  const parts = SECRET_ENTRY.exec(line);
  if (parts === null) return line;
  const [, start = '', value = ''] = parts;
  return start + '*'.repeat(value.length);
}
